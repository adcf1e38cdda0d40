import { type Amounts, addAmounts, amountsOf, isPodLevelResource, type PodNeeds, type ResourceNeeds } from './pod-requests.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/**
 * The quality of service that requests and limits earn a pod; cpu and memory count, nothing else, and only amounts above zero
 * (semantics C10, pkg/apis/core/v1/helper/qos). Pod-level resources replace those of the containers.
 */
export function qosClassOf(spec: PodNeeds): QosClass {
  const needs = hasPodLevelResources(spec.resources)
    ? [spec.resources]
    : [...spec.containers, ...(spec.initContainers ?? [])].map(container => container.resources)
  const requests: Amounts = {}
  const limits: Amounts = {}
  let everyoneIsLimited = true
  for (const one of needs) {
    addAmounts(requests, counted(one?.requests))
    const ownLimits = counted(one?.limits)
    addAmounts(limits, ownLimits)
    if (!ownLimits.cpu || !ownLimits.memory) everyoneIsLimited = false
  }
  const asksNothing = !requests.cpu && !requests.memory && !limits.cpu && !limits.memory
  if (asksNothing) return 'BestEffort'
  const isGuaranteed = everyoneIsLimited && requests.cpu === limits.cpu && requests.memory === limits.memory
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}

function hasPodLevelResources(resources: ResourceNeeds | undefined): resources is ResourceNeeds {
  return [resources?.requests, resources?.limits].some(map => Object.keys(map ?? {}).some(isPodLevelResource))
}

function counted(quantities: ResourceNeeds['requests']): Amounts {
  const { cpu = 0, memory = 0 } = amountsOf(quantities)
  const found: Record<string, number> = {}
  if (cpu > 0) found.cpu = cpu
  if (memory > 0) found.memory = memory
  return found
}
