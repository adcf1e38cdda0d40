import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { podsOn, type World } from './cluster.ts'

/** Billionths by resource name: sums stay exact until the end. */
type Exact = Map<string, bigint>
type Quantities = Readonly<Record<string, string>> | undefined
type Container = Pod['spec']['containers'][number]
type ContainerStatus = NonNullable<Pod['status']['containerStatuses']>[number]

/** Amounts by resource name: cpu in thousandths, everything else in units, rounded up. */
export type Amounts = Readonly<Record<string, number>>

/** What a container counts for scoring when it asks for no cpu or no memory (pkg/scheduler/util/pod_resources.go). */
export const assumedRequests = { cpu: '100m', memory: '200Mi' }

const isPodLevel = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

const exact = (quantities: Quantities): Exact =>
  new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, parseQuantity(text).nano]))

function add(to: Exact, more: Exact): void {
  for (const [name, amount] of more) to.set(name, (to.get(name) ?? 0n) + amount)
}

function largest(...all: Exact[]): Exact {
  const most: Exact = new Map()
  for (const one of all) for (const [name, amount] of one) if (amount > (most.get(name) ?? -1n)) most.set(name, amount)
  return most
}

/** What a container of a pod under resizing holds: the most of what is asked, granted and in use (component-helpers/resource). */
function containerRequests(pod: Pod, container: Container, status: ContainerStatus | undefined, assumed: Quantities): Exact {
  let requests = exact(container.resources?.requests)
  if (status?.resources) {
    const [actual, allocated] = [exact(status.resources.requests), exact(status.allocatedResources)]
    const pending = pod.status.conditions?.find(({ type }) => type === 'PodResizePending')
    requests = pending?.reason === 'Infeasible' ? largest(actual, allocated) : largest(requests, actual, allocated)
  }
  for (const [name, amount] of exact(assumed)) if (!requests.has(name)) requests.set(name, amount)
  return requests
}

/** What a pod asks for as a whole (k8s.io/component-helpers/resource PodRequests). */
export function podRequests(pod: Pod, assumed?: Quantities): Amounts {
  const { spec, status } = pod
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  const statusOf = (name: string) => statuses.find(one => one.name === name)
  const total: Exact = new Map()
  for (const container of spec.containers) add(total, containerRequests(pod, container, statusOf(container.name), assumed))
  const sidecars: Exact = new Map()
  let peak: Exact = new Map()
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always'
    const own = containerRequests(pod, container, isSidecar ? statusOf(container.name) : undefined, assumed)
    if (isSidecar) {
      add(total, own)
      add(sidecars, own)
      peak = largest(peak, sidecars)
    } else {
      add(own, sidecars)
      peak = largest(peak, own)
    }
  }
  const requests = largest(total, peak)
  for (const [name, amount] of exact(spec.resources?.requests)) if (isPodLevel(name)) requests.set(name, amount)
  add(requests, exact(spec.overhead))
  return rounded(requests)
}

function rounded(amounts: Exact): Amounts {
  const units: Record<string, number> = {}
  for (const [name, nano] of amounts) {
    const unit = name === 'cpu' ? 1_000_000n : 1_000_000_000n
    units[name] = Number((nano + unit - 1n) / unit)
  }
  return units
}

export const allocatable = ({ status }: Node): Amounts => rounded(exact(status.allocatable))

/** What a placed pod counts for scoring: where a pod says what it needs as a whole, only what is missing altogether is assumed. */
export function scoringRequests(pod: Pod): Amounts {
  if (!Object.keys(pod.spec.resources?.requests ?? {}).some(isPodLevel)) return podRequests(pod, assumedRequests)
  const known = podRequests(pod)
  return podRequests(pod, Object.fromEntries(Object.entries(assumedRequests).filter(([name]) => !(name in known))))
}

/** The sum over the pods of a node. */
export function requestedOn(node: Node, world: World, requestsOf: (pod: Pod) => Amounts = podRequests): Amounts {
  const sum: Record<string, number> = {}
  for (const pod of podsOn(node, world))
    for (const [name, amount] of Object.entries(requestsOf(pod))) sum[name] = (sum[name] ?? 0) + amount
  return sum
}
