import { isReason } from '../../api/errors.ts'
import { limited } from '../changes.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { evictAll } from '../drain/evict.ts'
import { type NodeTarget, nodeFlags, nodeTargets } from '../drain/nodes.ts'
import { type DrainPod, planDrain } from '../drain/plan.ts'
import { setSchedulable } from '../drain/schedulable.ts'
import { parseDuration } from '../duration.ts'
import { callOf, listAll } from '../objects.ts'
import type { ResourceMap } from '../resources.ts'
import { dryRunOf, dryRunSuffix } from '../result.ts'
import { displayName } from '../selection.ts'
import type { Session } from '../session.ts'

export const drain: Command = {
  name: 'drain',
  usage: 'drain NODE... [flags]',
  summary: 'Cordons nodes and moves their pods elsewhere, as fast as disruption budgets allow.',
  examples: ['wherry drain wherry-1 --ignore-daemonsets', 'wherry drain wherry-1 --force --grace-period=30 --timeout=5m'],
  flags: {
    ...nodeFlags,
    force: { type: 'bool', help: 'Pods that nothing would start again elsewhere too' },
    'ignore-daemonsets': { type: 'bool', help: 'Leave the pods of DaemonSets' },
    'delete-emptydir-data': { type: 'bool', help: 'Pods with emptyDir volumes too, whose data is lost' },
    'delete-local-data': { type: 'bool', help: 'As --delete-emptydir-data', hidden: true },
    'grace-period': { type: 'int', help: 'Seconds that each pod gets to end; -1: its own' },
    timeout: { type: 'string', help: 'How long to try: 5m; 0s: for ever', placeholder: '0s' },
    'pod-selector': { type: 'string', help: 'Only pods with these labels' },
    'disable-eviction': { type: 'bool', help: 'Delete pods, whatever their disruption budgets say' },
    'ignore-errors': { type: 'bool', help: 'Go on with the next node after a failure (always so)', hidden: true },
    'chunk-size': { type: 'int', help: 'How many pods to ask for at a time', hidden: true },
  },
  async run(context) {
    const { targets, code } = await nodeTargets(context, 'drain')
    if (code !== 0) return code
    for (const target of targets) await setSchedulable(context, target, false)
    const session = await context.session()
    const pending = new Set<string>()
    for (const target of targets) {
      const faults = await drainOne(context, session, target)
      if (faults.length === 0) {
        context.io.out(`${displayName(target.resource, target.name)} drained${dryRunSuffix(dryRunOf(context))}\n`)
        continue
      }
      pending.add(target.name)
      const text = faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`
      const goesOn = target === targets.at(-1) ? '' : ', continuing command...'
      context.io.err(`error: unable to drain node "${target.name}" due to error: ${text}${goesOn}\n`)
    }
    if (pending.size === 0) return 0
    context.io.err(`There are pending nodes to be drained:\n${[...pending].map(name => ` ${name}\n`).join('')}`)
    return 1
  },
}

/** Answers what kept the node from being drained. */
async function drainOne(context: CommandContext, session: Session, node: NodeTarget): Promise<string[]> {
  const map = await session.resources()
  const pods = map.ofKind('v1', 'Pod')
  const labelSelector = flag.text(context, 'pod-selector')
  const options = { fieldSelector: `spec.nodeName=${node.name}`, ...(labelSelector && { labelSelector }) }
  const { items } = await listAll(session, pods, undefined, options)
  const there = await daemonSetsThere(session, map, items)
  const plan = planDrain(items, {
    force: flag.on(context, 'force'),
    ignoreDaemonSets: flag.on(context, 'ignore-daemonsets'),
    deleteEmptyDirData: flag.on(context, 'delete-emptydir-data') || flag.on(context, 'delete-local-data'),
    daemonSetExists: (pod, { name }) => there.has(`${pod.metadata.namespace}/${name}`),
  })
  if (plan.obstacles.length > 0) return [...plan.obstacles]
  if (plan.warnings.length > 0) context.io.err(`Warning: ${plan.warnings.join('; ')}\n`)
  const dryRun = dryRunOf(context)
  if (dryRun === 'client') {
    for (const { metadata } of plan.evict) context.io.out(`evicting pod ${metadata.namespace}/${metadata.name} (dry run)\n`)
    return []
  }
  const limit = limited(context, parseDuration('timeout', flag.text(context, 'timeout') ?? '0s'))
  try {
    return await evictAll(plan.evict, {
      context,
      session,
      pods,
      gracePeriodSeconds: flag.number(context, 'grace-period') ?? -1,
      bypassBudgets: flag.on(context, 'disable-eviction'),
      dryRun: dryRun === 'server',
      signal: limit.signal,
    })
  } finally {
    limit.release()
  }
}

/** Those of the DaemonSets that own the pods which exist, as namespace/name. */
async function daemonSetsThere(session: Session, map: ResourceMap, pods: readonly DrainPod[]): Promise<Set<string>> {
  const resource = map.all.find(({ kind, group }) => kind === 'DaemonSet' && group === 'apps')
  const names = pods.flatMap(({ metadata: { namespace, ownerReferences = [] } }) =>
    ownerReferences
      .filter(({ kind, controller }) => kind === 'DaemonSet' && controller)
      .map(({ name }) => `${namespace}/${name}`),
  )
  const there = new Set<string>()
  if (!resource) return there
  for (const key of new Set(names)) {
    const [namespace, name = ''] = key.split('/')
    try {
      await session.transport.call(callOf('get', resource, { namespace, name }))
      there.add(key)
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }
  return there
}
