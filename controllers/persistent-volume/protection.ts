import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { claimProtection, volumeProtection } from './names.ts'
import { claimKeysOf, podsByClaim, podsOf } from './pod-claims.ts'

type Protected = PersistentVolume | PersistentVolumeClaim

/** What is to be done about an object's protection: put on what lacks it, taken off what is being deleted and not used any more. */
export function protectionStep({ metadata }: Protected, finalizer: string): 'put on' | 'release if unused' | 'none' {
  const isOn = metadata.finalizers?.includes(finalizer) ?? false
  if (metadata.deletionTimestamp) return isOn ? 'release if unused' : 'none'
  return isOn ? 'none' : 'put on'
}

/**
 * Whether a pod keeps a claim: once it has a node, as long as the object is there, even when it has ended. The claim of a generic ephemeral
 * volume is let go when its pod has shut down (pkg/controller/volume/pvcprotection).
 */
export function holds(pod: Pod, claimKey: string): boolean {
  if (!pod.spec.nodeName || !claimKeysOf(pod).includes(claimKey)) return false
  const isNamed = (pod.spec.volumes ?? []).some(
    ({ persistentVolumeClaim: source }) => source && `${pod.metadata.namespace}/${source.claimName}` === claimKey,
  )
  const hasShutDown = pod.metadata.deletionTimestamp && pod.metadata.deletionGracePeriodSeconds === 0
  return isNamed || !hasShutDown
}

const putOn = ({ metadata }: Protected, finalizer: string) => [...(metadata.finalizers ?? []), finalizer]
const takeOff = ({ metadata }: Protected, finalizer: string) => (metadata.finalizers ?? []).filter(name => name !== finalizer)

/** A claim that is being deleted stays until no scheduled pod lists it any more. */
export const claimProtector: Controller = {
  name: 'pvc-protection',
  watches: [on(PersistentVolumeClaim), on(Pod, ({ object }) => claimKeysOf(object as Pod))],
  writes: [PersistentVolumeClaim],
  indexes: [podsByClaim],
  async reconcile({ lister, client }, key) {
    const claim = lister(PersistentVolumeClaim).get(key)
    const step = claim ? protectionStep(claim, claimProtection) : 'none'
    if (!claim || step === 'none') return
    if (step === 'release if unused') {
      if (podsOf(lister, key).some(pod => holds(pod, key))) return
      // The cache may not have a pod that was just scheduled: the server has the last word.
      const { items } = await client.list(Pod, { namespace: claim.metadata.namespace })
      if (items.some(pod => holds(pod, key))) return { requeueAfterMs: 1000 }
    }
    const finalizers = step === 'put on' ? putOn(claim, claimProtection) : takeOff(claim, claimProtection)
    const text = step === 'put on' ? 'it must not vanish while a pod uses it' : 'no pod uses it any more'
    const note = { rule: 'pvc-protection/finalizer', text }
    await client.update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, finalizers } }, { note })
  },
}

/** A volume that is being deleted stays while it is bound. */
export const volumeProtector: Controller = {
  name: 'pv-protection',
  watches: [on(PersistentVolume)],
  writes: [PersistentVolume],
  async reconcile({ lister, client }, name) {
    const volume = lister(PersistentVolume).get(name)
    const step = volume ? protectionStep(volume, volumeProtection) : 'none'
    if (!volume || step === 'none' || (step === 'release if unused' && volume.status.phase === 'Bound')) return
    const finalizers = step === 'put on' ? putOn(volume, volumeProtection) : takeOff(volume, volumeProtection)
    const text = step === 'put on' ? 'it must not vanish while a claim has it' : 'no claim has it any more'
    const note = { rule: 'pv-protection/finalizer', text }
    await client.update(PersistentVolume, { ...volume, metadata: { ...volume.metadata, finalizers } }, { note })
  },
}
