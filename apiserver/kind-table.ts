import type { AnyKind } from '../api/kind.ts'

/** The kinds that are served, by where they are served. They come and go: custom resources are kinds like all others. */
export interface KindTable {
  readonly all: readonly AnyKind[]
  /** Rises with every change, for those who keep something made from `all`. */
  readonly version: number
  byResource(group: string, version: string, resource: string): AnyKind | undefined
  byKind(group: string, version: string, kind: string): AnyKind | undefined
  /** Serves these kinds in the place of those that the same source gave before. */
  serve(source: string, kinds: readonly AnyKind[]): void
  /** Calls back after every change; answers how to stop that. */
  onChange(listener: () => void): () => void
}

/** A table that starts with the kinds that are always there. */
export function kindTable(builtIn: readonly AnyKind[]): KindTable {
  const bySource = new Map([['', builtIn]])
  const listeners = new Set<() => void>()
  let version = 0
  let all = builtIn
  let byResource = index(all, kind => kind.plural)
  let byKind = index(all, kind => kind.kind)

  return {
    get all() {
      return all
    },
    get version() {
      return version
    },
    byResource: (group, version, resource) => byResource.get(`${group}/${version}/${resource}`),
    byKind: (group, version, kind) => byKind.get(`${group}/${version}/${kind}`),
    serve(source, kinds) {
      bySource.set(source, kinds)
      all = [...bySource.values()].flat()
      byResource = index(all, kind => kind.plural)
      byKind = index(all, kind => kind.kind)
      version++
      for (const listener of listeners) listener()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** Who comes first keeps a place that two ask for. */
function index(kinds: readonly AnyKind[], nameOf: (kind: AnyKind) => string): Map<string, AnyKind> {
  return new Map(kinds.toReversed().map(kind => [`${kind.group}/${kind.version}/${nameOf(kind)}`, kind]))
}
