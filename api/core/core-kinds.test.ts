import { describe, expect, test } from 'vitest'
import { Lease } from '../coordination/lease.ts'
import type { AnyKind } from '../kind.ts'
import { ClusterRole } from '../rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../rbac/cluster-role-binding.ts'
import { Role } from '../rbac/role.ts'
import { RoleBinding } from '../rbac/role-binding.ts'
import { PriorityClass } from '../scheduling/priority-class.ts'
import { StorageClass } from '../storage/storage-class.ts'
import { faults, made, prepared } from '../testing.ts'
import { ConfigMap } from './config-map.ts'
import { Event } from './event.ts'
import { Namespace } from './namespace.ts'
import { Node } from './node.ts'
import { PersistentVolume } from './persistent-volume.ts'
import { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import { Secret } from './secret.ts'
import { Service } from './service.ts'
import { ServiceAccount } from './service-account.ts'

const b64 = (text: string) => Buffer.from(text).toString('base64')
const frozen = 'Forbidden: field is immutable when `immutable` is set'
const host = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } }
const volume = (spec: object) => ({ spec: { ...host, ...spec } })
const claim = (spec: object, status = {}) => ({
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
  status,
})
const asking = (storage: string) => ({ resources: { requests: { storage } } })
const service = (spec: object) => ({ spec: { ports: [{ port: 80 }], ...spec } })
const role = (rule: object) => ({ rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], ...rule }] })
const roleRef = { kind: 'ClusterRole', name: 'view' }
const rbacGroup = 'rbac.authorization.k8s.io'
const fixedClaim =
  'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

describe.each<[string, AnyKind, [body: object, expected: string[]][]]>([
  [
    'ConfigMap',
    ConfigMap,
    [
      [{ data: { 'a b': '' } }, [expect.stringMatching(/^data\[a b\]: Invalid value: "a b": a valid config key/) as never]],
      [{ data: { a: '' }, binaryData: { a: '' } }, ['data[a]: Invalid value: "a": duplicate of key present in binaryData']],
      [{ data: { a: 'x'.repeat(1048577) } }, [': Too long: may not be more than 1048576 bytes']],
      [{ data: { a: 'x'.repeat(1048576) } }, []],
    ],
  ],
  [
    'Secret',
    Secret,
    [
      [{ type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
      [{ type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'a', 'tls.key': 'b' } }, []],
      [
        { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': b64('{') } },
        [expect.stringContaining('data[.dockerconfigjson]: Invalid value: "<secret contents redacted>"') as never],
      ],
      [{ type: 'kubernetes.io/ssh-auth' }, ['data[ssh-privatekey]: Required value']],
      [
        { type: 'kubernetes.io/service-account-token' },
        ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
      ],
      [{ stringData: { a: 'x'.repeat(1048577) } }, ['data: Too long: may not be more than 1048576 bytes']],
    ],
  ],
  [
    'Service',
    Service,
    [
      [service({}), []],
      [{ spec: {} }, ['spec.ports: Required value']],
      [{ spec: { clusterIP: 'None' } }, []],
      [{ spec: { type: 'ExternalName' } }, ['spec.externalName: Required value']],
      [
        service({ type: 'LoadBalancer', clusterIP: 'None' }),
        ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
      ],
      [
        service({ type: 'Odd' }),
        ['spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
      ],
      [
        service({ ports: [{ port: 80 }, { port: 80, name: 'b' }] }),
        ['spec.ports[0].name: Required value', 'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
      ],
      [
        service({ ports: [{ port: 0, protocol: 'X' }] }),
        [
          'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
          'spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
          'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
        ],
      ],
      [
        service({ ports: [{ port: 1, nodePort: 30000 }] }),
        ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
      ],
      [
        service({ externalTrafficPolicy: 'Local' }),
        ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
      ],
    ],
  ],
  [
    'PersistentVolume',
    PersistentVolume,
    [
      [volume({}), []],
      [volume({ hostPath: undefined }), ['spec: Required value: must specify a volume type']],
      [volume({ nfs: { server: 's', path: '/p' } }), ['spec.nfs: Forbidden: may not specify more than 1 volume type']],
      [
        volume({ hostPath: undefined, local: { path: '/p' } }),
        ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
      ],
      [volume({ capacity: {}, accessModes: [] }), ['spec.accessModes: Required value', 'spec.capacity: Required value']],
      [volume({ capacity: { storage: '0' } }), ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']],
      [
        volume({ accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] }),
        ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
      ],
      [
        volume({ persistentVolumeReclaimPolicy: 'Odd' }),
        ['spec.persistentVolumeReclaimPolicy: Unsupported value: "Odd": supported values: "Delete", "Recycle", "Retain"'],
      ],
    ],
  ],
  [
    'PersistentVolumeClaim',
    PersistentVolumeClaim,
    [
      [claim({}), []],
      [
        claim({ accessModes: [], ...asking('0') }),
        [
          'spec.accessModes: Required value: at least 1 access mode is required',
          'spec.resources[storage]: Invalid value: "0": must be greater than zero',
        ],
      ],
      [claim({ volumeMode: 'Odd' }), ['spec.volumeMode: Unsupported value: "Odd": supported values: "Block", "Filesystem"']],
    ],
  ],
  [
    'StorageClass',
    StorageClass,
    [
      [{ provisioner: 'a/b' }, []],
      [
        { volumeBindingMode: 'Odd', reclaimPolicy: 'Recycle' },
        [
          'provisioner: Required value',
          'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
          'volumeBindingMode: Unsupported value: "Odd": supported values: "Immediate", "WaitForFirstConsumer"',
        ],
      ],
    ],
  ],
  [
    'PriorityClass',
    PriorityClass,
    [
      [{ value: 5 }, []],
      [{ value: 2000000000 }, ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
      [{ metadata: { name: 'system-node-critical' }, value: 2000001000 }, []],
      [
        { metadata: { name: 'system-mine' }, value: 1 },
        ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only"],
      ],
      [
        { preemptionPolicy: 'Odd' },
        ['preemptionPolicy: Unsupported value: "Odd": supported values: "Never", "PreemptLowerPriority"'],
      ],
    ],
  ],
  [
    'Lease',
    Lease,
    [
      [
        { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
        [
          'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
          'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
        ],
      ],
    ],
  ],
  [
    'Role',
    Role,
    [
      [role({}), []],
      [role({ verbs: [] }), ['rules[0].verbs: Required value: verbs must contain at least one value']],
      [
        role({ apiGroups: undefined, resources: undefined }),
        [
          'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
          'rules[0].resources: Required value: resource rules must supply at least one resource',
        ],
      ],
      [
        { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
        ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
      ],
    ],
  ],
  [
    'ClusterRole',
    ClusterRole,
    [
      [{ rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }, []],
      [
        role({ nonResourceURLs: ['/x'] }),
        ['rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs'],
      ],
    ],
  ],
  [
    'RoleBinding',
    RoleBinding,
    [
      [
        {
          roleRef,
          subjects: [
            { kind: 'ServiceAccount', name: 'a' },
            { kind: 'User', name: 'A@b' },
          ],
        },
        [],
      ],
      [
        { roleRef: { kind: 'Odd' }, subjects: [{ kind: 'Odd', name: '' }] },
        [
          'roleRef.kind: Unsupported value: "Odd": supported values: "Role", "ClusterRole"',
          'roleRef.name: Required value',
          'subjects[0].name: Required value',
          'subjects[0].kind: Unsupported value: "Odd": supported values: "ServiceAccount", "User", "Group"',
        ],
      ],
    ],
  ],
  [
    'ClusterRoleBinding',
    ClusterRoleBinding,
    [
      [
        { roleRef: { ...roleRef, kind: 'Role' }, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
        ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"', 'subjects[0].namespace: Required value'],
      ],
    ],
  ],
  [
    'Node',
    Node,
    [
      [
        {
          spec: {
            taints: [
              { key: 'a', effect: 'NoSchedule' },
              { key: 'a', effect: 'NoSchedule' },
            ],
          },
        },
        ['spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}'],
      ],
      [{ spec: { taints: [{ key: 'a' }] } }, ['spec.taints[0].effect: Required value']],
      [
        { spec: { podCIDRs: ['10.0.0.0'] } },
        ['spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
      ],
      [
        { status: { capacity: { pods: '1500m' }, allocatable: { pods: '1' } } },
        ['status.capacity[pods]: Invalid value: "1500m": must be an integer'],
      ],
    ],
  ],
  [
    'Event',
    Event,
    [
      [
        { involvedObject: { namespace: 'other' } },
        ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
      ],
      [{ involvedObject: { kind: 'Node' } }, []],
    ],
  ],
  [
    'Namespace',
    Namespace,
    [
      [
        { spec: { finalizers: ['kubernetes', 'mine'] } },
        ['spec.finalizers[1]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'],
      ],
    ],
  ],
])('a new %s', (_, kind, cases) => {
  test.each(cases)('%j', (body, expected) => expect(faults(kind, body)).toEqual(expected))
})

describe.each<[string, AnyKind, [body: object, old: object, expected: string[]][]]>([
  [
    'ConfigMap',
    ConfigMap,
    [
      [{ data: { a: '2' } }, { data: { a: '1' } }, []],
      [{ data: { a: '2' }, immutable: true }, { data: { a: '1' }, immutable: true }, [`data: ${frozen}`]],
      [{ data: { a: '1' } }, { data: { a: '1' }, immutable: true }, [`immutable: ${frozen}`]],
    ],
  ],
  [
    'Secret',
    Secret,
    [
      [{ type: 'b' }, { type: 'a' }, ['type: Invalid value: "b": field is immutable']],
      [{ stringData: { a: '2' }, immutable: true }, { immutable: true }, [`data: ${frozen}`]],
    ],
  ],
  [
    'Service',
    Service,
    [
      [
        service({ clusterIP: '10.0.0.9' }),
        service({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] }),
        ['spec.clusterIPs[0]: Invalid value: ["10.0.0.9"]: may not change once set'],
      ],
      [service({}), service({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] }), []],
      [{ spec: { type: 'ExternalName', externalName: 'a.b' } }, service({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] }), []],
    ],
  ],
  [
    'PersistentVolume',
    PersistentVolume,
    [
      [volume({ persistentVolumeReclaimPolicy: 'Delete', capacity: { storage: '2Gi' } }), volume({}), []],
      [
        volume({ hostPath: { path: '/b' } }),
        volume({}),
        [
          'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n  spec.hostPath.path: "/data" -> "/b"',
        ],
      ],
      [volume({ volumeMode: 'Block' }), volume({}), ['spec.volumeMode: Invalid value: "Block": field is immutable']],
    ],
  ],
  [
    'PersistentVolumeClaim',
    PersistentVolumeClaim,
    [
      [claim({ volumeName: 'v' }), claim({}), []],
      [claim({ volumeName: 'b' }), claim({ volumeName: 'a' }), [`${fixedClaim}\n  spec.volumeName: "a" -> "b"`]],
      [claim({ storageClassName: 'fast' }), claim({}), []],
      [claim(asking('3Gi')), claim({}), [`${fixedClaim}\n  spec.resources.requests.storage: "2Gi" -> "3Gi"`]],
      [claim(asking('3Gi'), { phase: 'Bound' }), claim({}, { phase: 'Bound' }), []],
      [
        claim(asking('1Gi'), { phase: 'Bound', capacity: { storage: '2Gi' } }),
        claim({}, { phase: 'Bound' }),
        ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
      ],
    ],
  ],
  [
    'StorageClass',
    StorageClass,
    [
      [
        { provisioner: 'b', volumeBindingMode: 'WaitForFirstConsumer' },
        { provisioner: 'a' },
        [
          'provisioner: Forbidden: updates to provisioner are forbidden.',
          'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
        ],
      ],
    ],
  ],
  ['PriorityClass', PriorityClass, [[{ value: 2 }, { value: 1 }, ['value: Forbidden: may not be changed in an update.']]]],
  [
    'RoleBinding',
    RoleBinding,
    [
      [
        { roleRef: { ...roleRef, name: 'edit' } },
        { roleRef },
        [`roleRef: Invalid value: {"apiGroup":"${rbacGroup}","kind":"ClusterRole","name":"edit"}: cannot change roleRef`],
      ],
    ],
  ],
  [
    'Node',
    Node,
    [
      [{ spec: { podCIDRs: ['10.0.0.0/24'] } }, {}, []],
      [
        { spec: { podCIDRs: ['10.0.1.0/24'] } },
        { spec: { podCIDRs: ['10.0.0.0/24'] } },
        ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
      ],
      [
        { spec: { providerID: 'b' } },
        { spec: { providerID: 'a' } },
        ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid'],
      ],
    ],
  ],
])('an update of a %s', (_, kind, cases) => {
  test.each(cases)('%j over %j', (body, old, expected) => expect(faults(kind, body, old)).toEqual(expected))
})

describe('metadata', () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'u', controller: true }
  test.each([
    [
      { ownerReferences: [owner, { ...owner, name: 'b', uid: 'w' }] },
      [expect.stringContaining('Only one reference can have Controller set to true. Found "true" in references for a and b')],
    ],
    [{ ownerReferences: [{ ...owner, uid: '' }] }, ['metadata.ownerReferences.uid: Invalid value: "": must not be empty']],
    [
      { ownerReferences: [{ ...owner, kind: 'Event' }] },
      [expect.stringContaining('v1, Kind=Event is disallowed from being an owner')],
    ],
    [
      { finalizers: ['orphan', 'foregroundDeletion'] },
      [expect.stringContaining('finalizer orphan and foregroundDeletion cannot be both set')],
    ],
    [{ annotations: { a: 'x'.repeat(262144) } }, ['metadata.annotations: Too long: may not be more than 262144 bytes']],
  ])('%j', (metadata, expected) => {
    expect(faults(ConfigMap, { metadata })).toEqual(expected)
  })
})

describe('defaults', () => {
  test('a Secret’s text becomes data', () => {
    const { data, type, ...rest } = made(Secret, { data: { a: b64('1'), b: b64('2') }, stringData: { b: '3' } })
    expect({ data, type }).toEqual({ data: { a: b64('1'), b: b64('3') }, type: 'Opaque' })
    expect(rest).not.toHaveProperty('stringData')
  })

  test.each([
    [
      service({}),
      {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      },
    ],
    [service({ type: 'NodePort' }), { externalTrafficPolicy: 'Cluster' }],
    [service({ type: 'LoadBalancer' }), { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster' }],
    [service({ sessionAffinity: 'ClientIP' }), { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } }],
    [
      service({ clusterIP: 'None', selector: { app: 'web' } }),
      { clusterIPs: ['None'], ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] },
    ],
    [service({ clusterIP: 'None' }), { clusterIPs: ['None'], ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] }],
  ])('Service %j', (body, expected) => {
    expect(prepared(Service, body).spec).toMatchObject(expected)
  })

  test('the target port of a service is its port where nothing else is said', () => {
    const ports = [{ port: 80 }, { name: 'named', port: 81, targetPort: 'http' }]
    expect(prepared(Service, service({ ports })).spec.ports?.map(({ targetPort }) => targetPort)).toEqual([80, 'http'])
  })

  test('a namespace is labelled with its name, has its finalizer, and only gives it up at the end', () => {
    const namespace = made(Namespace, { metadata: { name: 'shop' } })
    Namespace.prepareForCreate(namespace)
    expect(namespace.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'shop' })
    expect(namespace.spec.finalizers).toEqual(['kubernetes'])
    expect(Namespace.deletion.holds?.(namespace)).toBe(true)
    Namespace.deletion.prepare?.(namespace)
    expect(namespace.status.phase).toBe('Terminating')
    const update = made(Namespace, { metadata: { name: 'shop' } })
    Namespace.prepareForUpdate(update, namespace)
    expect(update.spec.finalizers).toEqual(['kubernetes'])
    expect(Namespace.deletion.forbidden?.(made(Namespace, { metadata: { name: 'default' } }))).toBe(
      'this namespace may not be deleted',
    )
    expect(Namespace.deletion.forbidden?.(made(Namespace, { metadata: { name: 'kube-node-lease' } }))).toBeUndefined()
  })

  test('groups of bindings are filled in, allocatable is capacity', () => {
    const { roleRef: ref, subjects } = made(RoleBinding, {
      roleRef,
      subjects: [
        { kind: 'User', name: 'a' },
        { kind: 'ServiceAccount', name: 'b' },
      ],
    })
    expect(ref.apiGroup).toBe(rbacGroup)
    expect(subjects?.map(({ apiGroup }) => apiGroup)).toEqual([rbacGroup, undefined])
    expect(made(Node, { status: { capacity: { cpu: '0.5' } } }).status.allocatable).toEqual({ cpu: '500m' })
  })
})

describe('what tables show', () => {
  const metadata = { creationTimestamp: '2026-01-01T00:00:00Z' }
  const now = Date.UTC(2026, 0, 1, 5)
  test.each<[AnyKind, object, unknown[]]>([
    [ConfigMap, { data: { a: '' }, binaryData: { b: '' } }, [2, '5h']],
    [Secret, { data: { a: '' } }, ['Opaque', 1, '5h']],
    [ServiceAccount, {}, [0, '5h']],
    [Namespace, {}, ['Active', '5h']],
    [Lease, { spec: { holderIdentity: 'me' } }, ['me', '5h']],
    [PriorityClass, { value: 7 }, [7, false, '5h', 'PreemptLowerPriority']],
    [StorageClass, { provisioner: 'p' }, ['p', 'Delete', 'Immediate', false, '5h']],
    [Role, {}, ['2026-01-01T00:00:00Z']],
    [
      RoleBinding,
      {
        roleRef,
        subjects: [
          { kind: 'Group', name: 'g' },
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
        ],
      },
      ['ClusterRole/view', '5h', '', 'g', 'n/s'],
    ],
    [
      Service,
      service({
        clusterIP: '10.0.0.1',
        ports: [{ port: 80 }, { port: 53, protocol: 'UDP', nodePort: 30053 }],
        selector: { b: '2', a: '1' },
      }),
      ['ClusterIP', '10.0.0.1', '<none>', '80/TCP,53:30053/UDP', '5h', 'a=1,b=2'],
    ],
    [Service, service({ type: 'LoadBalancer' }), ['LoadBalancer', '<none>', '<pending>', '80/TCP', '5h', '<none>']],
    [
      Service,
      {
        ...service({ type: 'LoadBalancer', externalIPs: ['9.9.9.9'] }),
        status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { hostname: 'a' }] } },
      },
      ['LoadBalancer', '<none>', '2.2.2.2,a,9.9.9.9', '80/TCP', '5h', '<none>'],
    ],
    [
      PersistentVolume,
      volume({ claimRef: { namespace: 'n', name: 'c' } }),
      ['1Gi', 'RWO', 'Retain', 'Pending', 'n/c', '', '<unset>', '', '5h', 'Filesystem'],
    ],
    [
      PersistentVolumeClaim,
      claim(
        { volumeName: 'v' },
        { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
      ),
      ['Bound', 'v', '2Gi', 'RWO,RWX', '', '<unset>', '5h', 'Filesystem'],
    ],
    [PersistentVolumeClaim, claim({}), ['Pending', '', '', '', '', '<unset>', '5h', 'Filesystem']],
    [
      Node,
      {
        metadata: { ...metadata, labels: { 'node-role.kubernetes.io/b': '', 'node-role.kubernetes.io/a': '' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '1.2.3.4' }],
          nodeInfo: { kubeletVersion: 'v1', osImage: 'Linux' },
        },
      },
      ['Ready,SchedulingDisabled', 'a,b', '5h', 'v1', '1.2.3.4', '<none>', 'Linux', '<unknown>', '<unknown>'],
    ],
    [
      Node,
      { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
      ['NotReady', '<none>', '5h', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
    ],
    [
      Event,
      {
        type: 'Normal',
        reason: 'Pulled',
        message: ' ok\n',
        involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'f' },
        source: { component: 'kubelet', host: 'n' },
        firstTimestamp: '2026-01-01T04:00:00Z',
        lastTimestamp: '2026-01-01T04:58:30Z',
        count: 4,
      },
      ['90s', 'Normal', 'Pulled', 'pod/p', 'f', 'kubelet, n', 'ok', '60m', 4, 'x'],
    ],
  ])('$kind %j', (kind, body, expected) => {
    const object = made(kind, { metadata, ...body })
    expect(kind.columns.map(({ value }) => value(object, now))).toEqual(expected)
  })

  test('the default class says so; events begin with no name', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    const nameOf = StorageClass.rowName
    expect(nameOf && nameOf(made(StorageClass, { metadata: { annotations } }))).toBe('x (default)')
    expect(Event.rowName).toBe(false)
  })
})
