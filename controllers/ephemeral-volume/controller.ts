import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import type { InputOf } from '../../api/kind.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { on, ownerKeys } from '../../client/watches.ts'
import { controllerReference } from '../shared/owner-references.ts'

type Volume = NonNullable<Pod['spec']['volumes']>[number]

/** The claim of a pod's generic ephemeral volume. */
export function claimFor(pod: Pod, { name, ephemeral }: Volume): InputOf<typeof PersistentVolumeClaim> {
  const { metadata, spec } = ephemeral?.volumeClaimTemplate ?? {}
  const { labels, annotations } = (metadata ?? {}) as { labels?: Record<string, string>; annotations?: Record<string, string> }
  return {
    metadata: {
      name: `${pod.metadata.name}-${name}`,
      namespace: pod.metadata.namespace,
      ownerReferences: [controllerReference(Pod, pod)],
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    spec,
  } as InputOf<typeof PersistentVolumeClaim>
}

/** Makes the claims of pods' generic ephemeral volumes; they go with their pods (pkg/controller/volume/ephemeral). */
export const ephemeralVolume: Controller = {
  name: 'ephemeral-volume',
  watches: [
    on(Pod, ({ object, type }) => {
      const { metadata, spec } = object as Pod
      const isOurs = type !== 'deleted' && !metadata.deletionTimestamp && spec.volumes?.some(({ ephemeral }) => ephemeral)
      return isOurs ? [`${metadata.namespace}/${metadata.name}`] : []
    }),
    on(PersistentVolumeClaim, (change, lister) => (change.type === 'deleted' ? ownerKeys(Pod)(change, lister) : [])),
  ],
  writes: [PersistentVolumeClaim],
  async reconcile(context, key) {
    const pod = context.lister(Pod).get(key)
    if (!pod || pod.metadata.deletionTimestamp) return
    for (const volume of pod.spec.volumes ?? []) {
      if (!volume.ephemeral) continue
      try {
        await ensure(context, pod, volume)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        context.events.record(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${why}`)
        throw error
      }
    }
  },
}

async function ensure({ lister, client }: ReconcileContext, pod: Pod, volume: Volume): Promise<void> {
  const { name, namespace, uid } = pod.metadata
  const claimName = `${name}-${volume.name}`
  const known = lister(PersistentVolumeClaim).get(`${namespace}/${claimName}`)
  if (known) {
    if (known.metadata.ownerReferences?.some(owner => owner.controller && owner.uid === uid)) return
    throw new Error(`PVC ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`)
  }
  const note = { rule: 'ephemeral-volume/claim', text: `volume ${volume.name} of ${namespace}/${name} is a claim of its own` }
  try {
    await client.create(PersistentVolumeClaim, claimFor(pod, volume), { note })
  } catch (cause) {
    throw new Error(`create PVC ${claimName}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
