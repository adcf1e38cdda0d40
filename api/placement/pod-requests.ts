import { milliValue, value } from '../quantity.ts'

/** Amounts by resource name: cpu in thousandths of a core, memory and storage in bytes, everything else as a count. */
export type Amounts = Record<string, number>

type QuantityMap = Readonly<Record<string, string>> | undefined

export interface ResourceNeeds {
  readonly requests?: QuantityMap
  readonly limits?: QuantityMap
}

export interface ContainerNeeds {
  readonly name?: string | undefined
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

/** As much of a pod's status as says what its running containers really hold, which a resize under way makes differ from the spec. */
export interface HeldResources {
  readonly containerStatuses?: readonly HeldByContainer[] | undefined
  readonly initContainerStatuses?: readonly HeldByContainer[] | undefined
  readonly conditions?: readonly { readonly type: string; readonly reason?: string | undefined }[] | undefined
}

interface HeldByContainer {
  readonly name: string
  readonly resources?: ResourceNeeds | undefined
  readonly allocatedResources?: QuantityMap
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
 * `assumed` is what a container counts of a resource that it does not mention. With a `status`, a container counts the most of what
 * it asks for, was granted and has; what it asks for in vain (an infeasible resize) is left out.
 */
export function podRequests(spec: PodNeeds, assumed?: Amounts, status?: HeldResources): Amounts {
  const held = status && heldAmounts(status)
  const isInVain = status !== undefined && isResizeInfeasible(status)
  const requests = overContainers(spec, (container, isInit) => {
    const asked = amountsOf(container.resources?.requests)
    const has = held && !(isInit && !isSidecar(container)) ? held.get(container.name ?? '') : undefined
    if (!has) return { ...assumed, ...asked }
    return { ...assumed, ...(isInVain ? has : largest(asked, has)) }
  })
  replaceByPodLevel(requests, spec.resources?.requests)
  addAmounts(requests, amountsOf(spec.overhead))
  return requests
}

/** By container, of those whose status tells. Init containers that end are not resized, so only sidecars are in there. */
function heldAmounts({ containerStatuses = [], initContainerStatuses = [] }: HeldResources): Map<string, Amounts> | undefined {
  let held: Map<string, Amounts> | undefined
  for (const { name, resources, allocatedResources } of [...containerStatuses, ...initContainerStatuses]) {
    if (!resources) continue
    held ??= new Map()
    held.set(name, largest(amountsOf(resources.requests), amountsOf(allocatedResources)))
  }
  return held
}

function isResizeInfeasible({ conditions = [] }: HeldResources): boolean {
  return conditions.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible'
}

function largest(a: Amounts, b: Amounts): Amounts {
  const amounts = { ...a }
  raiseTo(amounts, b)
  return amounts
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
function overContainers(spec: PodNeeds, amountsOfOne: (container: ContainerNeeds, isInit: boolean) => Amounts): Amounts {
  const total: Amounts = {}
  for (const container of spec.containers) addAmounts(total, amountsOfOne(container, false))
  if (!spec.initContainers?.length) return total
  const sidecars: Amounts = {}
  const initPeak: Amounts = {}
  for (const container of spec.initContainers) {
    const own = amountsOfOne(container, true)
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
