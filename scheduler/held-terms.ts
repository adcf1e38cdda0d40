import type { NodeInfo } from './node-info.ts'
import type { PodInfo, PodTerms } from './pod-info.ts'
import type { PodTerm } from './pod-terms.ts'
import type { Tallies, Tally } from './tallies.ts'

export type TermRole = keyof PodTerms

/** A term that pods with a place have; the pods of one controller all have the same. */
export interface HeldTerm {
  readonly role: TermRole
  readonly term: PodTerm
  /** How many pods have it, by node and domain. */
  tally(): Tally
}

/** The different terms that placed pods have: as good as asking every pod, and a thousand times less. */
export interface HeldTerms {
  values(role: TermRole): Iterable<HeldTerm>
  readonly size: number
  /** A node's pods changed, or the node came or went. */
  update(before: NodeInfo | undefined, after: NodeInfo | undefined): void
}

const roles: readonly TermRole[] = ['affinity', 'antiAffinity', 'preferred', 'preferredAnti']

export function heldTerms(tallies: Tallies): HeldTerms {
  const held: Record<TermRole, Map<string, HeldTerm & { holders: number }>> = {
    affinity: new Map(),
    antiAffinity: new Map(),
    preferred: new Map(),
    preferredAnti: new Map(),
  }
  const count = ({ terms }: PodInfo, by: 1 | -1) => {
    if (!terms) return
    for (const role of roles)
      for (const term of terms[role]) {
        let known = held[role].get(term.key)
        if (!known) {
          known = {
            role,
            term,
            holders: 0,
            tally: () => tallies.of(`held ${role} ${term.key}`, pod => timesHeld(pod, role, term.key)),
          }
          held[role].set(term.key, known)
        }
        known.holders += by
        if (known.holders === 0) held[role].delete(term.key)
      }
  }
  return {
    values: role => held[role].values(),
    get size() {
      return roles.reduce((sum, role) => sum + held[role].size, 0)
    },
    update(before, after) {
      if (before?.withAffinity === after?.withAffinity) return
      for (const pod of after?.withAffinity ?? []) count(pod, 1)
      for (const pod of before?.withAffinity ?? []) count(pod, -1)
    },
  }
}

function timesHeld({ terms }: PodInfo, role: TermRole, key: string): number {
  let times = 0
  for (const term of terms?.[role] ?? []) if (term.key === key) times++
  return times
}
