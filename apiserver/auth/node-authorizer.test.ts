import { expect, test } from 'vitest'
import { users } from '../../api/user.ts'
import { createAuthorizer } from './authorizer.ts'
import { nodeAuthorizer, refuseForNode } from './node-authorizer.ts'
import type { PodLike } from './pod-references.ts'

const pod: PodLike = {
  metadata: { name: 'web', namespace: 'dev' },
  spec: {
    serviceAccountName: 'runner',
    imagePullSecrets: [{ name: 'registry' }],
    volumes: [
      { name: 'a', secret: { secretName: 'tls' } },
      { name: 'b', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'scratch', ephemeral: {} },
      { name: 'c', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } },
    ],
    containers: [
      { env: [{ valueFrom: { secretKeyRef: { name: 'password' } } }], envFrom: [{ configMapRef: { name: 'settings' } }] },
    ],
    initContainers: [{ env: [{ valueFrom: { configMapKeyRef: { name: 'initial' } } }] }],
  },
}
const nodes = nodeAuthorizer({
  podsOn: node => (node === 'n1' ? [pod] : []),
  nodeOf: (namespace, name) =>
    namespace === 'dev' && name === 'web' ? 'n1' : namespace === 'dev' && name === 'far' ? 'n2' : undefined,
  volumeOf: (_namespace, claim) => `pv-of-${claim}`,
})
const nothing = () => []
const policy = { roles: nothing, roleBindings: nothing, clusterRoles: nothing, clusterRoleBindings: nothing, version: () => 1 }
const authorizer = createAuthorizer({ source: policy, nodes })
const n1 = users.node('n1')

test.each([
  // verb, resource, name, allowed, more
  ['get', 'secrets', 'tls', true, {}],
  ['watch', 'secrets', 'tls', true, {}],
  ['list', 'secrets', undefined, true, { fieldSelector: 'metadata.name=registry' }],
  ['get', 'secrets', 'password', true, {}],
  ['get', 'secrets', 'foreign', false, {}],
  ['get', 'secrets', 'tls', false, { namespace: 'prod' }],
  ['list', 'secrets', undefined, false, {}],
  ['update', 'secrets', 'tls', false, {}],
  ['get', 'configmaps', 'settings', true, {}],
  ['get', 'configmaps', 'initial', true, {}],
  ['get', 'configmaps', 'kube-root-ca.crt', true, {}],
  ['get', 'configmaps', 'other', false, {}],
  ['get', 'persistentvolumeclaims', 'data', true, {}],
  ['get', 'persistentvolumeclaims', 'web-scratch', true, {}],
  ['get', 'persistentvolumeclaims', 'other', false, {}],
  ['patch', 'persistentvolumeclaims', 'data', false, {}],
  ['patch', 'persistentvolumeclaims', 'data', true, { subresource: 'status' }],
  ['get', 'persistentvolumes', 'pv-of-data', true, { namespace: undefined }],
  ['get', 'persistentvolumes', 'pv-of-web-scratch', true, { namespace: undefined }],
  ['get', 'persistentvolumes', 'pv-of-other', false, { namespace: undefined }],
  ['create', 'serviceaccounts', 'runner', true, { subresource: 'token' }],
  ['create', 'serviceaccounts', 'other', false, { subresource: 'token' }],
  ['get', 'nodes', 'n1', true, { namespace: undefined }],
  ['get', 'nodes', 'n2', false, { namespace: undefined }],
  ['watch', 'nodes', undefined, true, { namespace: undefined, fieldSelector: 'metadata.name=n1' }],
  ['list', 'nodes', undefined, false, { namespace: undefined }],
  ['create', 'nodes', undefined, true, { namespace: undefined }],
  ['patch', 'nodes', 'n1', true, { namespace: undefined, subresource: 'status' }],
  ['patch', 'nodes', 'n2', false, { namespace: undefined, subresource: 'status' }],
  ['delete', 'nodes', 'n1', false, { namespace: undefined }],
  ['watch', 'pods', undefined, true, { namespace: undefined, fieldSelector: 'spec.nodeName=n1' }],
  ['watch', 'pods', undefined, false, { namespace: undefined, fieldSelector: 'spec.nodeName=n2' }],
  ['list', 'pods', undefined, false, { namespace: undefined }],
  ['get', 'pods', 'web', true, {}],
  ['get', 'pods', 'far', false, {}],
  ['patch', 'pods', 'web', true, { subresource: 'status' }],
  ['patch', 'pods', 'far', false, { subresource: 'status' }],
  ['patch', 'pods', 'web', false, {}],
  ['delete', 'pods', 'web', true, {}],
  ['delete', 'pods', 'far', false, {}],
  ['create', 'pods', 'web', false, { subresource: 'exec' }],
  ['update', 'leases', 'n1', true, { group: 'coordination.k8s.io', namespace: 'kube-node-lease' }],
  ['update', 'leases', 'n2', false, { group: 'coordination.k8s.io', namespace: 'kube-node-lease' }],
  ['update', 'leases', 'n1', false, { group: 'coordination.k8s.io', namespace: 'kube-system' }],
  ['create', 'events', undefined, true, {}],
  ['watch', 'services', undefined, true, { namespace: undefined }],
  ['get', 'deployments', 'web', false, { group: 'apps' }],
])('the kubelet of n1 may %s %s %s: %s %j', (verb, resource, name, allowed, more) => {
  expect(authorizer.authorize(n1, { verb, group: '', resource, namespace: 'dev', name, ...more }).allowed).toBe(allowed)
})

test('who only calls himself a node is none', () => {
  const impostor = { name: 'system:node:n1', groups: ['system:authenticated'] }
  expect(authorizer.authorize(impostor, { verb: 'get', group: '', resource: 'nodes', name: 'n1' }).allowed).toBe(false)
})

test.each([
  ['nodes', { metadata: { name: 'n1' } }, undefined],
  ['nodes', { metadata: { name: 'n2' } }, 'node "n1" is not allowed to modify node "n2"'],
  ['leases', { metadata: { name: 'n2' } }, 'can only access node lease with the same name as the requesting node'],
  [
    'pods',
    { metadata: { name: 'p' }, spec: { nodeName: 'n1' } },
    'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  ],
  [
    'pods',
    { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } }, spec: { nodeName: 'n2' } },
    'node "n1" can only create pods with spec.nodeName set to itself',
  ],
  ['pods', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } }, spec: { nodeName: 'n1' } }, undefined],
])('creating %s %j: %s', (resource, body, refusal) => {
  expect(refuseForNode(n1, { verb: 'create', group: '', resource }, body)).toBe(refusal)
  expect(refuseForNode(users.admin, { verb: 'create', group: '', resource }, body)).toBeUndefined()
})
