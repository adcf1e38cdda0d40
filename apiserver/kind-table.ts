import type { AnyKind } from '../api/kind.ts'

/** The kinds that are served, by where they are served. */
export interface KindTable {
  readonly all: readonly AnyKind[]
  byResource(group: string, version: string, resource: string): AnyKind | undefined
}

export function kindTable(kinds: readonly AnyKind[]): KindTable {
  const byPath = new Map(kinds.map(kind => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
  return { all: kinds, byResource: (group, version, resource) => byPath.get(`${group}/${version}/${resource}`) }
}
