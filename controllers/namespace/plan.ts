import type { Namespace } from '../../api/core/namespace.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { isFinished } from '../shared/pod-state.ts'

/** What is still in a namespace after everything in it was deleted. */
export interface Leftovers {
  /** How many objects, by `plural.group`. */
  readonly remaining: Map<string, number>
  /** How many objects each finalizer holds. */
  readonly finalizers: Map<string, number>
  readonly errors: unknown[]
  /** What is there although nothing says why: told to the user, and looked at again. */
  readonly unexplained: string[]
  /** How many seconds it may take until they are gone. */
  estimateInSeconds: number
  /** Objects of a kind that are still there. */
  add(kind: AnyKind, objects: readonly KubeObject[]): void
}

/** What a kind is called among what remains. Upstream prints the dot of the core group, too. */
export const keyOfKind = ({ plural, group }: AnyKind): string => `${plural}.${group}`

/** How long finalizers are expected to take, for want of anything better. */
const finalizerEstimateInSeconds = 15

/** In a namespace that was deleted so long ago (pkg/controller/namespace/deletion, deleteAllContentForGroupVersionResource). */
export function noLeftovers(namespace: string, deletedMsAgo: number): Leftovers {
  const leftovers: Leftovers = {
    remaining: new Map(),
    finalizers: new Map(),
    errors: [],
    unexplained: [],
    estimateInSeconds: 0,
    add(kind, objects) {
      if (objects.length === 0) return
      leftovers.remaining.set(keyOfKind(kind), objects.length)
      const held = new Map<string, number>()
      for (const { metadata } of objects) for (const name of metadata.finalizers ?? []) held.set(name, (held.get(name) ?? 0) + 1)
      for (const [name, count] of held) leftovers.finalizers.set(name, (leftovers.finalizers.get(name) ?? 0) + count)
      const grace = kind.kind === 'Pod' && kind.group === '' ? longestGrace(objects as readonly Pod[]) : 0
      // Grace that is over explains nothing.
      const left = deletedMsAgo < grace * 1000 ? grace : 0
      if (left === 0 && held.size === 0) {
        const resource = `${kind.group}/${kind.version}, Resource=${kind.plural}`
        leftovers.unexplained.push(`unexpected items still remain in namespace: ${namespace} for gvr: ${resource}`)
      }
      leftovers.estimateInSeconds = Math.max(
        leftovers.estimateInSeconds,
        left || (held.size > 0 ? finalizerEstimateInSeconds : 0),
      )
    },
  }
  return leftovers
}

function longestGrace(pods: readonly Pod[]): number {
  return pods.reduce((most, pod) => (isFinished(pod) ? most : Math.max(most, pod.spec.terminationGracePeriodSeconds ?? 0)), 0)
}

/** When to look again: half the estimate and a second later (pkg/controller/namespace, worker). */
export function retryInMs({ estimateInSeconds }: Leftovers): number {
  return (Math.trunc(estimateInSeconds / 2) + 1) * 1000
}

type Conditions = NonNullable<Namespace['status']['conditions']>
type Condition = Conditions[number]

/** How the deletion goes, in the words of pkg/controller/namespace/deletion/status_condition_utils.go. */
export function conditionsOf(
  known: Conditions,
  { remaining, finalizers, errors, unexplained }: Leftovers,
  now: number,
): Conditions {
  const failures = [...errors.map(textOf), ...unexplained]
  const counts = (map: ReadonlyMap<string, number>, verb: string) =>
    [...map]
      .map(([name, count]) => `${name} ${verb} ${count} resource instances`)
      .sort()
      .join(', ')
  const told: Omit<Condition, 'lastTransitionTime'>[] = [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    failures.length > 0
      ? {
          type: 'NamespaceDeletionContentFailure',
          status: 'True',
          reason: 'ContentDeletionFailed',
          message: `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`,
        }
      : {
          type: 'NamespaceDeletionContentFailure',
          status: 'False',
          reason: 'ContentDeleted',
          message: 'All content successfully deleted, may be waiting on finalization',
        },
    remaining.size > 0
      ? {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${counts(remaining, 'has')}`,
        }
      : {
          type: 'NamespaceContentRemaining',
          status: 'False',
          reason: 'ContentRemoved',
          message: 'All content successfully removed',
        },
    finalizers.size > 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${counts(finalizers, 'in')}`,
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        },
  ]
  return told.map(condition => {
    const before = known.find(each => each.type === condition.type)
    const isSame = before?.status === condition.status
    return { ...condition, lastTransitionTime: isSame ? before.lastTransitionTime : timestamp(now) }
  })
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
