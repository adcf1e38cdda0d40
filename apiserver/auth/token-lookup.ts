import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { ignore } from '../../api/errors.ts'
import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Handle } from '../request.ts'

/** Finds the uid of what exists and is not being deleted (any longer ago than a minute); `claimed` is what the token says. */
export interface TokenLookup {
  serviceAccountUid(namespace: string, name: string, claimed: string): MaybePromise<string | undefined>
  podUid(namespace: string, name: string, claimed: string): MaybePromise<string | undefined>
  nodeUid(name: string): MaybePromise<string | undefined>
  secretUid(namespace: string, name: string): MaybePromise<string | undefined>
  /** What a Secret of type kubernetes.io/service-account-token holds as its token, unless it is marked invalid. */
  secretToken(namespace: string, name: string): Promise<string | undefined>
}

type MaybePromise<T> = T | Promise<T>

/** Reads one object as it is in the store; undefined if there is none. */
export type Read = <K extends AnyKind>(kind: K, name: string, namespace?: string) => Promise<ObjectOf<K> | undefined>

/** Reads in the name of the server itself. */
export const reader =
  (handle: Handle): Read =>
  <K extends AnyKind>(kind: K, name: string, namespace?: string) =>
    handle({
      group: kind.group,
      version: kind.version,
      resource: kind.plural,
      name,
      ...(namespace !== undefined && { namespace }),
      verb: 'get',
      user: users.apiServer,
    }).then(response => (response.type === 'object' ? (response.object as ObjectOf<K>) : undefined), ignore('NotFound'))

export interface TokenLookupOptions {
  readonly get: Read
  readonly clock: Clock
  /** By `namespace/name`; may be a moment old: what does not fit is looked at again. */
  readonly followed: {
    readonly accounts: ReadonlyMap<string, KubeObject>
    readonly pods: ReadonlyMap<string, KubeObject>
  }
}

/** The label on Secrets whose tokens were not used for a year. */
const invalidSince = 'kubernetes.io/legacy-token-invalid-since'
/** What is being deleted goes on counting for so long (pkg/serviceaccount/claims.go). */
const leewayInMs = 60_000

/** Finds the objects that tokens speak of, as long as they are alive. */
export function tokenLookup({ get, clock, followed: { accounts, pods } }: TokenLookupOptions): TokenLookup {
  const alive = (object: KubeObject | undefined) =>
    object && (!object.metadata.deletionTimestamp || Date.parse(object.metadata.deletionTimestamp) + leewayInMs > clock.now())
      ? object.metadata.uid
      : undefined
  return {
    serviceAccountUid: (namespace, name, claimed) =>
      alive(accounts.get(`${namespace}/${name}`)) === claimed ? claimed : get(ServiceAccount, name, namespace).then(alive),
    podUid: (namespace, name, claimed) =>
      alive(pods.get(`${namespace}/${name}`)) === claimed ? claimed : get(Pod, name, namespace).then(alive),
    nodeUid: async name => alive(await get(Node, name)),
    secretUid: async (namespace, name) => alive(await get(Secret, name, namespace)),
    async secretToken(namespace, name) {
      const secret = await get(Secret, name, namespace)
      if (!secret || secret.metadata.deletionTimestamp || secret.metadata.labels?.[invalidSince]) return undefined
      return Buffer.from(secret.data?.token ?? '', 'base64').toString()
    },
  }
}
