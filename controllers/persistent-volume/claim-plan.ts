import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import { classOf, wantsDefaultClass } from './classes.ts'
import { isReservedFor, misfit } from './match.ts'
import { bindCompleted, boundByController, selectedNode } from './names.ts'

/** What a claim's next step depends on; asked for only when it matters. */
export interface Surroundings {
  volume(name: string): PersistentVolume | undefined
  /** The best volume that there is for the claim, if any; with `isDelayed` only one that was set aside. */
  match(claim: PersistentVolumeClaim, isDelayed: boolean): PersistentVolume | undefined
  storageClass(name: string): StorageClass | undefined
  defaultClass(): StorageClass | undefined
  /** Names of the pods that want the claim and have no node yet. */
  waitingPods(): readonly string[]
}

export interface Told {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** The next step of a claim. While it waits its phase is Pending. */
export type ClaimStep =
  | { readonly step: 'bind'; readonly volume: PersistentVolume }
  | { readonly step: 'take class'; readonly storageClass: StorageClass }
  | { readonly step: 'ask provisioner'; readonly storageClass: StorageClass }
  | { readonly step: 'wait'; readonly why?: Told }
  | { readonly step: 'lose'; readonly why: Told }

/** Decides what is next for a claim (pkg/controller/volume/persistentvolume/pv_controller.go syncClaim). */
export function planClaim(claim: PersistentVolumeClaim, around: Surroundings): ClaimStep {
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return planBound(claim, around)
  return claim.spec.volumeName ? planNamed(claim, claim.spec.volumeName, around) : planFree(claim, around)
}

/** It was bound once: it stays with its volume, or is lost. */
function planBound(claim: PersistentVolumeClaim, around: Surroundings): ClaimStep {
  const lost = 'Data on the volume is lost!'
  const lose = (reason: string, message: string): ClaimStep => ({ step: 'lose', why: { type: 'Warning', reason, message } })
  const { volumeName } = claim.spec
  if (!volumeName) return lose('ClaimLost', `Bound claim has lost reference to PersistentVolume. ${lost}`)
  const volume = around.volume(volumeName)
  if (!volume) return lose('ClaimLost', `Bound claim has lost its PersistentVolume. ${lost}`)
  const { claimRef } = volume.spec
  if (!claimRef || claimRef.uid === claim.metadata.uid) return { step: 'bind', volume }
  return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}

/** It names its volume: that one or none. */
function planNamed(claim: PersistentVolumeClaim, volumeName: string, around: Surroundings): ClaimStep {
  const volume = around.volume(volumeName)
  if (!volume) return { step: 'wait' }
  if (isReservedFor(volume, claim)) return { step: 'bind', volume }
  if (volume.spec.claimRef) {
    if (claim.metadata.annotations?.[boundByController] === undefined) return { step: 'wait' }
    const { namespace, name } = volume.spec.claimRef
    const message = `volume "${volumeName}" already bound to a different claim: ${namespace}/${name}.`
    return { step: 'wait', why: { type: 'Warning', reason: 'FailedBinding', message } }
  }
  const fault = misfit(volume, claim)
  if (fault === undefined) return { step: 'bind', volume }
  const message = `Cannot bind to requested volume "${volumeName}": ${fault}`
  return { step: 'wait', why: { type: 'Warning', reason: 'VolumeMismatch', message } }
}

/** Any volume that fits will do; where there is none, one is made. */
function planFree(claim: PersistentVolumeClaim, around: Surroundings): ClaimStep {
  const className = classOf(claim)
  const storageClass = className ? around.storageClass(className) : undefined
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
  const volume = around.match(claim, isDelayed)
  if (volume) return { step: 'bind', volume }
  const assigned = wantsDefaultClass(claim) ? around.defaultClass() : undefined
  if (assigned) return { step: 'take class', storageClass: assigned }
  if (isDelayed && !claim.metadata.annotations?.[selectedNode]) return { step: 'wait', why: whatItWaitsFor(around.waitingPods()) }
  if (!className) {
    const message = 'no persistent volumes available for this claim and no storage class is set'
    return { step: 'wait', why: { type: 'Normal', reason: 'FailedBinding', message } }
  }
  const fault = storageClass ? inTree(storageClass) : `storageclass.storage.k8s.io "${className}" not found`
  if (fault !== undefined) return { step: 'wait', why: { type: 'Warning', reason: 'ProvisioningFailed', message: fault } }
  return storageClass ? { step: 'ask provisioner', storageClass } : { step: 'wait' }
}

/** Provisioners of this prefix were parts of Kubernetes; the one that is left, no-provisioner, makes nothing. */
function inTree({ provisioner }: StorageClass): string | undefined {
  return provisioner.startsWith('kubernetes.io/') ? `no volume plugin matched name: ${provisioner}` : undefined
}

function whatItWaitsFor(pods: readonly string[]): Told {
  if (pods.length === 0) {
    const message = 'waiting for first consumer to be created before binding'
    return { type: 'Normal', reason: 'WaitForFirstConsumer', message }
  }
  const message = `waiting for ${pods.length === 1 ? 'pod' : 'pods'} ${[...pods].sort().join(',')} to be scheduled`
  return { type: 'Normal', reason: 'WaitForPodScheduled', message }
}
