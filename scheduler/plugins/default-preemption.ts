import { Pod } from '../../api/core/pod.ts'
import { ignore, isReason } from '../../api/errors.ts'
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

/** It would fit as things are, which the filters denied a moment ago: no reason to push anybody away. */
const nobodyInTheWay = (nodeName: string) => unresolvable(name, `expected at least one victim pod on node "${nodeName}"`)

interface Options extends Omit<PluginDependencies, 'informers'> {
  /** The budgets as they are now. */
  readonly budgets: () => readonly Budget[]
  readonly schedulerName: string
  readonly minCandidateNodesPercentage?: number
  readonly minCandidateNodesAbsolute?: number
}

/** How many nodes to find victims on: a tenth of those where it may help, 100 at least, where nobody says otherwise. */
export function enoughCandidates(nodes: number, percentage = 10, absolute = 100): number {
  return Math.min(nodes, Math.max(absolute, Math.trunc((nodes * percentage) / 100)))
}

/**
 * A pod that fits nowhere may push pods of lower priority away. It does not get their place, only a nomination: it waits until
 * they have left, and goes where it fits then (pkg/scheduler/framework/preemption, semantics A9).
 */
export function defaultPreemption(options: Options): Plugin {
  const { nominator, random, breather, sideTasks, activate } = options
  /** The pods whose victims are still being told to go. */
  const preempting = new Set<string>()

  const findCandidates = async (cycle: Cycle, { refusals }: Diagnosis, filters: Filters, failures: Map<Refusal, string[]>) => {
    const candidates: Candidate[] = []
    const [potential, hopeless] = splitByHope(refusals)
    if (hopeless.length > 0) failures.set(notHelpful, [...hopeless])
    const budgets = options.budgets()
    const select = (node: NodeInfo) => selectVictims(cycle.pod, filters.trial(node), budgets)
    const victimsOn = budgets.length === 0 ? filters.shared('victims', select) : select
    let hasHarmless = false
    const enough = enoughCandidates(potential.length, options.minCandidateNodesPercentage, options.minCandidateNodesAbsolute)
    const offset = random.below(Math.max(1, potential.length))
    for (let i = 0; i < potential.length; i++) {
      if (breather.isDue()) await breather.rest()
      const node = cycle.snapshot.byName.get(potential[(offset + i) % potential.length] as string)
      if (!node) continue
      const found = victimsOn(node)
      if (found && 'victims' in found && found.victims.length > 0) {
        candidates.push(found)
        hasHarmless ||= found.violations === 0
      } else if (found && 'victims' in found) note(failures, nobodyInTheWay(node.name), node.name)
      else note(failures, found ?? noVictims, node.name)
      if (candidates.length >= enough && hasHarmless) break
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
    const leaving = chosen.victims.filter(({ pod: { metadata } }) => !metadata.deletionTimestamp)
    if (leaving.length > 0) {
      preempting.add(pod.uid)
      const lesser = nominator.on(chosen.nodeName).filter(other => other.priority < pod.priority)
      const letIn = () => preempting.delete(pod.uid)
      sideTasks.start(async () => {
        const isNewsToCome = await makeRoom(pod, { ...chosen, victims: leaving }, lesser, letIn, options)
        letIn()
        if (!isNewsToCome) activate(pod.uid)
      })
    }
    return { nominatedNode: chosen.nodeName, victims: chosen.victims.map(({ key }) => key) }
  }

  return {
    name,
    preEnqueue: pod => (preempting.has(pod.uid) ? 'waiting for the preemption for this pod to be finished' : undefined),
    async postFilter(cycle, diagnosis, filters) {
      if (diagnosis.totalNodes === 0) return undefined
      const objection = objectionTo(cycle, diagnosis)
      return objection ? { message: `preemption: ${objection}` } : preempt(cycle, diagnosis, filters)
    },
    // When the pod is worth another attempt, the plugins that refused it know; this one only holds it back meanwhile.
    wakes: { assignedPod: () => false },
    opensOn: ({ resource, action }) => resource === 'assignedPod' && action === 'delete',
  }
}

/** The nodes where the absence of others may help, and those where it cannot. */
function splitByHope(refusals: Diagnosis['refusals']): [readonly string[], readonly string[]] {
  const listsOf = (isHopeful: boolean) =>
    [...refusals].filter(([{ code }]) => (code === 'Unschedulable') === isHopeful).map(([, names]) => names)
  const together = (lists: readonly (readonly string[])[]) => (lists.length === 1 ? (lists[0] ?? []) : lists.flat())
  return [together(listsOf(true)), together(listsOf(false))]
}

function note(failures: Map<Refusal, string[]>, refusal: Refusal, nodeName: string): void {
  const names = failures.get(refusal)
  if (names) names.push(nodeName)
  else failures.set(refusal, [nodeName])
}

/** Why the pod may not push others away: it does not want to, or those it pushed away are still leaving. */
function objectionTo({ pod, snapshot }: Cycle, { refusals, preFilter }: Diagnosis): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = pod.pod.status.nominatedNodeName
  const node = nominated ? snapshot.byName.get(nominated) : undefined
  if (!node) return undefined
  const isHopeless =
    preFilter?.code === 'Unresolvable' ||
    [...refusals].some(([{ code }, names]) => code === 'Unresolvable' && names.includes(node.name))
  const isLeaving = node.pods.some(other => other.priority < pod.priority && isLeavingForPreemption(other.pod))
  return !isHopeless && isLeaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

function isLeavingForPreemption({ metadata, status }: Pod): boolean {
  if (!metadata.deletionTimestamp) return false
  return (status.conditions ?? []).some(
    ({ type, status, reason }) => type === 'DisruptionTarget' && status === 'True' && reason === 'PreemptionByScheduler',
  )
}

/**
 * Takes nominations of lesser pods back and tells the victims to go, all but the last at once: the gate must be open when the last one
 * leaves, or the pod would not hear of it. Answers whether somebody will leave; if not, nothing will wake the pod. Never rejects.
 */
async function makeRoom(
  pod: PodInfo,
  { nodeName, victims }: Candidate,
  lesser: readonly PodInfo[],
  letIn: () => void,
  options: Options,
): Promise<boolean> {
  const { log } = options
  let isNewsToCome = false
  let hasFailed = false
  const evictOne = async (victim: PodInfo) => {
    try {
      if (await evict(pod, victim, { nodeName, among: victims.length }, options)) isNewsToCome = true
    } catch (err) {
      hasFailed = true
      log.warn({ err, pod: pod.key, victim: victim.key, node: nodeName }, 'preemption failed')
    }
  }
  await Promise.all(lesser.map(other => takeNominationBack(other, options)))
  await Promise.all(victims.slice(0, -1).map(evictOne))
  letIn()
  const last = victims.at(-1)
  if (last) await evictOne(last)
  return isNewsToCome && !hasFailed
}

/** Tells a victim why, then deletes it with the grace it asked for. One that is not bound yet is called off instead. Answers whether it was there. */
async function evict(
  pod: PodInfo,
  victim: PodInfo,
  { nodeName, among }: { nodeName: string; among: number },
  options: Options,
): Promise<boolean> {
  const { client, events, clock, schedulerName, waiting } = options
  const tell = () => events.record(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${pod.uid} on node ${nodeName}`)
  if (waiting?.reject(victim.uid, name, 'preempted')) {
    tell()
    return true
  }
  const writer = client.as({ actor: 'scheduler', wokenBy: [Number(pod.pod.metadata.resourceVersion)] })
  const { name: victimName, namespace, uid } = victim.pod.metadata
  const ref = { namespace, name: victimName }
  const text = `${pod.key} (priority ${pod.priority}) needs room on ${nodeName}; ${victim.key} has priority ${victim.priority}`
  const why = { note: { rule: 'scheduler/preempt', text, data: { node: nodeName, preemptor: pod.uid, victims: among } } }
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    observedGeneration: victim.pod.metadata.generation,
    reason: 'PreemptionByScheduler',
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: timestamp(clock.now()),
  }
  const patch = { metadata: { uid }, status: { conditions: [condition] } }
  try {
    await writer.patch(Pod, ref, 'strategic', patch, { ...why, subresource: 'status' })
    await writer.delete(Pod, ref, { ...why, preconditions: { uid } })
  } catch (err) {
    if (isReason(err, 'NotFound')) return false
    throw err
  }
  tell()
  return true
}

/** A less important pod that waited for the same node has to look again. */
async function takeNominationBack(pod: PodInfo, { client, nominator, log }: Options): Promise<void> {
  nominator.remove(pod.uid)
  const { name, namespace, uid } = pod.pod.metadata
  const note = { rule: 'scheduler/preempt', text: 'a pod of higher priority was nominated to the same node' }
  const patch = { metadata: { uid }, status: { nominatedNodeName: null } }
  await client
    .as({ actor: 'scheduler' })
    .patch(Pod, { namespace, name }, 'strategic', patch, { subresource: 'status', note })
    .then(() => {})
    .catch(ignore('NotFound'))
    .catch((err: unknown) => log.warn({ err, pod: pod.key }, 'could not take a nomination back'))
}
