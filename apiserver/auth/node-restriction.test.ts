import { expect, test } from 'vitest'
import { Lease } from '../../api/coordination/lease.ts'
import { Node } from '../../api/core/node.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import type { AnyKind } from '../../api/kind.ts'
import { type UserInfo, users } from '../../api/user.ts'
import type { AdmissionContext, Attempt } from '../admission.ts'
import { nodeRestriction, refuseTokenForNode } from './node-restriction.ts'

const csr = { group: 'certificates.k8s.io', plural: 'certificatesigningrequests' } as AnyKind
const slices = { group: 'resource.k8s.io', plural: 'resourceslices' } as AnyKind
const n1 = users.node('n1')
const context = {
  access: {
    get: async (_kind: AnyKind, _ns: unknown, name: string) =>
      name === 'gone' ? undefined : { metadata: { name, uid: `uid-of-${name}` }, spec: { nodeName: name.slice(-2) } },
  },
} as unknown as AdmissionContext

async function verdict(kind: AnyKind, write: Partial<Attempt>, user: UserInfo = n1): Promise<string> {
  const object = write.object ?? ({ metadata: { name: 'x' } } as never)
  const attempt = { operation: 'CREATE', kind, user, name: object.metadata.name, object, ...write } as Attempt
  try {
    await nodeRestriction.admit?.(attempt, context)
    await nodeRestriction.check?.(attempt, context)
    return 'allowed'
  } catch (error) {
    return (error as Error).message.replace(/^.* is forbidden: /, '')
  }
}

const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-of-n1', controller: true }
const mirror = (metadata: object = {}, spec: object = {}) => ({
  object: {
    metadata: { name: 'p', annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [owner], ...metadata },
    spec: { nodeName: 'n1', ...spec },
  },
})
const node = (name: string, more: object = {}, spec: object = {}) => ({ metadata: { name, ...more }, spec })
const noisy = (labels: Record<string, string>) => ({ object: node('n1', { labels }) })
const change = (before: object, after: object) => ({ operation: 'UPDATE', old: before, object: after })
const evicts = (name: string) => ({ subresource: 'eviction', name, object: { metadata: { name } } })
const onNode = (nodeName: string, more: object = {}) => ({ metadata: { name: 'p' }, spec: { nodeName }, ...more })

test.each<[string, AnyKind, object, string]>([
  ['registers itself', Node, { object: node('n1') }, 'allowed'],
  ['registers another', Node, { object: node('n2') }, 'node "n1" is not allowed to modify node "n2"'],
  ['with its own labels', Node, noisy({ 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/x': '1', team: 'a' }), 'allowed'],
  [
    'with labels that steer pods to it',
    Node,
    noisy({ 'node-role.kubernetes.io/master': '', 'x.node-restriction.kubernetes.io/a': '1', 'foo.k8s.io/b': '' }),
    'node "n1" is not allowed to set the following labels: foo.k8s.io/b, node-role.kubernetes.io/master, x.node-restriction.kubernetes.io/a',
  ],
  [
    'relabels itself later',
    Node,
    change(node('n1', { labels: { 'kubernetes.io/arch': 'a' } }), node('n1', { labels: { 'node-role.kubernetes.io/x': '' } })),
    'is not allowed to modify labels: node-role.kubernetes.io/x',
  ],
  [
    'takes a taint off',
    Node,
    change(node('n1', {}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }), node('n1')),
    'node "n1" is not allowed to modify taints',
  ],
  ['tells its status', Node, { ...change(node('n1'), node('n1')), subresource: 'status' }, 'allowed'],
  [
    'tells the status of another',
    Node,
    { ...change(node('n2'), node('n2')), subresource: 'status' },
    'node "n1" is not allowed to modify node "n2"',
  ],
  [
    'gives itself an owner',
    Node,
    change(node('n1'), node('n1', { ownerReferences: [owner] })),
    'node "n1" is not allowed to modify ownerReferences',
  ],
  ['announces a pod of its own', Pod, mirror(), 'allowed'],
  [
    'makes an ordinary pod',
    Pod,
    mirror({ annotations: {} }),
    'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  ],
  [
    'makes a pod elsewhere',
    Pod,
    mirror({}, { nodeName: 'n2' }),
    'node "n1" can only create pods with spec.nodeName set to itself',
  ],
  [
    'makes an orphan',
    Pod,
    mirror({ ownerReferences: [] }),
    'node "n1" can only create pods with an owner reference set to itself',
  ],
  [
    'claims to be who it was',
    Pod,
    mirror({ ownerReferences: [{ ...owner, uid: 'old' }] }),
    'node n1 UID mismatch: expected old got uid-of-n1',
  ],
  [
    'makes a pod with a secret',
    Pod,
    mirror({}, { volumes: [{ name: 'a', secret: { secretName: 's' } }] }),
    'node "n1" can not create pods that reference secrets (via secret volumes)',
  ],
  [
    'makes a pod with an account',
    Pod,
    mirror({}, { serviceAccountName: 'a' }),
    'node "n1" can not create pods that reference serviceaccounts',
  ],
  ['evicts its pod', Pod, evicts('web-n1'), 'allowed'],
  ['evicts a pod of another', Pod, evicts('web-n2'), 'node n1 can only evict pods with spec.nodeName set to itself'],
  ['evicts what is gone', Pod, evicts('gone'), 'pods "gone" not found'],
  ['deletes its pod', Pod, { operation: 'DELETE', object: onNode('n1'), old: onNode('n1') }, 'allowed'],
  [
    'deletes a pod of another',
    Pod,
    { operation: 'DELETE', object: onNode('n2'), old: onNode('n2') },
    'node "n1" can only delete pods with spec.nodeName set to itself',
  ],
  [
    'changes a pod',
    Pod,
    change(onNode('n1'), onNode('n1')),
    'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
  ],
  [
    'tells of its pod',
    Pod,
    { ...change(onNode('n1'), onNode('n1', { status: { phase: 'Running' } })), subresource: 'status' },
    'allowed',
  ],
  [
    'tells of the pod of another',
    Pod,
    { ...change(onNode('n2'), onNode('n2')), subresource: 'status' },
    'node "n1" can only update pod status for pods with spec.nodeName set to itself',
  ],
  [
    'relabels a pod by the way',
    Pod,
    { ...change(onNode('n1'), { ...onNode('n1'), metadata: { name: 'p', labels: { a: 'b' } } }), subresource: 'status' },
    'node "n1" cannot update labels through pod status',
  ],
  ['renews its lease', Lease, { namespace: 'kube-node-lease', object: { metadata: { name: 'n1' } } }, 'allowed'],
  [
    'renews the lease of another',
    Lease,
    { namespace: 'kube-node-lease', object: { metadata: { name: 'n2' } } },
    'can only access node lease with the same name as the requesting node',
  ],
  [
    'takes part in an election',
    Lease,
    { namespace: 'kube-system', object: { metadata: { name: 'n1' } } },
    'can only access leases in the "kube-node-lease" system namespace',
  ],
  [
    'tells the size of a claim',
    PersistentVolumeClaim,
    {
      ...change({ metadata: { name: 'c' }, status: {} }, { metadata: { name: 'c' }, status: { capacity: { storage: '2Gi' } } }),
      subresource: 'status',
    },
    'allowed',
  ],
  [
    'tells more of a claim',
    PersistentVolumeClaim,
    { ...change({ metadata: { name: 'c' } }, { metadata: { name: 'c' }, status: { phase: 'Lost' } }), subresource: 'status' },
    'node "n1" is not allowed to update fields other than status.quantity and status.conditions',
  ],
  ['publishes its devices', slices, { object: { metadata: { name: 's' }, spec: { nodeName: 'n1' } } }, 'allowed'],
  [
    'publishes those of another',
    slices,
    { object: { metadata: { name: 's' }, spec: { nodeName: 'n2' } } },
    'can only create ResourceSlice with the same NodeName as the requesting node',
  ],
])('a kubelet that %s', async (_, kind, write, expected) => {
  expect(await verdict(kind, write)).toBe(expected)
  if (kind !== Lease) expect(await verdict(kind, write, users.admin)).toBe('allowed')
})

/** openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /O=system:nodes/CN=system:node:n1 */
const requestOfN1 = `-----BEGIN CERTIFICATE REQUEST-----
MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lz
dGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATQq4hNDoWQsE0C
Jb0FrnfNI0OX/9M3e2YvbJhx6QUE+Ei/c1B4dd3cgKAtSCJQMG6YTpooecPyWMq2
BncR9Rs0oAAwCgYIKoZIzj0EAwIDSAAwRQIhAIrFTgM3trf5jMEdcexYKkaoaNLt
nqZWiOHzVkmY+QOVAiAzEtTTJq4mtF3Nf/80ZDibRoFkb9u2hQSKU8afYdEIAQ==
-----END CERTIFICATE REQUEST-----
`
const signer = 'kubernetes.io/kube-apiserver-client-kubelet'
const asked = (request: string, signerName = signer) => ({
  object: { metadata: { name: 'c' }, spec: { signerName, request: Buffer.from(request).toString('base64') } },
})

test('asks for certificates of its own name only', async () => {
  expect(await verdict(csr, asked(requestOfN1) as never)).toBe('allowed')
  expect(await verdict(csr, asked(requestOfN1) as never, users.node('n2'))).toBe(
    'can only create a node CSR with CN=system:node:n2',
  )
  expect(await verdict(csr, asked('nonsense') as never)).toContain('unable to parse csr')
  expect(await verdict(csr, asked('nonsense', 'example.com/other') as never)).toBe('allowed')
})

test.each([
  ['no pod', {}, 'node requested token not bound to a pod'],
  [
    'a pod without its uid',
    { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } },
    'node requested token with a pod binding without a uid',
  ],
  ['another uid', { uid: 'old' }, 'the UID in the bound object reference (old) does not match the UID in record'],
  ['a pod elsewhere', { nodeName: 'n2' }, 'node requested token bound to a pod scheduled on a different node'],
  ['an audience nobody asked for', { audiences: ['vault'] }, 'audience "vault" not found in pod spec volume'],
  ['two audiences', { audiences: ['a', 'b'] }, 'node may only request 0 or 1 audiences'],
  ['the audience of a volume', { audiences: ['db'] }, undefined],
  ['the usual', { nodeName: 'n1' }, undefined],
])('a token for %s', (_, given: { boundObjectRef?: object; uid?: string; nodeName?: string; audiences?: string[] }, expected) => {
  const { uid, nodeName, audiences = [] } = given
  const isBound = uid !== undefined || nodeName !== undefined || audiences.length > 0
  const boundObjectRef = isBound ? { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: uid ?? 'u' } : given.boundObjectRef
  const sources = [{ serviceAccountToken: { audience: 'db' } }, { serviceAccountToken: {} }]
  const pod = { metadata: { uid: 'u' }, spec: { nodeName: nodeName ?? 'n1', volumes: [{ projected: { sources } }] } }
  const refusal = refuseTokenForNode(n1, { audiences, ...(boundObjectRef && { boundObjectRef }) }, pod as never)
  if (expected === undefined) expect(refusal).toBeUndefined()
  else expect(refusal).toContain(expected)
  expect(refuseTokenForNode(users.admin, { audiences }, undefined)).toBeUndefined()
})
