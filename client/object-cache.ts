import { keyOf } from '../api/keys.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Lister } from './informer.ts'

type Values<T> = (object: T) => readonly string[]

/** Objects by key, and by whatever index functions file them under. What is put in is shared, never copied. */
export interface ObjectCache<T extends KubeObject> extends Lister<T> {
  isSynced: boolean
  /** Puts an object in the place of the one with its key. Answers that one. */
  set(object: T): T | undefined
  /** Answers what was removed. */
  remove(key: string): T | undefined
  index(name: string, values: Values<T>): void
  keys(): IterableIterator<string>
}

const noValues: readonly never[] = []
const byNamespace = <T extends KubeObject>(object: T) => [object.metadata.namespace ?? '']

export function objectCache<T extends KubeObject>(): ObjectCache<T> {
  const objects = new Map<string, T>()
  const indexes = new Map<string, { values: Values<T>; filed: Map<string, Map<string, T>> }>()
  let everything: readonly T[] | undefined

  const file = (key: string, object: T, { values, filed }: { values: Values<T>; filed: Map<string, Map<string, T>> }) => {
    for (const value of values(object)) {
      const drawer = filed.get(value)
      if (drawer) drawer.set(key, object)
      else filed.set(value, new Map([[key, object]]))
    }
  }
  const unfile = (key: string, object: T) => {
    for (const { values, filed } of indexes.values()) {
      for (const value of values(object)) {
        const drawer = filed.get(value)
        drawer?.delete(key)
        if (drawer?.size === 0) filed.delete(value)
      }
    }
  }

  const cache: ObjectCache<T> = {
    isSynced: false,
    set(object) {
      const key = keyOf(object)
      const previous = objects.get(key)
      if (previous) unfile(key, previous)
      objects.set(key, object)
      for (const index of indexes.values()) file(key, object, index)
      everything = undefined
      return previous
    },
    remove(key) {
      const previous = objects.get(key)
      if (!previous) return undefined
      objects.delete(key)
      unfile(key, previous)
      everything = undefined
      return previous
    },
    index(name, values) {
      if (indexes.get(name)?.values === values) return
      const index = { values, filed: new Map<string, Map<string, T>>() }
      for (const [key, object] of objects) file(key, object, index)
      indexes.set(name, index)
    },
    get: key => objects.get(key),
    keys: () => objects.keys(),
    list(namespace) {
      if (namespace !== undefined) return cache.by('namespace', namespace)
      everything ??= [...objects.values()]
      return everything
    },
    by(name, value) {
      const index = indexes.get(name)
      if (!index) throw new Error(`there is no index "${name}"`)
      const drawer = index.filed.get(value)
      return drawer ? [...drawer.values()] : noValues
    },
    get size() {
      return objects.size
    },
  }
  cache.index('namespace', byNamespace)
  return cache
}
