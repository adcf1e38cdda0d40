import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isAvailable, isFinished, isReady } from '../shared/pod-state.ts'
import { type ClaimLookup, claimNames, claimsAreOwnedRightly, claimsNeedWork } from './claims.ts'
import { revisionLabel, withIdentity } from './identity.ts'
import { isInRange, ordinalOf, podName, startOf } from './names.ts'
import { isStale } from './retention.ts'

/** What is known when a set is looked at. Revisions by name. */
export interface View {
  readonly set: StatefulSet
  readonly pods: readonly Pod[]
  readonly current: string
  readonly update: string
  readonly claimOf: ClaimLookup
  /** In milliseconds. */
  readonly now: number
}

export type Step =
  | { readonly do: 'create'; readonly ordinal: number; readonly revision: string }
  | { readonly do: 'delete'; readonly pod: Pod; readonly rule: 'finished' | 'scale' | 'update'; readonly because: string }
  /** Makes the claims that a pod waits for, and has them owned as the retention policy says. */
  | { readonly do: 'claims'; readonly pod: Pod; readonly ordinal: number }
  /** Gives a pod the labels, volumes and claims of its place. */
  | { readonly do: 'mend'; readonly pod: Pod; readonly ordinal: number }

export interface Plan {
  /** Steps of one phase may be taken together, unless `oneByOne`; the first phase that fails is the last. */
  readonly phases: readonly (readonly Step[])[]
  readonly oneByOne: boolean
  /** What must happen before there is more to do: `web-1 to be ready`. */
  readonly waitsFor: string | undefined
}

interface Part {
  readonly steps: readonly Step[]
  readonly waitsFor?: string | undefined
}

/** Pods by place: those in the set's range from the lowest up, missing ones undefined, and those beyond it from the highest down. */
export function placesOf(set: StatefulSet, pods: readonly Pod[]): { replicas: readonly (Pod | undefined)[]; condemned: Pod[] } {
  const replicas = new Array<Pod | undefined>(set.spec.replicas).fill(undefined)
  const condemned: Pod[] = []
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) continue
    if (isInRange(set, ordinal)) replicas[ordinal - startOf(set)] = pod
    else condemned.push(pod)
  }
  condemned.sort((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0))
  return { replicas, condemned }
}

/**
 * What to do for a set (pkg/controller/statefulset/stateful_set_control.go, updateStatefulSet): first all places get their pods,
 * then pods beyond them go, then pods of an old revision. OrderedReady takes one place after the other and waits for each;
 * Parallel waits for nobody, except that updates still go one by one.
 */
export function plan(view: View): Plan {
  const { set } = view
  const { replicas, condemned } = placesOf(set, view.pods)
  const oneByOne = set.spec.podManagementPolicy !== 'Parallel'
  const phases: (readonly Step[])[] = []
  const filled = fillPlaces(view, replicas, oneByOne)
  phases.push(filled.steps)
  if (oneByOne && filled.waitsFor) return { phases, oneByOne, waitsFor: filled.waitsFor }
  phases.push(condemned.flatMap(pod => letGoOfClaims(view, pod)))
  const scaled = removeCondemned(view, condemned, oneByOne)
  phases.push(scaled.steps)
  if (oneByOne && condemned.length > 0) return { phases, oneByOne, waitsFor: scaled.waitsFor }
  const updated = set.spec.updateStrategy.type === 'OnDelete' ? { steps: [] } : planUpdate(view, replicas)
  phases.push(updated.steps)
  return { phases, oneByOne, waitsFor: updated.waitsFor ?? scaled.waitsFor ?? filled.waitsFor }
}

function fillPlaces(view: View, replicas: readonly (Pod | undefined)[], oneByOne: boolean): Part {
  const steps: Step[] = []
  let waitsFor: string | undefined
  for (const [index, pod] of replicas.entries()) {
    const ordinal = startOf(view.set) + index
    const part = pod ? planPod(view, ordinal, pod, oneByOne) : planMissing(view, ordinal)
    steps.push(...part.steps)
    waitsFor ??= part.waitsFor
    if (oneByOne && waitsFor) break
  }
  return { steps, waitsFor }
}

function planMissing(view: View, ordinal: number): Part {
  const { set, claimOf } = view
  const claims = claimNames(set, ordinal).map(name => claimOf(name))
  const stale = claims.find(claim => claim && isStale(claim, set, { ordinal }))
  if (stale) return { steps: [], waitsFor: `claim ${stale.metadata.name} to be gone` }
  const name = podName(set, ordinal)
  return { steps: [{ do: 'create', ordinal, revision: revisionFor(view, ordinal) }], waitsFor: `${name} to be available` }
}

/** New pods below the partition are of the current revision, all others of the one that is being rolled out. */
function revisionFor({ set, current, update }: View, ordinal: number): string {
  const { type, rollingUpdate } = set.spec.updateStrategy
  const kept = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status.currentReplicas ?? 0)
  return type !== 'OnDelete' && ordinal < startOf(set) + kept ? current : update
}

function planPod(view: View, ordinal: number, pod: Pod, oneByOne: boolean): Part {
  const { set, claimOf } = view
  const { name, deletionTimestamp } = pod.metadata
  if (isFinished(pod)) {
    const because = `${name} has ${pod.status.phase.toLowerCase()}, and a pod of its name can only be made when it is gone`
    const steps: Step[] = deletionTimestamp ? [] : [{ do: 'delete', pod, rule: 'finished', because }]
    return { steps, waitsFor: `${name} to be gone` }
  }
  const steps: Step[] = []
  const isPending = pod.status.phase === 'Pending'
  if (isPending && claimsNeedWork(set, { ordinal, pod }, claimOf)) steps.push({ do: 'claims', pod, ordinal })
  const waitsFor = reasonToWait(view, pod)
  if (oneByOne && waitsFor) return { steps, waitsFor }
  const isOwnedRightly = steps.length > 0 || claimsAreOwnedRightly(set, { ordinal, pod }, claimOf)
  if (!isOwnedRightly || withIdentity(set, ordinal, pod) !== pod) steps.push({ do: 'mend', pod, ordinal })
  return { steps, waitsFor }
}

/** Why a pod cannot count as available; `undefined` when it does. */
function reasonToWait({ set, now }: View, pod: Pod): string | undefined {
  const { name, deletionTimestamp } = pod.metadata
  if (deletionTimestamp) return `${name} to be gone`
  if (pod.status.phase !== 'Running' || !isReady(pod)) return `${name} to be ready`
  return isAvailable(pod, set.spec.minReadySeconds ?? 0, now) ? undefined : `${name} to be available`
}

/** Claims are handed to the pods that go, so that they go with them if that is the policy. */
function letGoOfClaims({ set, claimOf }: View, pod: Pod): Step[] {
  const ordinal = ordinalOf(set, pod) ?? 0
  return claimsAreOwnedRightly(set, { ordinal, pod }, claimOf) ? [] : [{ do: 'claims', pod, ordinal }]
}

function removeCondemned(view: View, condemned: readonly Pod[], oneByOne: boolean): Part {
  const { set } = view
  const last = startOf(set) + set.spec.replicas - 1
  const because = set.spec.replicas === 0 ? 'no pods are wanted' : `pods up to ${podName(set, last)} are wanted`
  const removal = (pod: Pod): Step => ({ do: 'delete', pod, rule: 'scale', because })
  if (!oneByOne) return { steps: condemned.filter(pod => !pod.metadata.deletionTimestamp).map(removal) }
  const [pod] = condemned
  if (!pod) return { steps: [] }
  if (pod.metadata.deletionTimestamp) return { steps: [], waitsFor: `${pod.metadata.name} to be gone` }
  // All places are filled and well by now: the one to wait for can only be another that goes. What has finished will never be well:
  // upstream waits for it all the same, and for ever.
  const unwell = condemned.findLast(each => !isFinished(each) && reasonToWait(view, each) !== undefined)
  if (unwell && unwell !== pod && reasonToWait(view, pod)) return { steps: [], waitsFor: reasonToWait(view, unwell) }
  return { steps: [removal(pod)], waitsFor: `${pod.metadata.name} to be gone` }
}

/** One pod of an old revision goes, from the highest down to the partition, as long as all above it are available. */
function planUpdate(view: View, replicas: readonly (Pod | undefined)[]): Part {
  const { set, update } = view
  const partition = set.spec.updateStrategy.rollingUpdate?.partition ?? 0
  for (let index = replicas.length - 1; index >= partition; index--) {
    const pod = replicas[index]
    const waitsFor = pod ? reasonToWait(view, pod) : `${podName(set, startOf(set) + index)} to be available`
    // What has finished has been deleted for that already.
    const isLeaving = !pod || pod.metadata.deletionTimestamp !== undefined || isFinished(pod)
    if (!isLeaving && pod.metadata.labels?.[revisionLabel] !== update) {
      const because = `it is not of revision ${update}, and all pods above it are available`
      return { steps: [{ do: 'delete', pod, rule: 'update', because }], waitsFor: `${pod.metadata.name} to be gone` }
    }
    if (waitsFor) return { steps: [], waitsFor }
  }
  return { steps: [] }
}
