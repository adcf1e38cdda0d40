import type { Event } from '../../api/core/event.ts'
import type { CallOptions } from '../../api/transport.ts'

/** What a description may look at beside the object itself. */
export interface Around {
  readonly now: number
  /** Undefined: they are not wanted, or may not be read. */
  readonly events: readonly Event[] | undefined
  /** Objects of another resource (`pods`, `replicasets.apps`), in the namespace if one is given. */
  list<T>(resource: string, namespace: string | undefined, options?: CallOptions): Promise<readonly T[]>
  get<T>(resource: string, namespace: string | undefined, name: string): Promise<T>
}

/** Describes one object. */
export type Describer<T> = (object: T, around: Around) => string | Promise<string>
