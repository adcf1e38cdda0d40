import { expect, test } from 'vitest'
import { CustomResourceDefinition } from './apiextensions/custom-resource-definition.ts'
import { DaemonSet } from './apps/daemon-set.ts'
import { Deployment } from './apps/deployment.ts'
import { ReplicaSet } from './apps/replica-set.ts'
import { StatefulSet } from './apps/stateful-set.ts'
import { CronJob } from './batch/cron-job.ts'
import { Job } from './batch/job.ts'
import { Endpoints } from './core/endpoints.ts'
import { Node } from './core/node.ts'
import { PersistentVolume } from './core/persistent-volume.ts'
import { PersistentVolumeClaim } from './core/persistent-volume-claim.ts'
import { Pod } from './core/pod.ts'
import { PodTemplate } from './core/pod-template.ts'
import { ReplicationController } from './core/replication-controller.ts'
import { Secret } from './core/secret.ts'
import { Service } from './core/service.ts'
import { ServiceAccount } from './core/service-account.ts'
import { tryDecode } from './decode.ts'
import { EndpointSlice } from './discovery/endpoint-slice.ts'
import type { AnyKind } from './kind.ts'
import { Ingress } from './networking/ingress.ts'
import { NetworkPolicy } from './networking/network-policy.ts'
import { RuntimeClass } from './node/runtime-class.ts'
import { CSIStorageCapacity } from './storage/csi-storage-capacity.ts'
import { StorageClass } from './storage/storage-class.ts'

type Body = Record<string, unknown>

function object(kind: AnyKind, body: Body) {
  const decoded = tryDecode(kind, { metadata: { name: 'x', ...(body.metadata as object) }, ...without(body, 'metadata') }, true)
  if (!decoded.ok) throw new Error(decoded.error)
  kind.default(decoded.object)
  return decoded.object
}
const without = (body: Body, field: string): Body => Object.fromEntries(Object.entries(body).filter(([key]) => key !== field))
const onCreate = (kind: AnyKind, body: Body) => kind.warnings?.(object(kind, body))
const onUpdate = (kind: AnyKind, body: Body, old: Body) => kind.warnings?.(object(kind, body), object(kind, old))

const c = (more: Body = {}) => ({ name: 'c', image: 'x', ...more })
const pod = (spec: Body = {}, metadata: Body = {}) => ({ metadata, spec: { containers: [c()], ...spec } })
const noPods = 'a null labelSelector results in matching no pod'
const beta = 'failure-domain.beta.kubernetes.io/zone'
const zone = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
const at = 'spec.containers[0]'
const term = { matchExpressions: [{ key: beta, operator: 'In', values: ['-a'] }] }
const label =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

/** What k8s.io/kubernetes v1.34.1 says about the same. */
test.each<[string, Body, string[]]>([
  ['nothing', pod(), []],
  [
    'a name with dots',
    pod({}, { name: 'a.b' }),
    [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ],
  ],
  ['labels of old', pod({ nodeSelector: { [beta]: 'a', os: 'b' } }), [`spec.nodeSelector[${beta}]: ${zone}`]],
  [
    'labels in affinity',
    pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: term }],
        },
      },
    }),
    [
      `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: ${beta} is ${zone}`,
      `spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].key: ${beta} is ${zone}`,
      `spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].values[0]: -a is invalid, ${label}`,
    ],
  ],
  [
    'selectors that are not there',
    pod({
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: beta, whenUnsatisfiable: 'DoNotSchedule' }],
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z' }] },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: 'z' } }],
        },
      },
    }),
    [
      `spec.topologySpreadConstraints[0].topologyKey: ${beta} is ${zone}`,
      `spec.topologySpreadConstraints[0].labelSelector: ${noPods}`,
      `spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: ${noPods}`,
      `spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: ${noPods}`,
    ],
  ],
  [
    'annotations of old',
    pod(
      {},
      {
        annotations: {
          'scheduler.alpha.kubernetes.io/critical-pod': '',
          'seccomp.security.alpha.kubernetes.io/pod': 'x',
          'container.seccomp.security.alpha.kubernetes.io/c': 'x',
          'container.apparmor.security.beta.kubernetes.io/c': 'runtime/default',
        },
      },
    ),
    [
      'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
      'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
      'metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: non-functional in v1.27+; use the "seccompProfile" field instead',
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead',
    ],
  ],
  [
    'annotations that say what fields say',
    pod(
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' }, appArmorProfile: { type: 'RuntimeDefault' } } },
      {
        annotations: {
          'seccomp.security.alpha.kubernetes.io/pod': 'x',
          'container.apparmor.security.beta.kubernetes.io/c': 'runtime/default',
        },
      },
    ),
    [],
  ],
  [
    'volumes that are gone',
    pod({
      volumes: [
        { name: 'a', gitRepo: { repository: 'x' } },
        { name: 'b', storageos: {} },
        { name: 'e', ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1500m' } } } } } },
      ],
    }),
    [
      'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
      'spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+',
      'spec.volumes[2].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ],
  ],
  [
    'files in the way of others',
    pod({
      volumes: [
        {
          name: 'm',
          configMap: {
            name: 'conf',
            items: [
              { key: 'a', path: 'p' },
              { key: 'b', path: 'p/q' },
              { key: 'c', path: 'pq' },
            ],
          },
        },
        {
          name: 'p',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token' } },
              { secret: { name: 's', items: [{ key: 'a', path: 'token/' }] } },
              {},
            ],
          },
        },
      ],
    }),
    [
      'volume "m" (ConfigMap "conf"): overlapping paths: "p/q" with "p"',
      'volume "p" (Projected) has no sources provided',
      'volume "p" (Projected): overlapping paths: "token" (Secret "s") with "token" (ServiceAccountToken)',
    ],
  ],
  [
    'everything twice',
    pod({
      hostAliases: [{ ip: '1.1.1.1' }, { ip: '1.1.1.1' }],
      imagePullSecrets: [{ name: 'a' }, { name: 'a' }, {}],
    }),
    [
      'spec.hostAliases[1].ip: duplicate ip "1.1.1.1"',
      'spec.imagePullSecrets[1].name: duplicate name "a"',
      'spec.imagePullSecrets[2].name: invalid empty name ""',
    ],
  ],
  [
    'half bytes',
    pod({
      overhead: { memory: '1500m' },
      containers: [c({ resources: { limits: { memory: '0.5' }, requests: { 'ephemeral-storage': '1500m', memory: '1Mi' } } })],
    }),
    [
      'spec.overhead[memory]: fractional byte value "1500m" is invalid, must be an integer',
      `${at}.resources.limits[memory]: fractional byte value "500m" is invalid, must be an integer`,
      `${at}.resources.requests[ephemeral-storage]: fractional byte value "1500m" is invalid, must be an integer`,
    ],
  ],
  [
    'variables that hide others',
    pod({
      containers: [
        c({
          env: [
            { name: 'A', value: 'x' },
            { name: 'A', value: '$(A)y' },
            { name: 'A', value: '$(A)' },
            { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ],
        }),
      ],
    }),
    [2, 3].map(i => `${at}.env[${i}]: hides previous definition of "A", which may be dropped when using apply`),
  ],
  [
    'ports',
    pod({
      initContainers: [{ name: 'i', image: 'x', ports: [{ containerPort: 80, name: 'web' }] }],
      containers: [
        c({
          ports: [
            { containerPort: 80, name: 'web' },
            { containerPort: 80, hostPort: 8 },
            { containerPort: 80, hostPort: 8, hostIP: '1.2.3.4' },
            { containerPort: 80, protocol: 'UDP' },
            { containerPort: 81, hostIP: '1.2.3.4' },
          ],
        }),
      ],
    }),
    [
      `${at}.ports[0]: duplicate port definition with spec.initContainers[0].ports[0]`,
      `${at}.ports[1]: overlapping port definition with spec.initContainers[0].ports[0]`,
      `${at}.ports[1]: overlapping port definition with ${at}.ports[0]`,
      `${at}.ports[2]: overlapping port definition with spec.initContainers[0].ports[0]`,
      `${at}.ports[2]: overlapping port definition with ${at}.ports[0]`,
      `${at}.ports[2]: dangerously ambiguous port definition with ${at}.ports[1]`,
      `${at}.ports[4]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:81 Protocol:TCP HostIP:1.2.3.4}`,
      `${at}.ports[0]: duplicate port name "web" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]`,
    ],
  ],
  [
    'grace and addresses',
    pod({ terminationGracePeriodSeconds: -1, dnsConfig: { nameservers: ['2001:DB8::1'] } }),
    [
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
      'spec.dnsConfig.nameservers[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
    ],
  ],
])('a pod: %s', (_what, body, warnings) => {
  expect(onCreate(Pod, body)).toEqual(warnings)
  expect(onUpdate(Pod, body, body)).toEqual([])
})

const dotted =
  'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]'
const odd = { spec: { containers: [c()], nodeSelector: { [beta]: 'a' } } }
const ofTemplate = (path: string) => `${path}.spec.nodeSelector[${beta}]: ${zone}`

test.each<[AnyKind, Body, string, boolean]>([
  [Deployment, { spec: { template: odd } }, 'spec.template', true],
  [ReplicaSet, { spec: { template: odd } }, 'spec.template', true],
  [ReplicationController, { spec: { template: odd } }, 'spec.template', true],
  [StatefulSet, { spec: { template: odd } }, 'spec.template', false],
  [DaemonSet, { spec: { template: odd } }, 'spec.template', false],
  [Job, { spec: { template: odd } }, 'spec.template', true],
  [CronJob, { spec: { jobTemplate: { spec: { template: odd } } } }, 'spec.jobTemplate.spec.template', true],
  [PodTemplate, { template: odd }, 'template', false],
])('$kind: what its pods will be, and its name', (kind, body, path, tellsName) => {
  const annotations = (n: number) => ({ 'deprecated.daemonset.template.generation': String(n) })
  const metadata = (generation: number) => ({ metadata: { name: 'a.b', generation, annotations: annotations(generation) } })
  expect(onCreate(kind, { ...body, ...metadata(1) })).toEqual([...(tellsName ? [dotted] : []), ofTemplate(path)])
  expect(onUpdate(kind, { ...body, ...metadata(2) }, { ...body, ...metadata(1) })).toEqual([ofTemplate(path)])
  expect(onUpdate(kind, { ...body, ...metadata(1) }, { ...body, ...metadata(1) })).toEqual([])
})

const nonStandard = (what: string, text: string, better: string) =>
  `non-standard ${what} "${text}" will be considered invalid in a future Kubernetes release: use "${better}"`
const headless = { clusterIP: 'None', externalIPs: ['1.1.1.1'], loadBalancerIP: '010.0.0.1' }
const schemas = (...formats: string[]) => ({
  group: 'g.io',
  names: { plural: 'xs', kind: 'X' },
  versions: formats.map(format => ({
    name: format,
    schema: { openAPIV3Schema: { type: 'object', properties: { a: { type: 'string', format } } } },
  })),
})

test.each<[string, AnyKind, Body, string[]]>([
  [
    'an annotation',
    Service,
    { metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': '' } } },
    [
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
    ],
  ],
  [
    'what a headless service ignores',
    Service,
    { spec: headless },
    [
      'spec.loadBalancerIP is ignored for headless services',
      'spec.externalIPs is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
      `spec.loadBalancerIP: ${nonStandard('IP address', '010.0.0.1', '10.0.0.1')}`,
    ],
  ],
  [
    'what an external name ignores',
    Service,
    { spec: { type: 'ExternalName', externalName: 'x', externalIPs: ['1.1.1.1'] } },
    ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
  ],
  [
    'a name for nothing',
    Service,
    { spec: { externalName: 'x' } },
    ['spec.externalName is ignored when spec.type is not "ExternalName"'],
  ],
  [
    'odd ranges',
    Service,
    { spec: { loadBalancerSourceRanges: ['10.0.0.1/8', '010.0.0.0/8', '2001:DB8::/64', '::ffff:10.0.0.0/104'] } },
    [
      'spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
      `spec.loadBalancerSourceRanges[1]: ${nonStandard('CIDR value', '010.0.0.0/8', '10.0.0.0/8')}`,
      'spec.loadBalancerSourceRanges[2]: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")',
      `spec.loadBalancerSourceRanges[3]: ${nonStandard('CIDR value', '::ffff:10.0.0.0/104', '10.0.0.0/8')}`,
    ],
  ],
  [
    'no certificate',
    Secret,
    { type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } },
    ['tls: failed to find any PEM data in certificate input'],
  ],
  ['anything but a certificate', Secret, { data: { 'tls.crt': '' } }, []],
  [
    'an annotation',
    ServiceAccount,
    { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } },
    [
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ],
  ],
  [
    'fields of old',
    Node,
    { spec: { externalID: 'x', configSource: {}, podCIDRs: ['10.0.0.1/24'] } },
    [
      'spec.configSource: the feature is removed',
      'spec.externalID: this field is deprecated, and is unused by Kubernetes',
      'spec.podCIDRs[0]: CIDR value "10.0.0.1/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.1/32"?)',
    ],
  ],
  [
    'everything of old',
    PersistentVolume,
    {
      metadata: {
        annotations: { 'volume.beta.kubernetes.io/storage-class': 'a', 'volume.beta.kubernetes.io/mount-options': 'b' },
      },
      spec: {
        persistentVolumeReclaimPolicy: 'Recycle',
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: beta, operator: 'Exists' }] }] } },
        rbd: { image: 'x' },
        flocker: {},
      },
    },
    [
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead',
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      `spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: ${beta} is ${zone}`,
      'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
    ],
  ],
  [
    'half a byte, and a class of old',
    PersistentVolumeClaim,
    {
      metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'a' } },
      spec: { resources: { requests: { storage: '1500m' }, limits: { storage: '2' } } },
    },
    [
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ],
  ],
  [
    'half a byte, and a history without end',
    StatefulSet,
    {
      spec: {
        template: { spec: { containers: [c()] } },
        revisionHistoryLimit: -1,
        volumeClaimTemplates: [{ spec: { resources: { requests: { storage: '1500m' } } } }],
      },
    },
    [
      'spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
    ],
  ],
  [
    'too many indexes',
    Job,
    { spec: { completionMode: 'Indexed', completions: 100_001, parallelism: 10_001, template: { spec: { containers: [c()] } } } },
    [
      'spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
    ],
  ],
  [
    'odd addresses',
    Endpoints,
    { subsets: [{ addresses: [{ ip: '010.0.0.1' }], notReadyAddresses: [{ ip: '::FFFF:1.2.3.4' }] }] },
    [
      `subsets[0].addresses[0].ip: ${nonStandard('IP address', '010.0.0.1', '10.0.0.1')}`,
      `subsets[0].notReadyAddresses[0].ip: ${nonStandard('IP address', '::FFFF:1.2.3.4', '1.2.3.4')}`,
    ],
  ],
  [
    'names for addresses',
    EndpointSlice,
    { addressType: 'FQDN', endpoints: [{ addresses: ['a.b'] }] },
    ['spec.addressType: FQDN endpoints are deprecated'],
  ],
  [
    'odd addresses',
    EndpointSlice,
    { addressType: 'IPv4', endpoints: [{ addresses: ['010.0.0.1'] }] },
    [`endpoints[0].addresses[0]: ${nonStandard('IP address', '010.0.0.1', '10.0.0.1')}`],
  ],
  [
    'odd addresses of a controller',
    EndpointSlice,
    {
      metadata: { labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['010.0.0.1'] }],
    },
    [],
  ],
  [
    'a class of old',
    Ingress,
    { metadata: { annotations: { 'kubernetes.io/ingress.class': 'x' } } },
    ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
  ],
  [
    'odd ranges',
    NetworkPolicy,
    {
      spec: {
        ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/8', except: ['010.1.0.0/16'] } }] }],
        egress: [{ to: [{ ipBlock: { cidr: 'FD00::/8' } }] }],
      },
    },
    [
      'spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
      `spec.ingress[0].from[0].ipBlock.except[0]: ${nonStandard('CIDR value', '010.1.0.0/16', '10.1.0.0/16')}`,
      'spec.egress[0].to[0].ipBlock.cidr: IPv6 CIDR value "FD00::/8" should be in RFC 5952 canonical format ("fd00::/8")',
    ],
  ],
  [
    'a label of old',
    RuntimeClass,
    { handler: 'x', scheduling: { nodeSelector: { [beta]: 'a' } } },
    [`scheduling.nodeSelector: ${zone}`],
  ],
  [
    'a label of old',
    StorageClass,
    { provisioner: 'x', allowedTopologies: [{ matchLabelExpressions: [{ key: beta, values: ['a'] }] }] },
    [`allowedTopologies[0].matchLabelExpressions[0].key: ${zone}`],
  ],
  [
    'labels of old',
    CSIStorageCapacity,
    {
      storageClassName: 'x',
      nodeTopology: { matchLabels: { [beta]: 'a' }, matchExpressions: [{ key: beta, operator: 'Exists' }] },
    },
    [`nodeTopology.matchExpressions[0].key: ${beta} is ${zone}`, `nodeTopology.matchLabels.${beta}: ${zone}`],
  ],
  [
    'formats nobody knows',
    CustomResourceDefinition,
    { spec: schemas('int-or-thing', 'date-time') },
    ['unrecognized format "int-or-thing"'],
  ],
])('%s', (_what, kind, body, warnings) => {
  expect(onCreate(kind, body)).toEqual(warnings)
})

test('what was so before is not told again', () => {
  const annotated = { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } }
  expect(onUpdate(ServiceAccount, annotated, annotated)).toEqual([])
  expect(onUpdate(CustomResourceDefinition, { spec: schemas('a', 'b') }, { spec: schemas('a') })).toEqual([
    'unrecognized format "b"',
  ])
})

test('who says everything over and over is not compared with himself for ever', () => {
  const ports = Array.from({ length: 20_000 }, (_, i) => ({ containerPort: 80, hostPort: i + 1 }))
  const items = Array.from({ length: 20_000 }, (_, i) => ({ key: 'k', path: `p${i}` }))
  const body = pod({ containers: [c({ ports })], volumes: [{ name: 'v', configMap: { name: 'm', items } }] })
  const value = object(Pod, body)
  const before = process.hrtime.bigint()
  expect(Pod.warnings?.(value as never)).toEqual([])
  expect(Number(process.hrtime.bigint() - before) / 1e6).toBeLessThan(2_000)
})
