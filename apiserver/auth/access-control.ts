import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { Role } from '../../api/rbac/role.ts'
import { RoleBinding } from '../../api/rbac/role-binding.ts'
import { ResourceSlice } from '../../api/resource/resource-slice.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Random } from '../../lib/random.ts'
import { aborted, type Run, runAll } from '../../lib/run.ts'
import type { AdmissionStep } from '../admission.ts'
import { type Followed, type FollowOptions, followed } from '../followed.ts'
import type { Provider } from '../pipeline.ts'
import type { IssueToken } from '../subresources.ts'
import { authAdmission } from './admission.ts'
import { type Authenticator, authenticator, type StaticToken } from './authenticator.ts'
import { type Authorizer, authorizeOrThrow, createAuthorizer } from './authorizer.ts'
import { bootstrapNamespacedPolicy, bootstrapPolicy } from './bootstrap-policy.ts'
import { bootstrapUser } from './bootstrap-tokens.ts'
import { type NodePods, nodeAuthorizer } from './node-authorizer.ts'
import { accessReviews } from './reviews.ts'
import type { RbacSource } from './rules.ts'
import { driverAudiences, volumeNeedsSecret } from './storage-drivers.ts'
import { reader, tokenLookup } from './token-lookup.ts'
import { tokenRequests } from './token-request.ts'
import { type ServiceAccountTokens, serviceAccountTokens } from './tokens.ts'

/** What decisions are made of. */
export interface AccessControlOptions extends FollowOptions {
  readonly random: Random
  /** PEM of the key that signs service account tokens. */
  readonly serviceAccountKey: string
  readonly staticTokens?: readonly StaticToken[] | undefined
  /** Who the tokens of service accounts say that they are from; an https URL. */
  readonly issuer?: string | undefined
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
  const { clock, random, serviceAccountKey, staticTokens, issuer, handle } = options
  const policy = followPolicy(options)
  const pods = followPods(options)
  const accounts = followed(ServiceAccount, options)
  const claims = followed(PersistentVolumeClaim, options)
  const attachments = followed(VolumeAttachment, options)
  const slices = followed(ResourceSlice, options)
  const volumes = followed(PersistentVolume, options)

  const authorizer = createAuthorizer({
    source: policy.source,
    nodes: nodeAuthorizer({
      ...pods.nodePods,
      nodeOfObject: (resource, name) => (resource === ResourceSlice.plural ? slices : attachments).byKey.get(name)?.spec.nodeName,
      volumeNeedsSecret: (volume, namespace, name) => volumeNeedsSecret(volumes.byKey.get(volume), namespace, name),
      volumeOf: (namespace, name) => claims.byKey.get(`${namespace}/${name}`)?.spec.volumeName,
    }),
  })
  const get = reader(handle)
  const followedObjects = { accounts: accounts.byKey, pods: pods.objects.byKey }
  const lookup = tokenLookup({ get, clock, followed: followedObjects })
  const tokens = serviceAccountTokens({ key: serviceAccountKey, clock, random, lookup, issuer })
  const objects = {
    pod: (namespace: string, name: string) => get(Pod, name, namespace),
    node: (name: string) => get(Node, name),
    secret: (namespace: string, name: string) => get(Secret, name, namespace),
    driverAudiences: driverAudiences(get),
  }
  const bootstrapTokens = { clock, secret: (name: string) => get(Secret, name, 'kube-system') }
  const own = authenticator({ tokens, staticTokens, bootstrapUser: token => bootstrapUser(token, bootstrapTokens) })
  const parts = [...policy.parts, pods.objects, accounts, claims, attachments, slices, volumes]
  const runs = parts.map(({ name, run }) => [name, run] as const)
  const ready = deferred()
  return {
    authenticator: own,
    authorizer,
    tokens,
    authorize: authorizeOrThrow(authorizer),
    admission: authAdmission(authorizer),
    issueToken: tokenRequests({ tokens, objects, clock }),
    reviews: accessReviews({ authorizer, identify: own.identify, audiences: tokens.audiences, clock }),
    ready: ready.promise,
    async run(signal) {
      await bootstrapPolicy({ handle, signal })
      void Promise.all(parts.map(part => part.synced)).then(() => ready.resolve())
      const inNamespaces = async (stop: AbortSignal) => {
        await bootstrapNamespacedPolicy({ handle, clock, signal: stop })
        await aborted(stop)
      }
      await runAll([...runs, ['default roles in namespaces', inNamespaces]], signal)
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
