import { Node } from '../../api/core/node.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { ignore } from '../../api/errors.ts'
import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { Role } from '../../api/rbac/role.ts'
import { RoleBinding } from '../../api/rbac/role-binding.ts'
import type { KubeObject } from '../../api/transport.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Random } from '../../lib/random.ts'
import { type Run, runAll } from '../../lib/run.ts'
import type { AdmissionStep } from '../admission.ts'
import type { Provider } from '../pipeline.ts'
import type { IssueToken } from '../subresources.ts'
import { authAdmission } from './admission.ts'
import { type Authenticator, authenticator, type StaticToken } from './authenticator.ts'
import { type Authorizer, authorizeOrThrow, createAuthorizer } from './authorizer.ts'
import { bootstrapPolicy } from './bootstrap-policy.ts'
import { type Followed, type FollowOptions, followed, serverUser } from './followed.ts'
import { type NodePods, nodeAuthorizer } from './node-authorizer.ts'
import { accessReviews } from './reviews.ts'
import type { RbacSource } from './rules.ts'
import { tokenRequests } from './token-request.ts'
import { type ServiceAccountTokens, serviceAccountTokens, type TokenLookup } from './tokens.ts'

export interface AccessControlOptions extends FollowOptions {
  readonly random: Random
  /** PEM of the key that signs service account tokens. */
  readonly serviceAccountKey: string
  readonly staticTokens?: readonly StaticToken[]
}

/** Authentication and authorization for one API server, fed from its own objects. */
export interface AccessControl {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly tokens: ServiceAccountTokens
  /** For the pipeline: `authorize`, further `admission` steps, and `issueToken`. */
  readonly authorize: ReturnType<typeof authorizeOrThrow>
  readonly admission: readonly AdmissionStep[]
  readonly issueToken: IssueToken
  /** Access and token reviews, for the pipeline. */
  readonly reviews: readonly Provider[]
  /** Writes the default roles and bindings, then follows everything that decisions depend on. */
  readonly run: Run
  /** Resolves when the default policy is there and known: before that only system:masters may do anything. */
  readonly ready: Promise<void>
}

/** `handle` may be a pipeline that is made later: it is first called by `run`. */
export function accessControl(options: AccessControlOptions): AccessControl {
  const { clock, random, serviceAccountKey, staticTokens, handle } = options
  const policy = followPolicy(options)
  const pods = followPods(options)
  const accounts = followed(ServiceAccount, options)
  const claims = followed(PersistentVolumeClaim, options)

  const authorizer = createAuthorizer({
    source: policy.source,
    nodes: nodeAuthorizer({
      ...pods.nodePods,
      volumeOf: (namespace, name) => claims.byKey.get(`${namespace}/${name}`)?.spec.volumeName,
    }),
  })
  const get = <K extends AnyKind>(kind: K, name: string, namespace?: string): Promise<ObjectOf<K> | undefined> =>
    handle({
      group: kind.group,
      version: kind.version,
      resource: kind.plural,
      name,
      ...(namespace !== undefined && { namespace }),
      verb: 'get',
      user: serverUser,
    }).then(response => (response.type === 'object' ? (response.object as ObjectOf<K>) : undefined), ignore('NotFound'))

  const alive = (object: KubeObject | undefined) =>
    object && (!object.metadata.deletionTimestamp || Date.parse(object.metadata.deletionTimestamp) + 60_000 > clock.now())
      ? object.metadata.uid
      : undefined
  const lookup: TokenLookup = {
    serviceAccountUid: (namespace, name) => alive(accounts.byKey.get(`${namespace}/${name}`)),
    podUid: (namespace, name) => alive(pods.objects.byKey.get(`${namespace}/${name}`)),
    secretUid: async (namespace, name) => alive(await get(Secret, name, namespace)),
  }
  const tokens = serviceAccountTokens({ key: serviceAccountKey, clock, random, lookup })
  const objects = {
    pod: (namespace: string, name: string) => get(Pod, name, namespace),
    node: (name: string) => get(Node, name),
    secret: (namespace: string, name: string) => get(Secret, name, namespace),
  }
  const parts = [...policy.parts, pods.objects, accounts, claims]
  const runs = parts.map(({ name, run }) => [name, run] as const)
  const ready = deferred()
  return {
    authenticator: authenticator({ tokens, staticTokens }),
    authorizer,
    tokens,
    authorize: authorizeOrThrow(authorizer),
    admission: authAdmission(authorizer),
    issueToken: tokenRequests({ tokens, objects }),
    reviews: accessReviews({ authorizer, tokens }),
    ready: ready.promise,
    async run(signal) {
      await bootstrapPolicy({ handle, signal })
      void Promise.all(parts.map(part => part.synced)).then(() => ready.resolve())
      await runAll(runs, signal)
    },
  }
}

function followPolicy(options: FollowOptions): { source: RbacSource; parts: readonly Followed[] } {
  const clusterRoles = followed(ClusterRole, options)
  const clusterRoleBindings = followed(ClusterRoleBinding, options)
  const roles = followed(Role, options)
  const roleBindings = followed(RoleBinding, options)
  const source: RbacSource = {
    clusterRoles: () => [...clusterRoles.byKey.values()],
    clusterRoleBindings: () => [...clusterRoleBindings.byKey.values()],
    roles: () => [...roles.byKey.values()],
    roleBindings: () => [...roleBindings.byKey.values()],
    version: () => clusterRoles.version + clusterRoleBindings.version + roles.version + roleBindings.version,
  }
  return { source, parts: [clusterRoles, clusterRoleBindings, roles, roleBindings] }
}

function followPods(options: FollowOptions): { objects: Followed<Pod>; nodePods: Omit<NodePods, 'volumeOf'> } {
  const byNode = new Map<string, Map<string, Pod>>()
  const objects = followed(Pod, options, (key, now, before) => {
    const node = now?.spec.nodeName
    if (before?.spec.nodeName && before.spec.nodeName !== node) byNode.get(before.spec.nodeName)?.delete(key)
    if (!before?.spec.nodeName && !node) return
    if (!now || !node) return void byNode.get(before?.spec.nodeName ?? '')?.delete(key)
    let pods = byNode.get(node)
    if (!pods) byNode.set(node, (pods = new Map()))
    pods.set(key, now)
  })
  const nodePods = {
    podsOn: (nodeName: string) => byNode.get(nodeName)?.values() ?? [],
    nodeOf: (namespace: string, name: string) => objects.byKey.get(`${namespace}/${name}`)?.spec.nodeName,
  }
  return { objects, nodePods }
}
