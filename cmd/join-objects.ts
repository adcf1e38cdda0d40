import {
  bootstrapTokenName,
  bootstrapTokenType,
  clusterInfo,
  clusterInfoKey,
  nodeTokenGroup,
  tokenExpiry,
  tokenField,
} from '../api/bootstrap-tokens.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Secret } from '../api/core/secret.ts'
import { ignore, isReason } from '../api/errors.ts'
import type { AnyKind, InputOf } from '../api/kind.ts'
import { ClusterRole } from '../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../api/rbac/cluster-role-binding.ts'
import { Role } from '../api/rbac/role.ts'
import { RoleBinding } from '../api/rbac/role-binding.ts'
import type { Client } from '../client/client.ts'
import { formatKubeconfig } from '../client/kubeconfig.ts'
import { publicKeyPin } from '../kubelet/certificates/pins.ts'
import { timestamp } from '../lib/clock.ts'
import { randomText } from './random-text.ts'

const apiGroup = 'rbac.authorization.k8s.io'
const toGroup = (name: string) => [{ apiGroup, kind: 'Group', name }]
const toUser = (name: string) => [{ apiGroup, kind: 'User', name }]
const clusterRole = (name: string) => ({ apiGroup, kind: 'ClusterRole' as const, name })
const readerName = 'kubeadm:bootstrap-signer-clusterinfo'
const nodeReaderName = 'kubeadm:get-nodes'

/** A list of objects to make, each with its kind. */
type Made = readonly (readonly [AnyKind, { metadata: { name: string } }])[]

const bind = (name: string, role: string, group: string) =>
  [ClusterRoleBinding, { metadata: { name }, roleRef: clusterRole(role), subjects: toGroup(group) }] as const

/** Who may join and how, as kubeadm has it (cmd/kubeadm/app/phases/bootstraptoken). */
const rights: Made = [
  bind('kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', nodeTokenGroup),
  bind('kubeadm:node-autoapprove-bootstrap', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', nodeTokenGroup),
  bind(
    'kubeadm:node-autoapprove-certificate-rotation',
    'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    'system:nodes',
  ),
  [
    ClusterRole,
    { metadata: { name: nodeReaderName }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['nodes'] }] } as never,
  ],
  bind(nodeReaderName, nodeReaderName, nodeTokenGroup),
  // Ours: an agent has no other identity than its node's to learn where the other nodes' pods are.
  bind('wherry:pod-network:nodes', 'wherry:pod-network', 'system:nodes'),
  [
    Role,
    {
      metadata: { namespace: clusterInfo.namespace, name: readerName },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: [clusterInfo.name] }],
    } as never,
  ],
  [
    RoleBinding,
    {
      metadata: { namespace: clusterInfo.namespace, name: readerName },
      roleRef: { apiGroup, kind: 'Role', name: readerName },
      subjects: toUser('system:anonymous'),
    } as never,
  ],
]

/** How the cluster is reached and by which authority (PEM) it is known. */
export interface Reachable {
  readonly server: string
  readonly ca: string
}

/** Makes what nodes need to join: the rights of those who have a token, and cluster-info for those who know nothing yet. */
export async function allowJoining(client: Client, { server, ca }: Reachable): Promise<void> {
  const make = ([kind, object]: Made[number]) => client.create(kind, object as InputOf<AnyKind>).catch(ignore('AlreadyExists'))
  await Promise.all(rights.map(make))
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  const kubeconfig = await formatKubeconfig({ apiVersion: 'v1', kind: 'Config', clusters: [{ name: '', cluster }] })
  const data = { [clusterInfoKey]: kubeconfig }
  try {
    await client.create(ConfigMap, { metadata: clusterInfo, data })
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error
    await client.patch(ConfigMap, clusterInfo, 'merge', { data })
  }
}

export interface TokenInput {
  /** Milliseconds since the epoch; undefined: it never ends. */
  readonly expiresAt: number | undefined
  readonly description?: string | undefined
  /** `<id>.<secret>`; absent: a new one. */
  readonly token?: { readonly id: string; readonly secret: string } | undefined
  readonly groups?: readonly string[]
  readonly usages?: readonly string[]
}

/** Makes a bootstrap token that nodes can join with; answers it. */
export async function createToken(
  client: Client,
  { expiresAt, description, token, groups = [nodeTokenGroup], usages = ['signing', 'authentication'] }: TokenInput,
): Promise<string> {
  const { id, secret } = token ?? { id: randomText(6), secret: randomText(16) }
  await client.create(Secret, {
    metadata: { namespace: 'kube-system', name: bootstrapTokenName(id) },
    type: bootstrapTokenType,
    stringData: {
      'token-id': id,
      'token-secret': secret,
      ...Object.fromEntries(usages.map(usage => [`usage-bootstrap-${usage}`, 'true'])),
      ...(groups.length > 0 && { 'auth-extra-groups': groups.join(',') }),
      ...(expiresAt !== undefined && { expiration: timestamp(expiresAt) }),
      ...(description && { description }),
    },
  })
  return `${id}.${secret}`
}

/** The bootstrap tokens that there are. */
export async function bootstrapTokens(client: Client): Promise<readonly Secret[]> {
  const { items } = await client.list(Secret, { namespace: 'kube-system', fieldSelector: `type=${bootstrapTokenType}` })
  return items
}

const serversOwn = 'Made by wherry server for nodes to join.'

/** A token of the server's own that is good for half of its time at least, or else a new one. */
export async function joinToken(
  client: Client,
  { now, ttlInMs }: { readonly now: number; readonly ttlInMs: number },
): Promise<string> {
  const fresh = (await bootstrapTokens(client)).find(
    secret =>
      tokenField(secret, 'description') === serversOwn && (tokenExpiry(secret) ?? Number.POSITIVE_INFINITY) > now + ttlInMs / 2,
  )
  if (fresh) return `${tokenField(fresh, 'token-id')}.${tokenField(fresh, 'token-secret')}`
  return createToken(client, { expiresAt: ttlInMs > 0 ? now + ttlInMs : undefined, description: serversOwn })
}

/** The command that makes a machine a node. */
export function joinCommand({ server, ca }: Reachable, token: string): string {
  return `npx wherry agent --server ${server} --token ${token} --ca-cert-hash ${publicKeyPin(ca)}`
}
