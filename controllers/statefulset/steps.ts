import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod-spec.ts'
import { ignore, isReason } from '../../api/errors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { type ClaimLookup, claimNames, claimsOf } from './claims.ts'
import { podOf, withIdentity } from './identity.ts'
import { isInRange, podName } from './names.ts'
import type { Step } from './plan.ts'
import { claimOwners, type Holder, hasForeignController, isUpToDate } from './retention.ts'

/** What the steps of a plan are taken with. */
export interface Doing {
  readonly context: ReconcileContext
  readonly set: StatefulSet
  readonly claimOf: ClaimLookup
  /** The template that is kept under a revision's name. */
  readonly templateOf: (revision: string) => PodTemplateSpec
}

/** Takes a step and tells the user about it (pkg/controller/statefulset/stateful_pod_control.go). Throws when it fails. */
export async function take(doing: Doing, step: Step): Promise<void> {
  switch (step.do) {
    case 'create':
      return create(doing, step)
    case 'delete':
      return remove(doing, step)
    case 'claims':
      // A pod that is to go needs no new claims, and is not kept by one that goes itself (UpdatePodClaimForRetentionPolicy).
      if (isInRange(doing.set, step.ordinal)) await createClaims(doing, step)
      return shareOut(doing, step, step.pod.metadata.name)
    case 'mend':
      return mend(doing, step)
  }
}

async function create(doing: Doing, { ordinal, revision }: Step & { do: 'create' }): Promise<void> {
  const { context, set, templateOf } = doing
  const name = podName(set, ordinal)
  const text = `${name} is missing: it is made of revision ${revision}`
  const data = { wanted: set.spec.replicas, ordinal, revision, partition: set.spec.updateStrategy.rollingUpdate?.partition ?? 0 }
  const note = { rule: 'statefulset/create', text, data }
  try {
    await createClaims(doing, { ordinal })
    await context.client.create(Pod, podOf(set, ordinal, templateOf(revision), revision), { note })
  } catch (error) {
    if (isNamespaceEnding(error)) return
    // The name is taken, by a pod that the cache does not show or that is none of ours.
    if (!isReason(error, 'AlreadyExists')) tell(doing, 'create', name, error)
    throw error
  }
  await shareOut(doing, { ordinal }, name)
  tell(doing, 'create', name)
}

async function remove(doing: Doing, { pod, rule, because }: Step & { do: 'delete' }): Promise<void> {
  const { name, uid } = pod.metadata
  const note = { rule: `statefulset/${rule}`, text: `${name} goes: ${because}`, data: { wanted: doing.set.spec.replicas } }
  try {
    await doing.context.client.delete(Pod, pod.metadata, { preconditions: { uid }, note })
    tell(doing, 'delete', name)
  } catch (error) {
    // Conflict: the name belongs to another pod by now. Either way this one is gone.
    if (isReason(error, 'NotFound', 'Conflict')) return
    tell(doing, 'delete', name, error)
    throw error
  }
}

async function mend(doing: Doing, { pod, ordinal }: Step & { do: 'mend' }): Promise<void> {
  const { context, set } = doing
  const { name } = pod.metadata
  const mended = withIdentity(set, ordinal, pod)
  try {
    if (mended.spec !== pod.spec) await createClaims(doing, { ordinal, pod })
    await shareOut(doing, { ordinal, pod })
    if (mended !== pod) {
      const note = { rule: 'statefulset/identity', text: `${name} gets the labels and volumes of its place`, data: { ordinal } }
      await context.client.update(Pod, mended, { note })
    }
    tell(doing, 'update', name)
  } catch (error) {
    tell(doing, 'update', name, error)
    throw error
  }
}

/** Makes the claims of a pod that are missing. Throws one error about all that cannot be. */
async function createClaims(doing: Doing, holder: Holder): Promise<void> {
  const { context, set, claimOf } = doing
  const pod = podName(set, holder.ordinal)
  const faults: string[] = []
  for (const claim of claimsOf(set, holder)) {
    const { name } = claim.metadata
    const existing = claimOf(name)
    if (existing?.metadata.deletionTimestamp) faults.push(`pvc ${name} is being deleted`)
    if (existing) continue
    const note = { rule: 'statefulset/claim', text: `${pod} has no claim ${name}: it is made from its template` }
    try {
      await context.client.create(PersistentVolumeClaim, claim, { note })
      const message = `create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name} success`
      context.events.record(set, 'Normal', 'SuccessfulCreate', message)
    } catch (error) {
      if (isNamespaceEnding(error)) throw error
      const why = `create Claim ${name} for Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${textOf(error)}`
      if (!isReason(error, 'AlreadyExists')) context.events.record(set, 'Warning', 'FailedCreate', why)
      faults.push(`failed to create PVC ${name}: ${textOf(error)}`)
    }
  }
  if (faults.length > 0) throw new Error(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`)
}

/** Has the claims that there are owned as the retention policy says. Tells under which pod's name it failed, if one is given. */
async function shareOut(doing: Doing, holder: Holder, toldAs?: string): Promise<void> {
  const { context, set, claimOf } = doing
  const { events, client } = context
  for (const name of claimNames(set, holder.ordinal)) {
    const claim = claimOf(name)
    if (!claim) continue
    if (hasForeignController(claim, set, holder)) {
      const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`
      events.record(set, 'Warning', 'ConflictingController', message)
    }
    if (isUpToDate(claim, set, holder)) continue
    const ownerReferences = claimOwners(set, holder, claim.metadata.ownerReferences ?? [])
    const owners = ownerReferences.map(owner => `${owner.kind} ${owner.name}`).join(' and ') || 'nobody'
    const note = { rule: 'statefulset/retention', text: `the retention policy has claim ${name} go with ${owners}` }
    const owned = { ...claim, metadata: { ...claim.metadata, ownerReferences } }
    try {
      await client.update(PersistentVolumeClaim, owned, { note }).catch(ignore('NotFound'))
    } catch (error) {
      const why = new Error(`could not update claim ${name} for delete policy ownerRefs: ${textOf(error)}`, { cause: error })
      if (toldAs) tell(doing, 'update', toldAs, why)
      // A conflict is nothing to tell anybody: it is tried again with the newer claim.
      throw isReason(error, 'Conflict') ? error : why
    }
  }
}

function tell({ context, set }: Doing, verb: 'create' | 'update' | 'delete', pod: string, error?: unknown): void {
  const Verb = `${verb[0]?.toUpperCase()}${verb.slice(1)}`
  const what = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`
  if (error === undefined) context.events.record(set, 'Normal', `Successful${Verb}`, `${what} successful`)
  else context.events.record(set, 'Warning', `Failed${Verb}`, `${what} failed error: ${textOf(error)}`)
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
