import type { PodObject } from '../core/pod-status.ts'
import { isExtended } from '../core/resource-validation.ts'
import type { ContainerNeeds } from '../placement/pod-requests.ts'
import { qosClassOf } from '../placement/qos.ts'
import { type Quantity, quantityOf } from '../quantity.ts'
import { type Amounts, addTo, readAmounts } from './amounts.ts'
import { type Evaluator, holds } from './evaluator.ts'
import { podAmounts } from './pod-amounts.ts'

const objectCount = 'count/pods'
const computed = ['cpu', 'memory', 'ephemeral-storage']
const names: ReadonlySet<string> = new Set([
  objectCount,
  'pods',
  ...computed,
  ...computed.map(name => `requests.${name}`),
  ...computed.map(name => `limits.${name}`),
])
/** If a quota limits one of these, every container has to say how much it wants. */
const demandedOfAll: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
])

const one = quantityOf(1)

/** Pods: their number, and what they ask for and may use (pkg/quota/v1/evaluator/core/pods.go). */
export const podEvaluator: Evaluator<PodObject> = {
  counts: name =>
    names.has(name) ||
    name.startsWith('hugepages-') ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && name.includes('/') && !name.includes('kubernetes.io/')),
  usage(pod, now) {
    const used: Record<string, Quantity> = { [objectCount]: one }
    if (!isCounted(pod, now)) return used
    const requests = podAmounts(pod.spec, 'requests')
    const limits = podAmounts(pod.spec, 'limits')
    const overhead = readAmounts(pod.spec.overhead)
    addTo(requests, overhead)
    for (const name in overhead) if (limits[name]) addTo(limits, { [name]: overhead[name] ?? one })
    return { ...used, ...named(requests, limits) }
  },
  fits(requirement, pod) {
    switch (requirement.scopeName) {
      case 'Terminating':
        return hasDeadline(pod)
      case 'NotTerminating':
        return !hasDeadline(pod)
      case 'BestEffort':
        return qosClassOf(pod.spec) === 'BestEffort'
      case 'NotBestEffort':
        return qosClassOf(pod.spec) !== 'BestEffort'
      case 'PriorityClass':
        return holds(requirement, pod.spec.priorityClassName ? [pod.spec.priorityClassName] : [])
      case 'CrossNamespacePodAffinity':
        return looksAcrossNamespaces(pod)
      default:
        return false
    }
  },
  // A deadline moves a pod from one scope to another.
  handles: ({ operation, subresource, object, old }) =>
    subresource === undefined
      ? operation === 'CREATE' || (old !== undefined && hasDeadline(old) !== hasDeadline(object))
      : subresource === 'resize' && operation === 'UPDATE',
  missing,
}

/** What quotas call it: `cpu` and `requests.cpu` are the same. */
function named(requests: Amounts, limits: Amounts): Record<string, Quantity> {
  const used: Record<string, Quantity> = { pods: one }
  for (const name of computed) {
    const [request, limit] = [requests[name], limits[name]]
    if (request) {
      used[name] = request
      used[`requests.${name}`] = request
    }
    if (limit) used[`limits.${name}`] = limit
  }
  for (const name in requests) {
    const request = requests[name]
    if (!request) continue
    if (name.startsWith('hugepages-')) {
      used[name] = request
      used[`requests.${name}`] = request
    } else if (isExtended(name)) used[`requests.${name}`] = request
  }
  return used
}

/** A pod that has ended uses nothing, nor does one that should long be gone. */
function isCounted({ status, metadata }: PodObject, now: number): boolean {
  if (status.phase === 'Failed' || status.phase === 'Succeeded') return false
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return true
  return now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

const hasDeadline = ({ spec: { activeDeadlineSeconds } }: PodObject) =>
  activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0

function looksAcrossNamespaces({ spec: { affinity } }: PodObject): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some(each => {
    const required = each?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    const preferred = each?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    const terms = [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)]
    return terms.some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined)
  })
}

function missing(required: readonly string[], { spec }: PodObject): string | undefined {
  if (spec.resources && (spec.resources.requests || spec.resources.limits)) return undefined
  const demanded = required.filter(name => demandedOfAll.has(name)).sort()
  const said = ({ resources }: ContainerNeeds) => named(readAmounts(resources?.requests), readAmounts(resources?.limits))
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(each => ({ name: each.name, said: said(each) }))
  const lacks = demanded.flatMap(name => {
    const lacking = all.filter(each => !each.said[name]).map(each => each.name)
    return lacking.length > 0 ? [`${name} for: ${[...new Set(lacking)].sort().join(',')}`] : []
  })
  return lacks.length > 0 ? `must specify ${lacks.join('; ')}` : undefined
}
