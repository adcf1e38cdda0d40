import { milliValue, value } from '../quantity.ts'

/** Amounts by resource name: cpu in thousandths of a core, memory and storage in bytes, everything else as a count. */
export type Amounts = Record<string, number>

type QuantityMap = Readonly<Record<string, string>> | undefined

export interface ResourceNeeds {
  readonly requests?: QuantityMap
  readonly limits?: QuantityMap
}

export interface ContainerNeeds {
  readonly resources?: ResourceNeeds | undefined
  readonly restartPolicy?: string | undefined
}

/** As much of a pod's spec as decides what it asks for. */
export interface PodNeeds {
  readonly containers: readonly ContainerNeeds[]
  readonly initContainers?: readonly ContainerNeeds[] | undefined
  readonly overhead?: QuantityMap
  readonly resources?: ResourceNeeds | undefined
}

/** One quantity as a number in its resource's unit; rounded up, as the scheduler and the kubelet count. */
export function amountOf(resource: string, quantity: string): number {
  return resource === 'cpu' ? milliValue(quantity) : value(quantity)
}

/** A whole map of quantities as numbers. */
export function amountsOf(quantities: QuantityMap): Amounts {
  const amounts: Amounts = {}
  for (const name in quantities) amounts[name] = amountOf(name, quantities[name] ?? '0')
  return amounts
}

export function addAmounts(to: Amounts, more: Amounts, sign: 1 | -1 = 1): void {
  for (const name in more) to[name] = (to[name] ?? 0) + sign * (more[name] ?? 0)
}

function raiseTo(amounts: Amounts, atLeast: Amounts): void {
  for (const name in atLeast) amounts[name] = Math.max(amounts[name] ?? 0, atLeast[name] ?? 0)
}

/** A container that starts with the init containers and stays. */
export function isSidecar(initContainer: ContainerNeeds): boolean {
  return initContainer.restartPolicy === 'Always'
}

/**
 * What a pod asks for: the larger of what its long-running containers need together and what any step of its initialisation
 * needs (semantics A5, k8s.io/component-helpers/resource). Pod-level values replace cpu, memory and huge pages; overhead comes on top.
 * `assumed` is what a container counts of a resource that it does not mention.
 */
export function podRequests(spec: PodNeeds, assumed?: Amounts): Amounts {
  const requests = overContainers(spec, ({ resources }) => ({ ...assumed, ...amountsOf(resources?.requests) }))
  replaceByPodLevel(requests, spec.resources?.requests)
  addAmounts(requests, amountsOf(spec.overhead))
  return requests
}

/** What a pod may use at most; a resource that nothing limits is absent. Overhead raises only limits that exist. */
export function podLimits(spec: PodNeeds): Amounts {
  const limits = overContainers(spec, container => amountsOf(container.resources?.limits))
  replaceByPodLevel(limits, spec.resources?.limits)
  const overhead = amountsOf(spec.overhead)
  for (const name in overhead) if (limits[name]) limits[name] += overhead[name] ?? 0
  return limits
}

/** Sums over containers and sidecars, at least as much as the greediest init step. */
function overContainers(spec: PodNeeds, amountsOfOne: (container: ContainerNeeds) => Amounts): Amounts {
  const total: Amounts = {}
  for (const container of spec.containers) addAmounts(total, amountsOfOne(container))
  if (!spec.initContainers?.length) return total
  const sidecars: Amounts = {}
  const initPeak: Amounts = {}
  for (const container of spec.initContainers) {
    const own = amountsOfOne(container)
    if (isSidecar(container)) {
      addAmounts(sidecars, own)
      raiseTo(initPeak, sidecars)
    } else {
      addAmounts(own, sidecars)
      raiseTo(initPeak, own)
    }
  }
  addAmounts(total, sidecars)
  raiseTo(total, initPeak)
  return total
}

/** Which resources `spec.resources` may set for the pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')
}

function replaceByPodLevel(amounts: Amounts, podLevel: QuantityMap): void {
  for (const name in podLevel) if (isPodLevelResource(name)) amounts[name] = amountOf(name, podLevel[name] ?? '0')
}
