import type { ScopeRequirement } from '../core/resource-quota.ts'
import type { KubeObject } from '../transport.ts'
import type { Amounts } from './amounts.ts'

/** A write, as far as it matters to a quota. */
export interface CountedWrite<T = KubeObject> {
  readonly operation: 'CREATE' | 'UPDATE'
  readonly subresource: string | undefined
  readonly object: T
  /** Of an update: what was before. */
  readonly old: T | undefined
}

/** What the objects of a kind count for. */
export interface Evaluator<T = KubeObject> {
  /** Whether it has figures for a resource that a quota names so. */
  readonly counts: (name: string) => boolean
  /** `now` in milliseconds. */
  readonly usage: (object: T, now: number) => Amounts
  /** Whether a scope is about the object. */
  readonly fits: (requirement: ScopeRequirement, object: T) => boolean
  /** Whether a write can change what is used. */
  readonly handles: (write: CountedWrite<T>) => boolean
  /** What an object must say so that these resources can be counted; undefined: nothing is missing. */
  readonly missing?: (required: readonly string[], object: T) => string | undefined
}

/** Whether one of a scope's operators holds for what an object has. */
export function holds({ operator, values = [] }: ScopeRequirement, present: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return present.length > 0
    case 'DoesNotExist':
      return present.length === 0
    case 'In':
      return present.some(each => values.includes(each))
    case 'NotIn':
      return present.length === 0 || present.some(each => !values.includes(each))
    default:
      return false
  }
}
