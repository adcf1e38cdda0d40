import { expect, test } from 'vitest'
import type { PodLike } from '../../api/core/pod-references.ts'
import { users } from '../../api/user.ts'
import { createAuthorizer } from './authorizer.ts'
import { nodeAuthorizer } from './node-authorizer.ts'

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
    resourceClaims: [{ name: 'card', resourceClaimName: 'gpu' }],
  },
}
const nodes = nodeAuthorizer({
  podsOn: node => (node === 'n1' ? [pod] : []),
  nodeOf: (namespace, name) =>
    namespace === 'dev' && name === 'web' ? 'n1' : namespace === 'dev' && name === 'far' ? 'n2' : undefined,
  volumeOf: (_namespace, claim) => `pv-of-${claim}`,
  nodeOfObject: (_resource, name) => name.slice('of-'.length),
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
  // What of these is not its own, NodeRestriction refuses.
  ['patch', 'nodes', 'n2', true, { namespace: undefined, subresource: 'status' }],
  ['delete', 'nodes', 'n1', false, { namespace: undefined }],
  ['watch', 'pods', undefined, true, { namespace: undefined, fieldSelector: 'spec.nodeName=n1' }],
  ['watch', 'pods', undefined, false, { namespace: undefined, fieldSelector: 'spec.nodeName=n2' }],
  ['list', 'pods', undefined, false, { namespace: undefined }],
  ['get', 'pods', 'web', true, {}],
  ['get', 'pods', 'far', false, {}],
  ['patch', 'pods', 'web', true, { subresource: 'status' }],
  ['patch', 'pods', 'far', true, { subresource: 'status' }],
  ['patch', 'pods', 'web', false, {}],
  ['delete', 'pods', 'web', true, {}],
  ['delete', 'pods', 'far', true, {}],
  ['create', 'pods', 'web', false, { subresource: 'exec' }],
  ['update', 'leases', 'n1', true, { group: 'coordination.k8s.io', namespace: 'kube-node-lease' }],
  ['update', 'leases', 'n2', false, { group: 'coordination.k8s.io', namespace: 'kube-node-lease' }],
  ['update', 'leases', 'n1', false, { group: 'coordination.k8s.io', namespace: 'kube-system' }],
  ['create', 'pods', 'far', false, { subresource: 'eviction' }],
  ['create', 'pods', 'web', true, { subresource: 'eviction' }],
  ['get', 'serviceaccounts', 'runner', true, {}],
  ['get', 'serviceaccounts', 'other', false, {}],
  ['get', 'csinodes', 'n1', true, { group: 'storage.k8s.io', namespace: undefined }],
  ['get', 'csinodes', 'n2', false, { group: 'storage.k8s.io', namespace: undefined }],
  ['get', 'volumeattachments', 'of-n1', true, { group: 'storage.k8s.io', namespace: undefined }],
  ['get', 'volumeattachments', 'of-n2', false, { group: 'storage.k8s.io', namespace: undefined }],
  ['delete', 'resourceslices', 'of-n1', true, { group: 'resource.k8s.io', namespace: undefined }],
  ['delete', 'resourceslices', 'of-n2', false, { group: 'resource.k8s.io', namespace: undefined }],
  ['list', 'resourceslices', undefined, true, { group: 'resource.k8s.io', fieldSelector: 'spec.nodeName=n1' }],
  ['list', 'resourceslices', undefined, false, { group: 'resource.k8s.io' }],
  ['get', 'resourceclaims', 'gpu', true, { group: 'resource.k8s.io' }],
  ['get', 'resourceclaims', 'other', false, { group: 'resource.k8s.io' }],
  ['create', 'certificatesigningrequests', undefined, true, { group: 'certificates.k8s.io', namespace: undefined }],
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
