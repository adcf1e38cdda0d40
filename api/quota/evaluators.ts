import { ConfigMap } from '../core/config-map.ts'
import { PersistentVolumeClaim } from '../core/persistent-volume-claim.ts'
import { Pod } from '../core/pod.ts'
import { ReplicationController } from '../core/replication-controller.ts'
import { ResourceQuota, type ResourceQuotaSpec, type ResourceQuotaStatus, scopesOf } from '../core/resource-quota.ts'
import { Secret } from '../core/secret.ts'
import { Service } from '../core/service.ts'
import type { AnyKind } from '../kind.ts'
import { quantityOf } from '../quantity.ts'
import type { KubeObject } from '../transport.ts'
import { claimEvaluator } from './claim-usage.ts'
import type { Evaluator } from './evaluator.ts'
import { podEvaluator } from './pod-usage.ts'
import { serviceEvaluator } from './service-usage.ts'

const known = new Map<AnyKind, Evaluator>([
  [Pod, podEvaluator as unknown as Evaluator],
  [Service, serviceEvaluator as unknown as Evaluator],
  [PersistentVolumeClaim, claimEvaluator as unknown as Evaluator],
])
/** Kinds that were counted by their plain name before there was `count/`. */
const aliased: ReadonlySet<AnyKind> = new Set([ConfigMap, ResourceQuota, ReplicationController, Secret])
const made = new WeakMap<AnyKind, Evaluator>()

/** What the objects of a kind count for; most are just counted. */
export function evaluatorOf(kind: AnyKind): Evaluator {
  const evaluator = known.get(kind) ?? made.get(kind)
  if (evaluator) return evaluator
  const fresh = counter(kind)
  made.set(kind, fresh)
  return fresh
}

/** `count/pods`, `count/deployments.apps`. */
const countName = ({ group, plural }: AnyKind): string => `count/${plural}${group && `.${group}`}`

function counter(kind: AnyKind): Evaluator {
  const names = aliased.has(kind) ? [countName(kind), kind.plural] : [countName(kind)]
  const usage = Object.fromEntries(names.map(name => [name, quantityOf(1)]))
  return {
    counts: name => names.includes(name),
    usage: () => usage,
    fits: () => false,
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === undefined,
  }
}

interface Quota {
  readonly spec: ResourceQuotaSpec
  readonly status: ResourceQuotaStatus
}

/** Whether an object is among what a quota counts: it has figures for one of these resources, and is in every scope. */
export function covers(
  { spec }: Pick<Quota, 'spec'>,
  hard: readonly string[],
  evaluator: Evaluator,
  object: KubeObject,
): boolean {
  return hard.some(evaluator.counts) && scopesOf(spec).every(scope => evaluator.fits(scope, object))
}
