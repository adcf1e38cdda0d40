import { isReason } from '../../api/errors.ts'
import type { CallOptions } from '../../api/transport.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf, selectionFlags } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import type { Session } from '../session.ts'
import { applyTaints, parseTaints, splitTaints, type Taint, type TaintChanges } from '../taints.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'
import { fieldValidationOf, validationFlags } from '../validation.ts'

export const taint: Command = {
  name: 'taint',
  usage: 'taint NODE NAME... KEY[=VALUE]:EFFECT... KEY[:EFFECT]-... [flags]',
  summary: 'Keeps pods off nodes, or lets them on again.',
  examples: [
    'wherry taint nodes wherry-1 dedicated=db:NoSchedule',
    'wherry taint nodes wherry-1 dedicated:NoSchedule-',
    'wherry taint nodes -l disk=slow slow:PreferNoSchedule',
  ],
  flags: {
    selector: selectionFlags.selector,
    all: { type: 'bool', help: 'All nodes' },
    ...writeFlags,
    ...validationFlags,
    overwrite: { type: 'bool', help: 'Change taints that are there already' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const { names, specs } = splitTaints(context.words)
    const [type] = names
    if (type === undefined) throw new Error('one or more resources must be specified as <resource> <name> or <resource>/<name>')
    if (specs.length === 0) throw new Error('at least one taint update is required')
    const changes = parseTaints(specs)
    const resource = (await (await context.session()).resources()).named(type.split('/')[0] ?? '')
    if (resource.kind !== 'Node') throw new Error(`invalid resource type ${type.split('/')[0]}, only node types are supported`)
    const say = resultPrinter(context)
    const { code } = await eachTarget(context, { words: names }, async (target, session) => {
      const { outcome, object } = await taintOne(context, session, target, changes)
      await say(target, outcome, object)
    })
    return code
  },
}

async function taintOne(context: CommandContext, session: Session, target: Target, changes: TaintChanges) {
  const { resource, namespace, name } = target
  const dryRun = dryRunOf(context)
  const options: CallOptions = {
    fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-taint',
    fieldValidation: fieldValidationOf(context),
    ...(dryRun === 'server' && { dryRun: true }),
  }
  for (;;) {
    const node = await fetchTarget(session, target)
    const { spec } = node as unknown as { spec?: { taints?: Taint[] } }
    const { taints, outcome } = applyTaints(name, spec?.taints ?? [], changes, flag.on(context, 'overwrite'))
    if (dryRun === 'client') return { outcome, object: { ...node, spec: { ...spec, taints } } }
    // Controllers taint nodes as well, and the list is replaced whole: none of theirs may get lost.
    const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } }
    try {
      const object = await session.transport.call(
        callOf('patch', resource, { namespace, name }, { body, patchType: 'strategic', options }),
      )
      return { outcome, object }
    } catch (error) {
      if (!isReason(error, 'Conflict')) throw error
    }
  }
}
