import { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { subdomainName } from '../../api/names.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Index, Watch } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'

/** What those who write EndpointSlices have in common (k8s.io/endpointslice/util). */

export type Endpoint = EndpointSlice['endpoints'][number]
export type SlicePort = EndpointSlice['ports'][number]
export type AddressType = EndpointSlice['addressType']

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'

/** A slice that is to be made, or to take the place of another. */
export interface NewSlice {
  readonly metadata: {
    readonly namespace: string
    readonly generateName: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences: NonNullable<EndpointSlice['metadata']['ownerReferences']>
  }
  readonly addressType: AddressType
  readonly ports: readonly SlicePort[]
  readonly endpoints: readonly Endpoint[]
}

/** What tells endpoints apart: all else of one may change in place. */
export function endpointKey({ addresses, hostname = '', targetRef }: Endpoint): string {
  const list = addresses.length === 1 ? addresses[0] : [...addresses].sort().join(',')
  return `${list} ${hostname} ${targetRef?.namespace ?? ''}/${targetRef?.name ?? ''}`
}

/** Whether two endpoints of the same key say the same; hints are another matter. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  const [x, y] = [a.conditions, b.conditions]
  if (a.nodeName !== b.nodeName || a.zone !== b.zone) return false
  if (x.ready !== y.ready || x.serving !== y.serving || x.terminating !== y.terminating) return false
  return a.targetRef === b.targetRef || sameReference(a.targetRef, b.targetRef)
}

/** Versions of what is referred to say nothing. */
function sameReference(a: Endpoint['targetRef'], b: Endpoint['targetRef']): boolean {
  if (!a || !b) return false
  const isSame = a.uid === b.uid && a.name === b.name && a.namespace === b.namespace && a.kind === b.kind
  return isSame && a.apiVersion === b.apiVersion && a.fieldPath === b.fieldPath
}

/** What tells lists of ports apart, whatever their order. */
export function portsKey(ports: readonly SlicePort[]): string {
  const each = ports.map(({ name, port, protocol, appProtocol }) => `${name}|${port}|${protocol}|${appProtocol ?? ''}`)
  return each.sort().join(',')
}

/** Names of slices begin with that of what they are for, as far as that makes a name. */
export function slicePrefix(name: string): string {
  return subdomainName(`${name}a`).length === 0 ? `${name}-` : name
}

/** Files slices under the service that they say they are for. */
export const slicesByService: Index = {
  kind: EndpointSlice,
  name: 'service',
  values: slice => {
    const key = serviceKeyOf(slice)
    return key === undefined ? [] : [key]
  },
}

/** The key of the service that a slice is for. */
export function serviceKeyOf({ metadata }: KubeObject): string | undefined {
  const name = metadata.labels?.[serviceNameLabel]
  return name ? `${metadata.namespace ?? ''}/${name}` : undefined
}

/** Remembers which slices it wrote itself, so that only others' changes of them wake their services. */
export interface OwnSlices {
  /** Wakes the services of slices of a manager that somebody else changed. */
  readonly changedByOthers: Watch['keys']
  /** Does what writes slices of a service. Answers whether somebody else changed one of them meanwhile. */
  writing(serviceKey: string, act: () => Promise<void>): Promise<boolean>
  wrote(slice: EndpointSlice): void
  removed(slice: EndpointSlice): void
}

export function ownSlices(manager: string): OwnSlices {
  /** The version that was written last, by UID; undefined: it was removed. */
  const written = new Map<string, string | undefined>()
  /** News of a write may be faster than its answer: what came while a service's slices were written is judged afterwards. */
  const undecided = new Map<string, Change[]>()
  const isManaged = (slice: KubeObject) => slice.metadata.labels?.[managedByLabel] === manager

  function isOwn({ type, object: { metadata } }: Change): boolean {
    const isKnown = written.has(metadata.uid)
    const version = written.get(metadata.uid)
    if (type === 'deleted') written.delete(metadata.uid)
    return isKnown && version === (type === 'deleted' ? undefined : metadata.resourceVersion)
  }

  return {
    changedByOthers(change) {
      const { object, previous } = change
      const keys = [object, previous].flatMap(each => (each && isManaged(each) ? (serviceKeyOf(each) ?? []) : []))
      const [key] = keys
      const waiting = key === undefined ? undefined : undecided.get(key)
      if (waiting) waiting.push(change)
      return waiting || isOwn(change) ? [] : [...new Set(keys)]
    },
    async writing(serviceKey, act) {
      const changes: Change[] = []
      undecided.set(serviceKey, changes)
      try {
        await act()
      } finally {
        undecided.delete(serviceKey)
      }
      return changes.filter(change => !isOwn(change)).length > 0
    },
    wrote: ({ metadata }) => void written.set(metadata.uid, metadata.resourceVersion),
    removed: ({ metadata }) => void written.set(metadata.uid, undefined),
  }
}

/**
 * Instead of removing one slice and making another, the one takes the other's place: those who watch see one change, not two. Answers
 * what is left of both lists, and the slices with their new content.
 */
export function recycle(
  create: readonly NewSlice[],
  remove: readonly EndpointSlice[],
  mayBeUsed: (slice: EndpointSlice) => boolean = () => true,
): { create: NewSlice[]; remove: EndpointSlice[]; update: EndpointSlice[] } {
  const left = [...create]
  const gone: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  for (const slice of remove) {
    const at = mayBeUsed(slice) ? left.findIndex(({ addressType }) => addressType === slice.addressType) : -1
    const [next] = at < 0 ? [] : left.splice(at, 1)
    if (!next) gone.push(slice)
    else update.push(renewed(slice, next))
  }
  return { create: left, remove: gone, update }
}

/** A slice with other content. */
export function renewed(slice: EndpointSlice, { metadata, ports, endpoints }: NewSlice): EndpointSlice {
  const { annotations: _, ...kept } = slice.metadata
  const { labels, annotations, ownerReferences } = metadata
  return {
    ...slice,
    metadata: { ...kept, labels: { ...labels }, ...(annotations && { annotations: { ...annotations } }), ownerReferences },
    ports: [...ports],
    endpoints: [...endpoints],
  }
}
