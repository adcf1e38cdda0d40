import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { keyOf } from '../../api/keys.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { on } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { isFinished } from '../shared/pod-state.ts'
import { findVolume, isReservedFor, misfit } from './match.ts'
import {
  betaStorageProvisioner,
  bindCompleted,
  boundByController,
  isDefaultClass,
  selectedNode,
  storageProvisioner,
} from './names.ts'

const podsByClaim = 'claim'

/** Binds claims to volumes, one to one, in four writes that any crash may interrupt and the next run repairs (semantics of pv_controller.go syncClaim). */
export const claimBinder: Controller = {
  name: 'claim-binder',
  watches: [
    on(PersistentVolumeClaim),
    on(PersistentVolume, claimsOfVolume),
    on(StorageClass, waitingClaims),
    on(Pod, claimsOfPod),
  ],
  writes: [PersistentVolume, PersistentVolumeClaim],
  indexes: [{ kind: Pod, name: podsByClaim, values: pod => claimNames(pod as Pod) }],

  async reconcile(context, key) {
    const claim = context.lister(PersistentVolumeClaim).get(key)
    if (!claim) return
    if (claim.metadata.annotations?.[bindCompleted] === undefined) await syncUnbound(context, claim)
    else await syncBound(context, claim)
  },
}

const claimNames = (pod: Pod) =>
  (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim: source }) =>
    source ? [`${pod.metadata.namespace}/${source.claimName}`] : [],
  )

/** A volume concerns the claim it names; a free one, every claim that still waits. */
function claimsOfVolume(change: Change, lister: ReconcileContext['lister']): readonly string[] {
  const { claimRef } = (change.object as PersistentVolume).spec
  if (claimRef?.name) return [`${claimRef.namespace}/${claimRef.name}`, ...claimsNaming(change.object.metadata.name, lister)]
  return waitingClaims(change, lister)
}

const claimsNaming = (volumeName: string, lister: ReconcileContext['lister']) =>
  lister(PersistentVolumeClaim)
    .list()
    .filter(claim => claim.spec.volumeName === volumeName)
    .map(keyOf)

function waitingClaims(_change: Change, lister: ReconcileContext['lister']): readonly string[] {
  return lister(PersistentVolumeClaim)
    .list()
    .filter(claim => claim.status.phase === 'Pending')
    .map(keyOf)
}

/** A pod that waits for its claims tells what they wait for. */
function claimsOfPod({ object }: Change): readonly string[] {
  return (object as Pod).spec.nodeName ? [] : claimNames(object as Pod)
}

/** Of the default classes the newest, of equally old ones the first by name. */
function defaultClass(lister: ReconcileContext['lister']): StorageClass | undefined {
  const newestFirst = (a: StorageClass, b: StorageClass) =>
    a.metadata.creationTimestamp !== b.metadata.creationTimestamp
      ? a.metadata.creationTimestamp < b.metadata.creationTimestamp
        ? 1
        : -1
      : a.metadata.name < b.metadata.name
        ? -1
        : 1
  return lister(StorageClass)
    .list()
    .filter(each => each.metadata.annotations?.[isDefaultClass] === 'true')
    .sort(newestFirst)[0]
}

async function syncUnbound(context: ReconcileContext, claim: PersistentVolumeClaim): Promise<void> {
  const { lister, client, events } = context
  if (claim.spec.storageClassName === undefined && !claim.spec.volumeName) {
    const assigned = defaultClass(lister)
    if (assigned) {
      const text = `${assigned.metadata.name} has become the default class`
      const spec = { ...claim.spec, storageClassName: assigned.metadata.name }
      await client.update(PersistentVolumeClaim, { ...claim, spec }, { note: { rule: 'claim-binder/default-class', text } })
      return
    }
  }
  const volumes = lister(PersistentVolume)
  if (claim.spec.volumeName) {
    const volume = volumes.get(claim.spec.volumeName)
    if (!volume) return setPhase(context, claim, 'Pending')
    if (isReservedFor(volume, claim)) return bind(context, claim, volume)
    if (volume.spec.claimRef) return setPhase(context, claim, 'Pending')
    const fault = misfit(volume, claim)
    if (fault === undefined) return bind(context, claim, volume)
    events.record(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${volume.metadata.name}": ${fault}`)
    return setPhase(context, claim, 'Pending')
  }
  const className = claim.spec.storageClassName ?? ''
  const storageClass = className ? lister(StorageClass).get(className) : undefined
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.metadata.annotations?.[selectedNode]
  const volume = findVolume(volumes.list(), claim, isDelayed)
  if (volume) return bind(context, claim, volume)
  if (isDelayed) tellWhatItWaitsFor(context, claim)
  else if (!className) {
    const text = 'no persistent volumes available for this claim and no storage class is set'
    events.record(claim, 'Normal', 'FailedBinding', text)
  } else if (!storageClass) {
    events.record(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`)
  } else await askProvisioner(context, claim, storageClass)
  await setPhase(context, claim, 'Pending')
}

function tellWhatItWaitsFor({ lister, events }: ReconcileContext, claim: PersistentVolumeClaim): void {
  const waiting = lister(Pod)
    .by(podsByClaim, keyOf(claim))
    .filter(pod => !pod.spec.nodeName && !isFinished(pod))
    .map(pod => pod.metadata.name)
    .sort()
  if (waiting.length === 0) {
    events.record(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
    return
  }
  const text = `waiting for ${waiting.length === 1 ? 'pod' : 'pods'} ${waiting.join(',')} to be scheduled`
  events.record(claim, 'Normal', 'WaitForPodScheduled', text)
}

/** Names the provisioner on the claim: it does the rest. */
async function askProvisioner(
  { client, events }: ReconcileContext,
  claim: PersistentVolumeClaim,
  { metadata, provisioner }: StorageClass,
): Promise<void> {
  if (provisioner === 'kubernetes.io/no-provisioner') {
    events.record(
      claim,
      'Normal',
      'FailedBinding',
      'no persistent volumes available for this claim and its class provisions none',
    )
    return
  }
  const text = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
  events.record(claim, 'Normal', 'ExternalProvisioning', text)
  if (claim.metadata.annotations?.[storageProvisioner] === provisioner) return
  const annotations = { ...claim.metadata.annotations, [storageProvisioner]: provisioner, [betaStorageProvisioner]: provisioner }
  const note = { rule: 'claim-binder/provision', text: `no volume matches; class ${metadata.name} has ${provisioner} make one` }
  await client.update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, annotations } }, { note })
}

/** The four writes: the volume's claimRef, its phase, the claim's volumeName, its phase. Each is left out when it is done already. */
async function bind(context: ReconcileContext, claim: PersistentVolumeClaim, found: PersistentVolume): Promise<void> {
  const { client } = context
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const text = `${keyOf(claim)} and ${found.metadata.name} belong to each other, whole and alone`
  const note = { rule: 'claim-binder/bind', text, data: { volume: found.metadata.name, claim: keyOf(claim) } }
  let volume = found
  if (volume.spec.claimRef?.uid !== uid) {
    const wasReserved = volume.spec.claimRef !== undefined
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
    const annotations = { ...volume.metadata.annotations, ...(!wasReserved && { [boundByController]: 'yes' }) }
    const wanted = { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } }
    volume = await client.update(PersistentVolume, wanted, { note })
  }
  if (volume.status.phase !== 'Bound') {
    volume = await client.updateStatus(PersistentVolume, { ...volume, status: { phase: 'Bound' } }, { note })
  }
  let bound = claim
  if (claim.spec.volumeName !== volume.metadata.name || claim.metadata.annotations?.[bindCompleted] === undefined) {
    const byUs: Record<string, string> = claim.spec.volumeName ? {} : { [boundByController]: 'yes' }
    const annotations = { ...claim.metadata.annotations, ...byUs, [bindCompleted]: 'yes' }
    const spec = { ...claim.spec, volumeName: volume.metadata.name }
    bound = await client.update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, annotations }, spec }, { note })
  }
  await markBound(context, bound, volume)
}

async function markBound({ client }: ReconcileContext, claim: PersistentVolumeClaim, { spec }: PersistentVolume): Promise<void> {
  const status = { ...claim.status, phase: 'Bound' as const, accessModes: spec.accessModes, capacity: spec.capacity }
  if (deepEqual(status, claim.status)) return
  const note = { rule: 'claim-binder/bound', text: `it has its volume ${claim.spec.volumeName}` }
  await client.updateStatus(PersistentVolumeClaim, { ...claim, status }, { note })
}

async function setPhase({ client }: ReconcileContext, claim: PersistentVolumeClaim, phase: 'Pending' | 'Lost'): Promise<void> {
  if (claim.status.phase === phase) return
  const note = { rule: `claim-binder/${phase.toLowerCase()}`, text: `its phase becomes ${phase}` }
  const status =
    phase === 'Lost' ? { ...claim.status, phase, accessModes: undefined, capacity: undefined } : { ...claim.status, phase }
  await client.updateStatus(PersistentVolumeClaim, { ...claim, status }, { note })
}

async function syncBound(context: ReconcileContext, claim: PersistentVolumeClaim): Promise<void> {
  const lose = async (reason: string, message: string) => {
    if (claim.status.phase !== 'Lost') context.events.record(claim, 'Warning', reason, message)
    await setPhase(context, claim, 'Lost')
  }
  if (!claim.spec.volumeName)
    return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = context.lister(PersistentVolume).get(claim.spec.volumeName)
  if (!volume) return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  const { claimRef } = volume.spec
  if (!claimRef || claimRef.uid === claim.metadata.uid || isReservedFor(volume, claim)) return bind(context, claim, volume)
  await lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}
