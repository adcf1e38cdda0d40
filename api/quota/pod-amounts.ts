import { isPodLevelResource, isSidecar, type PodNeeds } from '../placement/pod-requests.ts'
import type { Quantity } from '../quantity.ts'
import { type Amounts, addTo, raiseTo, readAmounts } from './amounts.ts'

/**
 * What a pod asks for (`requests`) or may use (`limits`) in all, as exact quantities in the form they were written in: its
 * long-running containers together, or any one step of its initialisation if that takes more; what the pod says for itself as a
 * whole takes the place of that (k8s.io/component-helpers/resource). Overhead is for the caller to add.
 */
export function podAmounts(spec: PodNeeds, which: 'requests' | 'limits'): Record<string, Quantity> {
  const total: Record<string, Quantity> = {}
  for (const { resources } of spec.containers) addTo(total, readAmounts(resources?.[which]))
  const sidecars: Record<string, Quantity> = {}
  const peak: Record<string, Quantity> = {}
  for (const container of spec.initContainers ?? []) {
    const own: Amounts = readAmounts(container.resources?.[which])
    if (isSidecar(container)) {
      addTo(total, own)
      addTo(sidecars, own)
      raiseTo(peak, sidecars)
    } else {
      const step = { ...own }
      addTo(step, sidecars)
      raiseTo(peak, step)
    }
  }
  raiseTo(total, peak)
  const whole = readAmounts(spec.resources?.[which])
  for (const name in whole) if (isPodLevelResource(name) && whole[name]) total[name] = whole[name]
  return total
}
