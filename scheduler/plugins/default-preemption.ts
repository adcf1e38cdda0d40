import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { timestamp } from '../../lib/clock.ts'
import type { PluginDependencies } from '../dependencies.ts'
import type { Filters } from '../filters.ts'
import { type Cycle, type Diagnosis, type Plugin, type PostFiltered, type Refusal, unresolvable } from '../framework.ts'
import { unschedulableMessage } from '../messages.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { type Budget, type Candidate, leastHarm, selectVictims } from './victims.ts'

const name = 'DefaultPreemption'
const notHelpful = unresolvable(name, 'Preemption is not helpful for scheduling')
const noVictims = unresolvable(name, 'No preemption victims found for incoming pod')

interface Options extends Omit<PluginDependencies, 'informers'> {
  /** The budgets as they are now. */
  readonly budgets: () => readonly Budget[]
  readonly schedulerName: string
}

/** How many nodes to find victims on: a tenth of those where it may help, 100 at least. */
export function enoughCandidates(nodes: number): number {
  return Math.min(nodes, Math.max(100, Math.trunc(nodes / 10)))
}

/**
 * A pod that fits nowhere may push pods of lower priority away. It does not get their place, only a nomination: it waits until
 * they have left, and goes where it fits then (pkg/scheduler/framework/preemption, semantics A9).
 */
export function defaultPreemption(options: Options): Plugin {
  const { nominator, random, breather, sideTasks, log, reconsider, retry } = options
  /** The pods whose victims are still being told to go. */
  const preempting = new Set<string>()

  const findCandidates = async (cycle: Cycle, { refusals }: Diagnosis, filters: Filters, failures: Map<Refusal, string[]>) => {
    const candidates: Candidate[] = []
    const potential: NodeInfo[] = []
    for (const [{ code }, names] of refusals)
      for (const nodeName of names) {
        const node = cycle.snapshot.byName.get(nodeName)
        if (code === 'Unschedulable' && node) potential.push(node)
        else note(failures, notHelpful, nodeName)
      }
    const budgets = options.budgets()
    const enough = enoughCandidates(potential.length)
    const offset = random.below(Math.max(1, potential.length))
    for (let i = 0; i < potential.length; i++) {
      if (breather.isDue()) await breather.rest()
      const node = potential[(offset + i) % potential.length] as NodeInfo
      const found = selectVictims(cycle.pod, filters.trial(node), budgets)
      if (found && 'victims' in found) candidates.push(found)
      else note(failures, found ?? noVictims, node.name)
      if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break
    }
    return candidates
  }

  const preempt = async (cycle: Cycle, diagnosis: Diagnosis, filters: Filters | undefined): Promise<PostFiltered> => {
    const failures = new Map<Refusal, string[]>()
    const totalNodes = cycle.snapshot.nodes.length
    if (!filters)
      failures.set(
        notHelpful,
        cycle.snapshot.nodes.map(node => node.name),
      )
    const candidates = filters ? await findCandidates(cycle, diagnosis, filters, failures) : []
    const chosen = leastHarm(candidates)
    if (!chosen) {
      const message = unschedulableMessage({ totalNodes, refusals: failures, plugins: new Set() })
      return { nominatedNode: '', message: `preemption: ${message}` }
    }
    const { pod } = cycle
    preempting.add(pod.uid)
    for (const other of nominator.on(chosen.nodeName))
      if (other.priority < pod.priority) sideTasks.start(() => takeNominationBack(other, options))
    sideTasks.start(() =>
      evict(pod, chosen, options)
        .then(() => {
          preempting.delete(pod.uid)
          reconsider(pod.uid)
        })
        .catch((err: unknown) => {
          log.warn({ err, pod: pod.key, node: chosen.nodeName }, 'preemption failed')
          preempting.delete(pod.uid)
          nominator.remove(pod.uid)
          retry(pod.uid)
        }),
    )
    return { nominatedNode: chosen.nodeName }
  }

  return {
    name,
    preEnqueue: pod => (preempting.has(pod.uid) ? 'waiting for the preemption for this pod to be finished' : undefined),
    async postFilter(cycle, diagnosis, filters) {
      if (diagnosis.totalNodes === 0) return undefined
      const objection = objectionTo(cycle, diagnosis)
      return objection ? { message: `preemption: ${objection}` } : preempt(cycle, diagnosis, filters)
    },
  }
}

function note(failures: Map<Refusal, string[]>, refusal: Refusal, nodeName: string): void {
  const names = failures.get(refusal)
  if (names) names.push(nodeName)
  else failures.set(refusal, [nodeName])
}

/** Why the pod may not push others away: it does not want to, or those it pushed away are still leaving. */
function objectionTo({ pod, snapshot }: Cycle, { refusals }: Diagnosis): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = pod.pod.status.nominatedNodeName
  const node = nominated ? snapshot.byName.get(nominated) : undefined
  if (!node) return undefined
  const isHopeless = [...refusals].some(([{ code }, names]) => code === 'Unresolvable' && names.includes(node.name))
  const isLeaving = node.pods.some(other => other.priority < pod.priority && isLeavingForPreemption(other.pod))
  return !isHopeless && isLeaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

function isLeavingForPreemption({ metadata, status }: Pod): boolean {
  if (!metadata.deletionTimestamp) return false
  return (status.conditions ?? []).some(
    ({ type, status, reason }) => type === 'DisruptionTarget' && status === 'True' && reason === 'PreemptionByScheduler',
  )
}

/** Tells each victim why, then deletes it with the grace it asked for. */
async function evict(pod: PodInfo, { nodeName, victims }: Candidate, options: Options): Promise<void> {
  const { client, events, clock, schedulerName } = options
  const writer = client.as({ actor: 'scheduler', wokenBy: [Number(pod.pod.metadata.resourceVersion)] })
  for (const victim of victims) {
    if (victim.pod.metadata.deletionTimestamp) continue
    const { name, namespace, uid } = victim.pod.metadata
    const text = `${pod.key} (priority ${pod.priority}) needs room on ${nodeName}; ${victim.key} has priority ${victim.priority}`
    const why = {
      note: { rule: 'scheduler/preempt', text, data: { node: nodeName, preemptor: pod.uid, victims: victims.length } },
    }
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      observedGeneration: victim.pod.metadata.generation,
      reason: 'PreemptionByScheduler',
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: timestamp(clock.now()),
    }
    const patch = { metadata: { uid }, status: { conditions: [condition] } }
    await writer
      .patch(Pod, { namespace, name }, 'strategic', patch, { ...why, subresource: 'status' })
      .then(() => writer.delete(Pod, { namespace, name }, { ...why, preconditions: { uid } }))
      .catch(ignore('NotFound'))
    events.record(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${pod.uid} on node ${nodeName}`)
  }
}

/** A less important pod that waited for the same node has to look again. */
async function takeNominationBack(pod: PodInfo, { client, nominator, log }: Options): Promise<void> {
  nominator.remove(pod.uid)
  const { name, namespace, uid } = pod.pod.metadata
  const note = { rule: 'scheduler/preempt', text: 'a pod of higher priority was nominated to the same node' }
  await client
    .as({ actor: 'scheduler' })
    .patch(
      Pod,
      { namespace, name },
      'strategic',
      { metadata: { uid }, status: { nominatedNodeName: null } },
      { subresource: 'status', note },
    )
    .then(() => {})
    .catch(ignore('NotFound'))
    .catch((err: unknown) => log.warn({ err, pod: pod.key }, 'could not take a nomination back'))
}
