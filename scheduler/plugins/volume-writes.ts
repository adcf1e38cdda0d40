import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { keyOf } from '../../api/meta.ts'
import { bell } from '../../lib/bell.ts'
import { copy } from '../../lib/json.ts'
import type { PluginDependencies } from '../dependencies.ts'
import type { PodInfo } from '../pod-info.ts'
import { isFullyBound, selectedNode } from './pod-claims.ts'
import type { VolumePlan } from './volume-binding.ts'

/** Carries a plan out and waits until all claims are bound. Rejects when that cannot happen any more, or not in time. */
export type BindVolumes = (pod: PodInfo, plan: VolumePlan, nodeName: string, signal: AbortSignal) => Promise<void>

/** bindTimeoutSeconds of the VolumeBinding plugin. */
const bindTimeoutInMs = 600_000

const boundByController = 'pv.kubernetes.io/bound-by-controller'

/** Writes the volumes' claimRef and the claims' selected node; the rest is the volume controller's and the provisioner's work. */
export function volumeWrites({ client, informers, clock }: PluginDependencies): BindVolumes {
  const claims = informers.of(PersistentVolumeClaim)
  const nodes = informers.of(Node)

  /** Whether a claim has what it needs; throws when it never will. */
  const isDone = (claim: PersistentVolumeClaim, nodeName: string, isProvisioned: boolean): boolean => {
    const now = claims.lister.get(keyOf(claim))
    if (!now) throw new Error(`could not get PVC "${keyOf(claim)}": it was deleted`)
    if (isFullyBound(now)) return true
    if (!nodes.lister.get(nodeName)) throw new Error(`node "${nodeName}" is gone`)
    const wasSelected = Number(now.metadata.resourceVersion) > Number(claim.metadata.resourceVersion)
    if (isProvisioned && wasSelected && now.metadata.annotations?.[selectedNode] !== nodeName)
      throw new Error(
        `selectedNode annotation value "${now.metadata.annotations?.[selectedNode] ?? ''}" not set to scheduled node "${nodeName}"`,
      )
    return false
  }

  const waitUntilBound = async (plan: VolumePlan, nodeName: string, signal: AbortSignal): Promise<void> => {
    const changed = bell()
    let isLate = false
    const stopListening = claims.subscribe(() => changed.ring())
    const stopWatchingNodes = nodes.subscribe(changes => {
      if (changes.some(({ type }) => type === 'deleted')) changed.ring()
    })
    const cancel = clock.after(bindTimeoutInMs, () => {
      isLate = true
      changed.ring()
    })
    try {
      for (;;) {
        const rung = changed.wait(signal)
        const bound = plan.bindings.every(({ claim }) => isDone(claim, nodeName, false))
        if (bound && plan.provisions.every(claim => isDone(claim, nodeName, true))) return
        if (isLate) throw new Error('binding volumes: timed out waiting for the condition')
        await rung
        if (signal.aborted) throw new Error('binding volumes: the scheduler is stopping')
      }
    } finally {
      cancel()
      stopListening()
      stopWatchingNodes()
    }
  }

  return async (pod, plan, nodeName, signal) => {
    const writer = client.as({ actor: 'scheduler', wokenBy: [Number(pod.pod.metadata.resourceVersion)] })
    const text = `${pod.key} goes to ${nodeName}`
    for (const { claim, volume } of plan.bindings) {
      if (volume.spec.claimRef?.uid === claim.metadata.uid) continue
      const bound = copy(volume)
      const { name, namespace, uid, resourceVersion } = claim.metadata
      const isReserved = volume.spec.claimRef !== undefined
      bound.spec.claimRef = {
        ...bound.spec.claimRef,
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace,
        name,
        uid,
        resourceVersion,
      }
      if (!isReserved) bound.metadata.annotations = { ...bound.metadata.annotations, [boundByController]: 'yes' }
      await writer.update(PersistentVolume, bound, { note: { rule: 'scheduler/volume', text } })
    }
    for (const claim of plan.provisions) {
      const { name, namespace, resourceVersion } = claim.metadata
      if (claim.metadata.annotations?.[selectedNode] === nodeName) continue
      const patch = { metadata: { resourceVersion, annotations: { [selectedNode]: nodeName } } }
      await writer.patch(PersistentVolumeClaim, { namespace, name }, 'merge', patch, { note: { rule: 'scheduler/volume', text } })
    }
    await waitUntilBound(plan, nodeName, signal)
  }
}
