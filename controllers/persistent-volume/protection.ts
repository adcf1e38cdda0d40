import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { claimProtection, volumeProtection } from './names.ts'

const podsByClaim = 'claim'
const claimsOf = (pod: Pod) =>
  (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim: source }) =>
    source ? [`${pod.metadata.namespace}/${source.claimName}`] : [],
  )

/** A claim that is being deleted stays until no scheduled pod lists it any more (pkg/controller/volume/pvcprotection). */
export const claimProtector: Controller = {
  name: 'pvc-protection',
  watches: [on(PersistentVolumeClaim), on(Pod, ({ object }) => claimsOf(object as Pod))],
  writes: [PersistentVolumeClaim],
  indexes: [{ kind: Pod, name: podsByClaim, values: pod => claimsOf(pod as Pod) }],
  async reconcile({ lister, client }, key) {
    const claim = lister(PersistentVolumeClaim).get(key)
    const finalizers = claim?.metadata.finalizers ?? []
    if (!claim?.metadata.deletionTimestamp || !finalizers.includes(claimProtection)) return
    const isUsed = (pods: readonly Pod[]) => pods.some(pod => pod.spec.nodeName)
    if (isUsed(lister(Pod).by(podsByClaim, key))) return
    // The cache may not have a pod that was just scheduled: the server has the last word.
    const { namespace } = claim.metadata
    const live = await client.list(Pod, { namespace })
    if (isUsed(live.items.filter(pod => claimsOf(pod).includes(key)))) return { requeueAfterMs: 1000 }
    const metadata = { ...claim.metadata, finalizers: finalizers.filter(name => name !== claimProtection) }
    await client.update(
      PersistentVolumeClaim,
      { ...claim, metadata },
      { note: { rule: 'pvc-protection/release', text: 'no pod uses it any more' } },
    )
  },
}

/** A volume that is being deleted stays while it is bound. */
export const volumeProtector: Controller = {
  name: 'pv-protection',
  watches: [on(PersistentVolume)],
  writes: [PersistentVolume],
  async reconcile({ lister, client }, name) {
    const volume = lister(PersistentVolume).get(name)
    const finalizers = volume?.metadata.finalizers ?? []
    if (!volume?.metadata.deletionTimestamp || !finalizers.includes(volumeProtection) || volume.status.phase === 'Bound') return
    const metadata = { ...volume.metadata, finalizers: finalizers.filter(each => each !== volumeProtection) }
    await client.update(
      PersistentVolume,
      { ...volume, metadata },
      { note: { rule: 'pv-protection/release', text: 'no claim has it any more' } },
    )
  },
}
