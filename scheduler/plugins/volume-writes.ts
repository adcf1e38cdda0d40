import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { keyOf } from '../../api/meta.ts'
import type { PluginArguments } from '../../api/scheduler-config/arguments.ts'
import type { Change } from '../../client/informer.ts'
import { bell } from '../../lib/bell.ts'
import { copy } from '../../lib/json.ts'
import type { PluginDependencies } from '../dependencies.ts'
import type { PodInfo } from '../pod-info.ts'
import { isFullyBound, selectedNode } from './pod-claims.ts'
import type { VolumePlan } from './volume-binding.ts'
import { isReachable } from './volume-matching.ts'

/** Carries a plan out and waits until all claims are bound. Rejects when that cannot happen any more, or not in time. */
export type BindVolumes = (pod: PodInfo, plan: VolumePlan, nodeName: string, signal: AbortSignal) => Promise<void>

/** What was written, by uid: older copies say nothing. */
type Written = Map<string, Versioned>

interface Versioned {
  readonly metadata: { readonly resourceVersion: string }
}

const boundByController = 'pv.kubernetes.io/bound-by-controller'

/** Writes the volumes' claimRef and the claims' selected node; the rest is the volume controller's and the provisioner's work. */
export function volumeWrites(
  { client, informers, clock }: PluginDependencies,
  { bindTimeoutSeconds }: PluginArguments['VolumeBinding'],
): BindVolumes {
  const claims = informers.of(PersistentVolumeClaim)
  const volumes = informers.of(PersistentVolume)
  const nodes = informers.of(Node)
  const pods = informers.of(Pod)

  const isStale = (seen: Versioned, known: Versioned) =>
    Number(known.metadata.resourceVersion) < Number(seen.metadata.resourceVersion)
  const newest = (claim: PersistentVolumeClaim): PersistentVolumeClaim => {
    const now = claims.lister.get(keyOf(claim))
    if (!now) throw new Error(`failed to check binding: could not find pvc "${keyOf(claim)}"`)
    return now
  }
  /** Whether a claim got the volume that was chosen for it; throws when it never will (volumebinding checkBindings). */
  const isBound = ({ claim, volume }: VolumePlan['bindings'][number], written: Versioned, node: Node): boolean => {
    const now = volumes.lister.get(volume.metadata.name)
    if (!now) throw new Error(`failed to check binding: could not find pv "${volume.metadata.name}"`)
    const { name, labels = {} } = node.metadata
    if (isStale(written, now)) return false
    if (!isReachable(now, { name, labels }))
      throw new Error(`pv "${now.metadata.name}" node affinity doesn't match node "${name}"`)
    if (!now.spec.claimRef?.uid) throw new Error(`ClaimRef got reset for pv "${now.metadata.name}"`)
    return isFullyBound(newest(claim))
  }
  const isProvisioned = (claim: PersistentVolumeClaim, written: Versioned, nodeName: string): boolean => {
    const now = newest(claim)
    if (isStale(written, now)) return false
    if (isFullyBound(now)) return true
    if (now.metadata.annotations === undefined) throw new Error(`selectedNode annotation reset for PVC "${now.metadata.name}"`)
    if (now.metadata.annotations[selectedNode] !== nodeName) throw new Error(`provisioning failed for PVC "${now.metadata.name}"`)
    return false
  }
  const isDone = (pod: PodInfo, plan: VolumePlan, nodeName: string, written: Written): boolean => {
    const node = nodes.lister.get(nodeName)
    if (!node) throw new Error(`failed to get node "${nodeName}": node "${nodeName}" not found`)
    if (pods.lister.get(pod.key)?.metadata.uid !== pod.uid)
      throw new Error(`pod does not exist any more: pod "${pod.key}" not found`)
    return (
      plan.bindings.every(binding => isBound(binding, written.get(binding.volume.metadata.uid) ?? binding.volume, node)) &&
      plan.provisions.every(claim => isProvisioned(claim, written.get(claim.metadata.uid) ?? claim, nodeName))
    )
  }

  const waitUntil = async (isDoneNow: () => boolean, signal: AbortSignal): Promise<void> => {
    const changed = bell()
    let isLate = false
    const stopListening = [claims, volumes].map(informer => informer.subscribe(() => changed.ring()))
    for (const informer of [nodes, pods])
      stopListening.push(
        informer.subscribe((changes: readonly Change[]) => {
          if (changes.some(({ type }) => type === 'deleted')) changed.ring()
        }),
      )
    const cancel = clock.after(bindTimeoutSeconds * 1000, () => {
      isLate = true
      changed.ring()
    })
    try {
      for (;;) {
        const rung = changed.wait(signal)
        if (isDoneNow()) return
        if (isLate) throw new Error('binding volumes: timed out waiting for the condition')
        await rung
        if (signal.aborted) throw new Error('binding volumes: the scheduler is stopping')
      }
    } finally {
      cancel()
      for (const stop of stopListening) stop()
    }
  }

  return async (pod, plan, nodeName, signal) => {
    const writer = client.as({ actor: 'scheduler', wokenBy: [Number(pod.pod.metadata.resourceVersion)] })
    const text = `${pod.key} goes to ${nodeName}`
    const written: Written = new Map()
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
      written.set(bound.metadata.uid, await writer.update(PersistentVolume, bound, { note: { rule: 'scheduler/volume', text } }))
    }
    for (const claim of plan.provisions) {
      const { name, namespace, resourceVersion } = claim.metadata
      if (claim.metadata.annotations?.[selectedNode] === nodeName) continue
      const patch = { metadata: { resourceVersion, annotations: { [selectedNode]: nodeName } } }
      const note = { rule: 'scheduler/volume', text }
      written.set(claim.metadata.uid, await writer.patch(PersistentVolumeClaim, { namespace, name }, 'merge', patch, { note }))
    }
    await waitUntil(() => isDone(pod, plan, nodeName, written), signal)
  }
}
