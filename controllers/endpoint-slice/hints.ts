import type { Service } from '../../api/core/service.ts'
import { deepEqual } from '../../lib/json.ts'
import { type Endpoint } from '../shared/slices.ts'

type Hints = Endpoint['hints']

const near: ReadonlySet<string | undefined> = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode'])

/**
 * Who should prefer each endpoint of a service: those of its zone, and perhaps of its node (k8s.io/endpointslice/trafficdist). Undefined:
 * nobody. Only what is ready is looked at; hints of other endpoints stay as they are.
 */
export function hintsFor({ spec, metadata }: Service): ((endpoint: Endpoint) => Hints) | undefined {
  if (!near.has(spec.trafficDistribution) || asksForTopology(metadata.annotations)) return undefined
  const isByNode = spec.trafficDistribution === 'PreferSameNode'
  return ({ zone, nodeName }) => {
    const forZones = zone === undefined ? undefined : [{ name: zone }]
    const forNodes = isByNode && nodeName !== undefined ? [{ name: nodeName }] : undefined
    return forZones || forNodes ? { ...(forZones && { forZones }), ...(forNodes && { forNodes }) } : undefined
  }
}

/** The older way to ask for nearness, which goes before. */
const asksForTopology = (annotations: Readonly<Record<string, string>> = {}): boolean =>
  /^[Aa]uto$/.test(
    annotations['service.kubernetes.io/topology-aware-hints'] ?? annotations['service.kubernetes.io/topology-mode'] ?? '',
  )

/** The endpoints with their hints as they should be; the very same list when they are so already. */
export function withHints(endpoints: readonly Endpoint[], hintsOf: ReturnType<typeof hintsFor>): readonly Endpoint[] {
  const isRight = (endpoint: Endpoint) => {
    if (!hintsOf) return endpoint.hints === undefined
    return endpoint.conditions.ready !== true || deepEqual(endpoint.hints, hintsOf(endpoint))
  }
  if (endpoints.every(isRight)) return endpoints
  return endpoints.map(endpoint => {
    if (isRight(endpoint)) return endpoint
    const { hints: _, ...bare } = endpoint
    const hints = hintsOf?.(endpoint)
    return { ...bare, ...(hints && { hints }) }
  })
}
