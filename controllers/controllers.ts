import type { AnyKind } from '../api/kind.ts'
import type { Controller } from '../client/controller.ts'
import { deployment } from './deployment/controller.ts'
import { garbageCollector } from './garbage-collector/controller.ts'
import { namespace } from './namespace/controller.ts'
import { replicaSet } from './replicaset/controller.ts'
import { rootCaPublisher } from './service-account/root-ca-publisher.ts'
import { serviceAccount } from './service-account/service-account.ts'

export interface ControllerOptions {
  /** Every kind that is served: what the garbage collector follows and a namespace may contain. */
  kinds: readonly AnyKind[]
  /** The cluster's certificate authority, PEM. */
  ca: string
}

/** Every controller there is. */
export function controllers({ kinds, ca }: ControllerOptions): readonly Controller[] {
  return [deployment, replicaSet, garbageCollector(kinds), namespace(kinds), serviceAccount, rootCaPublisher(ca)]
}
