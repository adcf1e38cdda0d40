import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { keyOf } from '../../api/keys.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import { isReservedFor } from './match.ts'
import { bindCompleted, boundByController } from './names.ts'

type Context = Pick<ReconcileContext, 'client' | 'clock'>
type VolumePhase = PersistentVolume['status']['phase']

/**
 * Binds in four writes: the volume's claimRef, its phase, the claim's volumeName, its phase. Each is left out when it is done already, so
 * that what was interrupted is completed by doing it again.
 */
export async function bind(context: Context, claim: PersistentVolumeClaim, found: PersistentVolume): Promise<void> {
  const text = `${keyOf(claim)} and ${found.metadata.name} belong to each other, whole and alone`
  const note = { rule: 'claim-binder/bind', text, data: { volume: found.metadata.name, claim: keyOf(claim) } }
  const reserved = await reserve(context, claim, found, note)
  const volume = await setVolumePhase(context, reserved, 'Bound', note)
  const named = await nameVolume(context, claim, volume, note)
  await setClaimPhase(context, named, 'Bound', { ...note, rule: 'claim-binder/bound' }, volume)
}

interface Why {
  readonly rule: string
  readonly text: string
}

async function reserve({ client }: Context, claim: PersistentVolumeClaim, volume: PersistentVolume, note: Why) {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  if (volume.spec.claimRef?.uid === uid) return volume
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
  const byUs: Record<string, string> = isReservedFor(volume, claim) ? {} : { [boundByController]: 'yes' }
  const metadata = { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...byUs } }
  return client.update(PersistentVolume, { ...volume, metadata, spec: { ...volume.spec, claimRef } }, { note })
}

async function nameVolume(
  { client }: Context,
  claim: PersistentVolumeClaim,
  { metadata: { name } }: PersistentVolume,
  note: Why,
) {
  const known = claim.metadata.annotations
  if (claim.spec.volumeName === name && known?.[bindCompleted] !== undefined) return claim
  const byUs: Record<string, string> = claim.spec.volumeName === name ? {} : { [boundByController]: 'yes' }
  const metadata = { ...claim.metadata, annotations: { ...known, ...byUs, [bindCompleted]: 'yes' } }
  return client.update(PersistentVolumeClaim, { ...claim, metadata, spec: { ...claim.spec, volumeName: name } }, { note })
}

/** Sets a volume's phase, unless it has it; answers the volume as it is then. */
export async function setVolumePhase(
  { client, clock }: Context,
  volume: PersistentVolume,
  phase: VolumePhase,
  note: Why,
  message?: string,
): Promise<PersistentVolume> {
  if (volume.status.phase === phase) return volume
  const status = { phase, lastPhaseTransitionTime: timestamp(clock.now()), ...(message !== undefined && { message }) }
  return client.updateStatus(PersistentVolume, { ...volume, status }, { note })
}

/** Sets a claim's phase and, from its volume, what it gets; a claim without a volume gets nothing. */
export async function setClaimPhase(
  { client }: Context,
  claim: PersistentVolumeClaim,
  phase: PersistentVolumeClaim['status']['phase'],
  note: Why,
  volume?: PersistentVolume,
): Promise<void> {
  const { accessModes: _modes, capacity: known, ...rest } = claim.status
  // A bound claim may be smaller than its volume while its file system grows: what it says then stays.
  const capacity = claim.status.phase === phase && known ? known : volume?.spec.capacity
  const got = volume && { accessModes: volume.spec.accessModes, capacity }
  const status = { ...rest, phase, ...got }
  if (deepEqual(status, claim.status)) return
  await client.updateStatus(PersistentVolumeClaim, { ...claim, status }, { note })
}
