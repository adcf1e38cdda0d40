import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { notFound } from '../api/errors.ts'
import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import { NodeMetrics } from '../api/metrics/node-metrics.ts'
import { PodMetrics } from '../api/metrics/pod-metrics.ts'
import type { ContainerUsage, NodeAgent, PodUsage } from '../api/node-agent.ts'
import { formatQuantity } from '../api/quantity.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'
import { type Clock, timestamp } from '../lib/clock.ts'
import { encode, stored } from './codec.ts'
import type { Provider } from './pipeline.ts'
import type { ApiRequest, ApiResponse, Handle } from './request.ts'

interface Dependencies {
  readonly handle: Handle
  readonly nodeAgents: (nodeName: string) => NodeAgent | undefined
  readonly clock: Clock
}

const window = '10s'
const reader: UserInfo = { name: 'system:metrics-server', groups: ['system:masters', 'system:authenticated'] }

/** NodeMetrics and PodMetrics, from what the kubelets say when somebody asks (contract 18). */
export function metricsProviders(dependencies: Dependencies): readonly Provider[] {
  return [
    { kind: NodeMetrics, handle: answer(dependencies, Node, nodeMetrics(dependencies)) },
    { kind: PodMetrics, handle: answer(dependencies, Pod, podMetrics(dependencies)) },
  ]
}

/** What is known of some of the objects that metrics are about; those of which nothing is known are left out. */
type Measure = (objects: readonly KubeObject[]) => Promise<readonly KubeObject[]>

/** Selectors and names are those of the pods and nodes themselves. */
function answer({ handle }: Dependencies, source: AnyKind, measure: Measure): Provider['handle'] {
  return async (kind, { verb, namespace, name, options = {}, signal }) => {
    const target = { group: '', version: 'v1', resource: source.plural, ...(namespace && { namespace }), user: reader }
    const call: Omit<ApiRequest, 'verb'> = { ...target, ...(signal && { signal }) }
    if (verb === 'list') {
      const list = await handle({ ...call, verb, options: selectorsOf(options) })
      const found = list.type === 'list' ? list.items.map(({ object }) => object) : []
      return listOf(kind, await measure(found))
    }
    const missing = { group: kind.group, plural: kind.kind.toLowerCase() }
    const id = namespace ? `${namespace}/${name}` : (name ?? '')
    const found = await handle({ ...call, verb: 'get', name: name ?? '' }).catch(() => undefined)
    const [metrics] = found?.type === 'object' ? await measure([found.object as KubeObject]) : []
    if (!metrics) throw notFound(missing, id)
    return { type: 'object', status: 200, object: metrics, warnings: [] }
  }
}

const selectorsOf = ({ labelSelector, fieldSelector }: CallOptions): CallOptions => ({
  ...(labelSelector && { labelSelector }),
  ...(fieldSelector && { fieldSelector }),
})

function listOf(kind: AnyKind, objects: readonly KubeObject[]): ApiResponse {
  const items = objects.map(object => stored(encode(object), 0))
  return { type: 'list', apiVersion: apiVersionOf(kind), kind: kind.listKind, items, resourceVersion: '' }
}

function podMetrics({ nodeAgents, clock }: Dependencies): Measure {
  return async objects => {
    const pods = (objects as readonly Pod[]).filter(({ status, spec }) => status.phase === 'Running' && spec.nodeName)
    const nodes = [...new Set(pods.map(({ spec }) => spec.nodeName ?? ''))]
    const usages = new Map<string, PodUsage>()
    for (const known of await Promise.all(nodes.map(node => usageOn(nodeAgents, node)))) {
      for (const usage of known ?? []) usages.set(`${usage.namespace}/${usage.name}`, usage)
    }
    return pods.flatMap(({ metadata }) => {
      const usage = usages.get(`${metadata.namespace}/${metadata.name}`)
      if (!usage) return []
      const containers = usage.containers.map(container => ({ name: container.name, usage: amounts([container]) }))
      return [{ ...head(PodMetrics, metadata, clock), containers }]
    })
  }
}

function nodeMetrics({ nodeAgents, clock }: Dependencies): Measure {
  return async nodes => {
    const measured = nodes.map(async ({ metadata }) => {
      const pods = await usageOn(nodeAgents, metadata.name)
      if (!pods) return []
      return [{ ...head(NodeMetrics, metadata, clock), usage: amounts(pods.flatMap(({ containers }) => containers)) }]
    })
    return (await Promise.all(measured)).flat()
  }
}

/** Undefined: the node cannot be asked. */
async function usageOn(nodeAgents: Dependencies['nodeAgents'], nodeName: string): Promise<readonly PodUsage[] | undefined> {
  try {
    return await nodeAgents(nodeName)?.stats?.()
  } catch {
    return undefined
  }
}

function head(kind: AnyKind, { name, namespace, labels }: KubeObject['metadata'], clock: Clock): KubeObject {
  const now = timestamp(clock.now())
  const metadata = { name, ...(namespace && { namespace }), creationTimestamp: now, ...(labels && { labels }) }
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, timestamp: now, window }
  return object as unknown as KubeObject
}

const kibi = 1024
const nanoPerUnit = 1_000_000_000n

/** The sum of what containers use: nanoseconds of processor time per second, and memory in whole KiB. */
function amounts(containers: readonly ContainerUsage[]): Record<string, string> {
  const cpu = containers.reduce((sum, { cpuNanoCores }) => sum + Math.round(cpuNanoCores), 0)
  const memory = containers.reduce((sum, each) => sum + Math.floor(each.memoryWorkingSetInBytes / kibi) * kibi, 0)
  return {
    cpu: formatQuantity({ nano: BigInt(cpu), format: 'DecimalSI' }),
    memory: formatQuantity({ nano: BigInt(memory) * nanoPerUnit, format: 'BinarySI' }),
  }
}
