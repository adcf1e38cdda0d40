import { familyOf } from '../api/addresses.ts'
import { Service } from '../api/core/service.ts'
import { isHeadless } from '../api/core/service-families.ts'
import { IPAddress } from '../api/networking/ip-address.ts'
import { users } from '../api/user.ts'
import type { Log } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import type { Pipeline } from './pipeline.ts'
import type { WatchFrame } from './request.ts'
import { allocatorName, managedBy } from './service-addresses.ts'
import type { Body, OwnObjects } from './standing-objects.ts'

interface Options {
  readonly pipeline: Pick<Pipeline, 'handle'>
  readonly own: OwnObjects
  readonly log: Log
}

/**
 * Keeps an IPAddress for every cluster IP, as upstream's allocator does. Unlike there they are for people to read: who has which
 * address is decided by the services themselves.
 */
export function serviceIpAddresses({ pipeline: { handle }, own, log }: Options): Run {
  /** Addresses by the service that has them, as far as there are objects for them. */
  const known = new Map<string, readonly string[]>()

  async function follow(key: string, service: Service | undefined): Promise<void> {
    const addresses = service ? addressesOf(service) : []
    const before = known.get(key) ?? []
    if (addresses.length > 0) known.set(key, addresses)
    else known.delete(key)
    for (const gone of before) if (!addresses.includes(gone)) await own.remove(IPAddress, gone)
    const fresh = addresses.filter(address => !before.includes(address))
    if (service && fresh.length > 0)
      await own.ensure(
        IPAddress,
        fresh.map(address => ipAddressOf(service, address)),
      )
  }

  /** What became of services while nobody looked. */
  async function adopt(): Promise<void> {
    for (const each of (await own.list(IPAddress)) as readonly IPAddress[]) {
      const { parentRef } = each.spec
      if (each.metadata.labels?.[managedBy] !== allocatorName || !parentRef) continue
      const key = `${parentRef.namespace}/${parentRef.name}`
      known.set(key, [...(known.get(key) ?? []), each.metadata.name])
    }
    const services = (await own.list(Service)) as readonly Service[]
    const there = new Map(services.map(service => [keyOf(service), service]))
    for (const key of new Set([...known.keys(), ...there.keys()])) await follow(key, there.get(key))
  }

  return async signal => {
    while (!signal.aborted) {
      try {
        const call = { group: '', version: 'v1', resource: 'services', user: users.apiServer, signal }
        const watch = await handle({ ...call, verb: 'watch', options: {} })
        await adopt()
        if (watch.type === 'watch') for await (const batch of watch.events) for (const frame of batch) await apply(frame)
      } catch (error) {
        if (signal.aborted) return
        log.warn({ err: error }, 'IP addresses are out of date')
      }
    }
  }

  async function apply({ type, object }: WatchFrame): Promise<void> {
    if (type === 'BOOKMARK') return
    const service = object as Service
    await follow(keyOf(service), type === 'DELETED' ? undefined : service)
  }
}

const keyOf = ({ metadata: { namespace, name } }: Service) => `${namespace}/${name}`
const addressesOf = ({ spec }: Service): readonly string[] => (isHeadless(spec) ? [] : (spec.clusterIPs ?? []))

function ipAddressOf({ metadata: { namespace, name } }: Service, address: string): Body {
  const labels = { 'ipaddress.kubernetes.io/ip-family': familyOf(address), [managedBy]: allocatorName }
  const body = { metadata: { name: address, labels }, spec: { parentRef: { resource: 'services', namespace, name } } }
  return body
}
