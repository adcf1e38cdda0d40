import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { InputOf } from '../../api/kind.ts'
import { claimName } from './names.ts'
import { claimOwners, type Holder, isUpToDate } from './retention.ts'

/** What a set knows of claims: by name, in its own namespace. */
export type ClaimLookup = (name: string) => PersistentVolumeClaim | undefined

/** The names of the claims of a set's pod. */
export function claimNames(set: StatefulSet, ordinal: number): string[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => claimName(set, metadata.name ?? '', ordinal))
}

/** The claims of a pod as they are made: with the labels of the selector, and owned as the set's retention policy wants. */
export function claimsOf(
  set: StatefulSet,
  holder: Holder,
): (InputOf<typeof PersistentVolumeClaim> & { metadata: { name: string } })[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const { annotations, finalizers, labels, name = '' } = metadata
    const ownerReferences = claimOwners(set, holder, [])
    return {
      metadata: {
        name: claimName(set, name, holder.ordinal),
        namespace: set.metadata.namespace,
        labels: { ...labels, ...set.spec.selector.matchLabels },
        ...(annotations && { annotations }),
        ...(finalizers && { finalizers }),
        ...(ownerReferences.length > 0 && { ownerReferences }),
      },
      spec,
    }
  })
}

/** Whether anything must be done for the claims of a pod that waits for them: one is missing, on its way out, or owned wrongly. */
export function claimsNeedWork(set: StatefulSet, holder: Holder, claimOf: ClaimLookup): boolean {
  return claimNames(set, holder.ordinal).some(name => {
    const claim = claimOf(name)
    return !claim || claim.metadata.deletionTimestamp !== undefined || !isUpToDate(claim, set, holder)
  })
}

/** Whether the claims there are belong to whom the retention policy says. */
export function claimsAreOwnedRightly(set: StatefulSet, holder: Holder, claimOf: ClaimLookup): boolean {
  return claimNames(set, holder.ordinal).every(name => {
    const claim = claimOf(name)
    return !claim || isUpToDate(claim, set, holder)
  })
}
