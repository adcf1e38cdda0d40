import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { type Endpoint, endpointKey, sameEndpoint } from '../shared/slices.ts'

/** How endpoints come to be in slices of the same ports. */
export interface Packing {
  /** The content of new slices. */
  readonly create: readonly (readonly Endpoint[])[]
  /** Slices whose content changes. */
  readonly update: ReadonlyMap<EndpointSlice, readonly Endpoint[]>
  /** Slices that lost all they had. */
  readonly remove: readonly EndpointSlice[]
  readonly unchanged: readonly EndpointSlice[]
}

/**
 * Fits endpoints into slices so that few slices change (k8s.io/endpointslice/reconciler.go reconcileByPortMapping): each stays where it
 * is; new ones fill the slices that change anyway, fullest first; if the rest fits whole into one other slice, the one that it fills
 * best takes it; what is left gets new slices. Nothing is ever moved. `wanted` is used up.
 */
export function pack(slices: readonly EndpointSlice[], wanted: Map<string, Endpoint>, most: number): Packing {
  const update = new Map<EndpointSlice, Endpoint[]>()
  const unchanged = new Set<EndpointSlice>()
  const remove: EndpointSlice[] = []
  for (const slice of slices) {
    const { kept, isChanged } = keep(slice, wanted)
    if (!isChanged) unchanged.add(slice)
    else if (kept.length === 0) remove.push(slice)
    else update.set(slice, kept)
  }
  const fill = (endpoints: Endpoint[]) => {
    for (const [key, endpoint] of wanted) {
      if (endpoints.length >= most) break
      endpoints.push(endpoint)
      wanted.delete(key)
    }
  }
  for (const endpoints of [...update.values()].sort((a, b) => b.length - a.length)) fill(endpoints)
  const create: Endpoint[][] = []
  while (wanted.size > 0) {
    const roomy = wanted.size < most ? bestFit(unchanged, wanted.size, most) : undefined
    const endpoints = roomy ? [...roomy.endpoints] : []
    fill(endpoints)
    if (roomy) {
      unchanged.delete(roomy)
      update.set(roomy, endpoints)
    } else create.push(endpoints)
  }
  return { create, update, remove, unchanged: [...unchanged] }
}

/** What of a slice is still wanted, as it is to be now; that is no longer looked for. */
function keep(slice: EndpointSlice, wanted: Map<string, Endpoint>): { kept: Endpoint[]; isChanged: boolean } {
  const kept: Endpoint[] = []
  let isChanged = false
  for (const endpoint of slice.endpoints) {
    const key = endpointKey(endpoint)
    const found = wanted.get(key)
    if (!found) {
      isChanged = true
      continue
    }
    wanted.delete(key)
    kept.push(found)
    if (!sameEndpoint(found, endpoint)) isChanged = true
  }
  return { kept, isChanged }
}

/** The slice that has least room left when it has taken so many more. */
function bestFit(slices: Iterable<EndpointSlice>, count: number, most: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined
  let least = most
  for (const slice of slices) {
    const room = most - slice.endpoints.length - count
    if (room < 0 || room >= least) continue
    best = slice
    least = room
  }
  return best
}
