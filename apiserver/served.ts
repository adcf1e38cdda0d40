import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { encode, stored } from './codec.ts'
import type { Stored } from './request.ts'

/**
 * Objects in the version in which their kind is served, which may be another one than they are kept in (`storedAs`). Made once for
 * the bytes that are kept, and shared by everyone, like these.
 */
type ServedView = WeakMap<Uint8Array, Stored>

const views = new WeakMap<object, ServedView>()
/** What the store holds, of those that are shown in another version. */
const origins = new WeakMap<Uint8Array, Stored>()

/** A stored object in the version that is served; a promise only if somebody has to be asked for it. */
export function served(kind: AnyKind, raw: Stored): Stored | Promise<Stored> {
  const { storedAs } = kind
  if (!storedAs) return raw
  const known = viewOf(storedAs).get(raw.bytes)
  if (known) return withRevision(known, raw)
  const object = storedAs.fromStored(raw.object)
  return object instanceof Promise ? object.then(made => remember(storedAs, raw, made)) : remember(storedAs, raw, object)
}

/** As `served`, if that can be said without asking anybody. */
export function servedNow(kind: AnyKind, raw: Stored): Stored | undefined {
  const { storedAs } = kind
  if (!storedAs) return raw
  const known = viewOf(storedAs).get(raw.bytes)
  if (known) return withRevision(known, raw)
  return storedAs.asks?.(raw.object) ? undefined : (served(kind, raw) as Stored)
}

/** As `served`, for many; whoever has to be asked is asked once. */
export async function allServed(kind: AnyKind, raws: readonly Stored[]): Promise<readonly Stored[]> {
  const { storedAs } = kind
  if (!storedAs) return raws
  const unknown = storedAs.allFromStored ? raws.filter(raw => servedNow(kind, raw) === undefined) : []
  const made = (await storedAs.allFromStored?.(unknown.map(({ object }) => object))) ?? []
  for (const [at, raw] of unknown.entries()) remember(storedAs, raw, made[at] ?? raw.object)
  const all: Stored[] = []
  for (const raw of raws) {
    const one = served(kind, raw)
    all.push(one instanceof Promise ? await one : one)
  }
  return all
}

function viewOf(storedAs: object): ServedView {
  let view = views.get(storedAs)
  if (!view) views.set(storedAs, (view = new WeakMap()))
  return view
}

function remember(storedAs: object, raw: Stored, object: object): Stored {
  const made = object === raw.object ? raw : stored(encode(object as KubeObject), raw.revision)
  viewOf(storedAs).set(raw.bytes, made)
  if (made !== raw) origins.set(made.bytes, raw)
  return made
}

/** Equal bytes may stand under different revisions for those who only know the bytes (frames). */
const withRevision = (known: Stored, { revision }: Stored) =>
  known.revision === revision ? known : stored(known.bytes, revision)

/** What the store holds, of an object as it is served. */
export const originOf = (shown: Stored): Stored => origins.get(shown.bytes) ?? shown

/** Whether an object is not kept in the version in which it would be written now: a write that changes nothing moves it there. */
export function isOutdated({ storedAs }: AnyKind, shown: Stored): boolean {
  return storedAs !== undefined && originOf(shown).object.apiVersion !== apiVersionOf(storedAs.kind)
}
