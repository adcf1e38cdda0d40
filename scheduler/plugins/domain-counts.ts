import type { NodeInfo } from '../node-info.ts'

/** How many pods match in each domain, with what-if changes kept beside what was counted. */
export interface DomainCounts {
  readonly topologyKey: string
  at(node: NodeInfo): number
  change(node: NodeInfo, by: number): void
  /** Whether any domain has one. */
  isAnywhere(): boolean
  copy(): DomainCounts
}

export function domainCounts(
  topologyKey: string,
  counted: ReadonlyMap<string, number>,
  changes: Map<string, number> = new Map(),
): DomainCounts {
  let anywhere: boolean | undefined
  return {
    topologyKey,
    at({ labels }) {
      const domain = labels[topologyKey]
      return domain === undefined ? 0 : (counted.get(domain) ?? 0) + (changes.get(domain) ?? 0)
    },
    change({ labels }, by) {
      const domain = labels[topologyKey]
      if (domain !== undefined) changes.set(domain, (changes.get(domain) ?? 0) + by)
      anywhere = undefined
    },
    isAnywhere() {
      anywhere ??= [...counted].some(([domain, count]) => count + (changes.get(domain) ?? 0) > 0)
      return anywhere
    },
    copy: () => domainCounts(topologyKey, counted, new Map(changes)),
  }
}
