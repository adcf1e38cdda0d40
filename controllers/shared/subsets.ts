import type { EndpointSubset } from '../../api/core/endpoints.ts'

export type Address = NonNullable<EndpointSubset['addresses']>[number]
export type SubsetPort = NonNullable<EndpointSubset['ports']>[number]

/** Subsets that are still being put together: who answers on a port, and whether they are ready. No port: headless without any. */
export interface Answer {
  readonly port: SubsetPort | undefined
  readonly address: Address
  readonly isReady: boolean
}

interface Listed {
  readonly address: Address
  isReady: boolean
}

interface Port {
  readonly port: SubsetPort | undefined
  readonly listed: Map<string, Listed>
}

const addressKey = ({ ip, targetRef }: Address) => `${ip} ${targetRef?.uid ?? ''}`
const portKey = (port: SubsetPort | undefined) =>
  port ? `${port.name ?? ''}|${port.port}|${port.protocol}|${port.appProtocol ?? ''}` : ''
const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/**
 * The fewest subsets that say the same: ports with the very same addresses share one (pkg/api/v1/endpoints/util.go RepackSubsets). Who
 * is told to be ready and not ready on a port is not. In an order that depends on the content alone: addresses as text, then ports.
 */
export function packSubsets(answers: Iterable<Answer>): EndpointSubset[] {
  const ports = new Map<string, Port>()
  // Most answers come with one of the same few ports.
  const met = new Map<SubsetPort | undefined, Port>()
  for (const { port, address, isReady } of answers) {
    let found = met.get(port)
    if (!found) {
      const key = portKey(port)
      found = ports.get(key) ?? { port, listed: new Map() }
      ports.set(key, found)
      met.set(port, found)
    }
    const id = addressKey(address)
    const known = found.listed.get(id)
    if (known) known.isReady &&= isReady
    else found.listed.set(id, { address, isReady })
  }
  const subsets = new Map<string, { ports: SubsetPort[]; listed: readonly Listed[] }>()
  for (const [, { port, listed }] of [...ports].sort(([a], [b]) => byText(a, b))) {
    const ids = [...listed.keys()].sort()
    // What is alone need not be compared.
    const key = ports.size === 1 ? '' : ids.map(id => `${id} ${listed.get(id)?.isReady}`).join('\n')
    const subset = subsets.get(key) ?? { ports: [], listed: ids.flatMap(id => listed.get(id) ?? []) }
    if (port) subset.ports.push(port)
    subsets.set(key, subset)
  }
  return [...subsets].sort(([a], [b]) => byText(a, b)).map(([, { ports, listed }]) => subsetOf(ports, listed))
}

function subsetOf(ports: SubsetPort[], listed: readonly Listed[]): EndpointSubset {
  const addresses = listed.filter(({ isReady }) => isReady).map(({ address }) => address)
  const notReadyAddresses = listed.filter(({ isReady }) => !isReady).map(({ address }) => address)
  return {
    ...(addresses.length > 0 && { addresses }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
    ...(ports.length > 0 && { ports }),
  }
}

/** The answers that subsets tell of. */
export function* answersOf(subsets: readonly EndpointSubset[]): Generator<Answer> {
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    for (const port of ports.length > 0 ? ports : [undefined]) {
      for (const address of addresses) yield { port, address, isReady: true }
      for (const address of notReadyAddresses) yield { port, address, isReady: false }
    }
  }
}
