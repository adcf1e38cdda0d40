import type { Clock } from '../lib/clock.ts'
import type { KindCache, StoredTree } from './kind-cache.ts'
import type { Stored } from './request.ts'
import type { Selection } from './selection.ts'
import { visitInSlices } from './slices.ts'

/**
 * The smallest set that is sure to hold every match of a selection, in key order, as of now: later changes do not show in it.
 * Call `prepareIndex` before.
 */
export function candidates(known: KindCache, { prefix, trigger }: Selection, after = ''): Iterable<[string, Stored]> {
  if (!trigger) return under(known.objects.clone(), prefix, after)
  if (trigger.field === 'metadata.name') return named(known.objects.clone(), prefix, after, trigger.value)
  return known.keysBy(trigger).flatMap(key => {
    const object = key > after && key.startsWith(prefix) ? known.objects.get(key) : undefined
    return object ? [[key, object] as [string, Stored]] : []
  })
}

/** Building an index decodes every object, so that is done in slices first. */
export async function prepareIndex(known: KindCache, { trigger }: Selection, clock: Clock): Promise<void> {
  if (!trigger || trigger.field === 'metadata.name' || known.hasIndex(trigger.field)) return
  const held: unknown[] = [] // keeps everything decoded until the index is built
  await visitInSlices(known.objects.clone().values(), clock, item => held.push(item.object))
  known.keysBy(trigger)
}

/** The part of a tree under a prefix and after a key. */
function* under(objects: StoredTree, prefix: string, after: string): Iterable<[string, Stored]> {
  for (const entry of objects.entries(after > prefix ? after : prefix)) {
    if (!entry[0].startsWith(prefix)) return
    if (entry[0] !== after) yield entry
  }
}

/** With the whole key known, one lookup; across namespaces, whatever ends in the name. */
function* named(objects: StoredTree, prefix: string, after: string, name: string): Iterable<[string, Stored]> {
  const exact = objects.get(prefix + name)
  if (exact) {
    if (prefix + name > after) yield [prefix + name, exact]
    return
  }
  for (const entry of under(objects, prefix, after)) if (entry[0].endsWith(`/${name}`)) yield entry
}
