import { describe, expect, test } from 'vitest'
import type { Event } from '../../api/core/event.ts'
import type { Around } from './around.ts'
import { probeText } from './containers.ts'
import { describerOf } from './describers.ts'
import { eventAge } from './events.ts'
import { readable } from './generic.ts'
import { indexesText } from './job.ts'
import { page } from './page.ts'
import { annotations, goTime, longTime, tolerations } from './parts.ts'
import { compactRules } from './role.ts'
import { endpointsText } from './service.ts'

const now = Date.UTC(2026, 0, 1, 12)
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()

/** Nothing around but what is given, by resource. */
function around(lists: Record<string, readonly object[]> = {}, events: readonly Event[] | undefined = []): Around {
  return {
    now,
    events,
    list: async <T>(resource: string) => (lists[resource] ?? []) as readonly T[],
    get: async () => {
      throw new Error('nothing here')
    },
  }
}

async function described(kind: string, object: object, lists?: Record<string, readonly object[]>, events?: readonly Event[]) {
  const [name = '', group = ''] = kind.split(/\.(.*)/)
  const text = await describerOf({ kind: name, group })(object as never, around(lists, events))
  return text.split('\n').map(line => line.trimEnd())
}

const event = (more: object) =>
  ({ metadata: {}, involvedObject: {}, source: {}, reportingComponent: '', ...more }) as unknown as Event

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80, protocol: 'TCP' }] }] },
}

test('a pod: where it runs, its containers, what they mount, what has happened', async () => {
  const pod = {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', controller: true }],
    },
    spec: {
      priority: 0,
      serviceAccountName: 'default',
      nodeName: 'n1',
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'claim' } }],
      containers: [
        {
          name: 'main',
          image: 'nginx',
          command: ['sh', '-c', 'one\ntwo'],
          ports: [
            { containerPort: 80, protocol: 'TCP' },
            { containerPort: 81, hostPort: 8081, protocol: 'TCP' },
          ],
          resources: { requests: { cpu: '100m' } },
          env: [
            { name: 'PLAIN', value: 'x' },
            { name: 'NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
            { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'requests.cpu' } } },
            { name: 'MOST', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
          ],
          volumeMounts: [
            { name: 'data', mountPath: '/z', readOnly: true },
            { name: 'data', mountPath: '/a', subPath: 'p' },
          ],
        },
      ],
    },
    status: {
      phase: 'Running',
      hostIP: '10.0.0.1',
      podIP: '10.1.0.1',
      podIPs: [{ ip: '10.1.0.1' }],
      qosClass: 'Burstable',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [
        {
          name: 'main',
          containerID: 'docker://1',
          imageID: 'sha256:2',
          ready: false,
          restartCount: 2,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: ago(20), finishedAt: ago(10) } },
        },
      ],
    },
  }
  const warning = {
    type: 'Warning',
    reason: 'BackOff',
    count: 3,
    firstTimestamp: ago(60),
    lastTimestamp: ago(5),
    message: 'again\n',
  }
  const lines = await described('Pod', pod, {}, [
    event({ ...warning, source: { component: 'kubelet' } }),
    event({ type: 'Normal', reason: 'Scheduled', eventTime: ago(90), reportingComponent: 'default-scheduler', message: 'to n1' }),
  ])
  expect(lines).toEqual([
    'Name:             web',
    'Namespace:        default',
    'Priority:         0',
    'Service Account:  default',
    'Node:             n1/10.0.0.1',
    'Labels:           <none>',
    'Annotations:      <none>',
    'Status:           Running',
    'IP:               10.1.0.1',
    'IPs:',
    '  IP:           10.1.0.1',
    'Controlled By:  ReplicaSet/web-1',
    'Containers:',
    '  main:',
    '    Container ID:  docker://1',
    '    Image:         nginx',
    '    Image ID:      sha256:2',
    '    Ports:         80/TCP, 81/TCP',
    '    Host Ports:    0/TCP, 8081/TCP',
    '    Command:',
    '      sh',
    '      -c',
    '      one',
    '      two',
    '    State:          Waiting',
    '      Reason:       CrashLoopBackOff',
    '    Last State:     Terminated',
    '      Reason:       Error',
    '      Exit Code:    1',
    `      Started:      ${longTime(ago(20))}`,
    `      Finished:     ${longTime(ago(10))}`,
    '    Ready:          False',
    '    Restart Count:  2',
    '    Requests:',
    '      cpu:  100m',
    '    Environment:',
    '      PLAIN:  x',
    '      NAME:   web (v1:metadata.name)',
    '      CPU:    1 (requests.cpu)',
    '      MOST:   node allocatable (limits.cpu)',
    "      KEY:    <set to the key 'k' in secret 's'>  Optional: false",
    '    Mounts:',
    '      /a from data (rw,path="p")',
    '      /z from data (ro)',
    'Conditions:',
    '  Type    Status',
    '  Ready   False',
    'Volumes:',
    '  data:',
    '    Type:        PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    '    ClaimName:   claim',
    '    ReadOnly:    false',
    'QoS Class:       Burstable',
    'Node-Selectors:  disk=ssd',
    'Tolerations:     a:NoExecute op=Exists for 300s',
    'Events:',
    '  Type     Reason     Age               From               Message',
    '  ----     ------     ----              ----               -------',
    '  Normal   Scheduled  90s               default-scheduler  to n1',
    '  Warning  BackOff    5s (x3 over 60s)  kubelet            again',
    '',
  ])
})

test('a deployment: the strategy, the template and both versions', async () => {
  const owner = [{ uid: 'd', controller: true }]
  const set = (name: string, image: string) => ({
    metadata: { name, uid: name, creationTimestamp: ago(9), ownerReferences: owner },
    spec: { replicas: 2, template: { ...template, spec: { containers: [{ ...template.spec.containers[0], image }] } } },
    status: { replicas: 1 },
  })
  const deployment = {
    metadata: { name: 'web', namespace: 'default', uid: 'd', creationTimestamp: ago(100) },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } },
    },
    status: { replicas: 2, updatedReplicas: 1, conditions: [{ type: 'Available', status: 'True', reason: 'Enough' }] },
  }
  const lines = await described('Deployment.apps', deployment, { 'replicasets.apps': [set('new', 'nginx'), set('old', 'httpd')] })
  expect(lines.slice(2)).toEqual([
    `CreationTimestamp:      ${longTime(ago(100))}`,
    'Labels:                 <none>',
    'Annotations:            <none>',
    'Selector:               app=web',
    'Replicas:               2 desired | 1 updated | 2 total | 0 available | 0 unavailable',
    'StrategyType:           RollingUpdate',
    'MinReadySeconds:        0',
    'RollingUpdateStrategy:  1 max unavailable, 25% max surge',
    'Pod Template:',
    '  Labels:  app=web',
    '  Containers:',
    '   main:',
    '    Image:         nginx',
    '    Port:          80/TCP',
    '    Host Port:     0/TCP',
    '    Environment:   <none>',
    '    Mounts:        <none>',
    '  Volumes:         <none>',
    '  Node-Selectors:  <none>',
    '  Tolerations:     <none>',
    'Conditions:',
    '  Type           Status  Reason',
    '  ----           ------  ------',
    '  Available      True    Enough',
    'OldReplicaSets:  old (1/2 replicas created)',
    'NewReplicaSet:   new (1/2 replicas created)',
    'Events:          <none>',
    '',
  ])
})

test('a node: what its pods ask for, and the share of what there is', async () => {
  const node = {
    metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/worker': '' }, creationTimestamp: ago(100) },
    spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] },
    status: { allocatable: { cpu: '2', memory: '1Gi', 'x.io/gpu': '2' }, nodeInfo: {} },
  }
  const pod = {
    metadata: { name: 'web', namespace: 'default', creationTimestamp: ago(60) },
    spec: { containers: [{ resources: { requests: { cpu: '500m', memory: '256Mi', 'x.io/gpu': '1' }, limits: { cpu: '3' } } }] },
  }
  const lines = await described('Node', node, { pods: [pod] })
  expect(lines.slice(0, 4)).toContain('Roles:              worker')
  expect(lines).toContain('Taints:             k=v:NoSchedule')
  expect(lines).toContain('Lease:              Failed to get lease: nothing here')
  const start = lines.findIndex(line => line.startsWith('Non-terminated'))
  expect(lines.slice(start)).toEqual([
    'Non-terminated Pods:          (1 in total)',
    '  Namespace                   Name    CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age',
    '  ---------                   ----    ------------  ----------  ---------------  -------------  ---',
    '  default                     web     500m (25%)    3 (150%)    256Mi (25%)      0 (0%)         60s',
    'Allocated resources:',
    '  (Total limits may be over 100 percent, i.e., overcommitted.)',
    '  Resource           Requests     Limits',
    '  --------           --------     ------',
    '  cpu                500m (25%)   3 (150%)',
    '  memory             256Mi (25%)  0 (0%)',
    '  ephemeral-storage  0 (0%)       0 (0%)',
    '  x.io/gpu           1            0',
    'Events:              <none>',
    '',
  ])
})

test('a claim says who uses it, a secret does not say what is in it, a config map does', async () => {
  const claim = {
    metadata: { name: 'c', namespace: 'default' },
    spec: { volumeName: 'v' },
    status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
  }
  const user = { metadata: { name: 'p', uid: 'p' }, spec: { volumes: [{ persistentVolumeClaim: { claimName: 'c' } }] } }
  const stranger = { metadata: { name: 'q', uid: 'q' }, spec: {} }
  const lines = await described('PersistentVolumeClaim', claim, { pods: [stranger, user] })
  expect(lines).toEqual(expect.arrayContaining(['Capacity:      1Gi', 'Access Modes:  RWO', 'Used By:       p']))
  const data = { token: Buffer.from('secret').toString('base64') }
  const secret = await described('Secret', { metadata: { name: 's', namespace: 'default' }, type: 'Opaque', data })
  expect(secret.slice(4)).toEqual(['', 'Type:  Opaque', '', 'Data', '====', 'token:  6 bytes', ''])
  const map = await described('ConfigMap', { metadata: { name: 'm', namespace: 'default' }, data: { a: 'x\ny' } })
  expect(map.slice(4)).toEqual([
    '',
    'Data',
    '====',
    'a:',
    '----',
    'x',
    'y',
    '',
    '',
    'BinaryData',
    '====',
    '',
    'Events:  <none>',
    '',
  ])
})

test('what nobody has described is told field by field', async () => {
  const lines = await described('Gadget.x.io', {
    apiVersion: 'x.io/v1',
    kind: 'Gadget',
    metadata: { name: 'g', uid: 'u' },
    spec: { maxSize: 3, parts: [{ name: 'a' }, 'b'] },
  })
  expect(lines).toEqual([
    'Name:         g',
    'Namespace:',
    'Labels:       <none>',
    'Annotations:  <none>',
    'API Version:  x.io/v1',
    'Kind:         Gadget',
    'Metadata:',
    '  UID:  u',
    'Spec:',
    '  Max Size:  3',
    '  Parts:',
    '    Name:  a',
    '    b',
    'Events:  <none>',
    '',
  ])
})

test.each([
  ['creationTimestamp', 'Creation Timestamp'],
  ['uid', 'UID'],
  ['apiVersion', 'API Version'],
  ['clusterIPs', 'Cluster I Ps'],
  ['a.b/c', 'a.b/c'],
])('%s reads as %s', (name, expected) => {
  expect(readable(name)).toBe(expected)
})

describe('parts', () => {
  const linesOf = (write: (to: ReturnType<typeof page>) => void) => {
    const to = page()
    write(to)
    return to.text().split('\n')
  }

  test('annotations: long ones are broken and cut, what kubectl noted is left out', () => {
    const map = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', short: 'x', lines: 'a\nb\n', long: 'x'.repeat(200) }
    expect(linesOf(to => annotations(to, map))).toEqual([
      'Annotations:  lines:',
      '                a',
      '                b',
      '              long:',
      `                ${'x'.repeat(138)}...`,
      '              short: x',
      '',
    ])
  })

  test.each([
    [{ operator: 'Exists' }, 'op=Exists'],
    [{ key: 'a', operator: 'Exists' }, 'a op=Exists'],
    [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }, 'a=b:NoSchedule'],
  ])('the toleration %j', (toleration, text) => {
    expect(linesOf(to => tolerations(to, [toleration], 'T'))[0]).toBe(`T:  ${text}`)
  })

  test('an escape sequence in a name does not reach the terminal', () => {
    expect(linesOf(to => to.line(0, 'a\u001b[31mb\rc'))[0]).toBe('a^[[31mb\\rc')
  })

  test.each([
    [{ exec: { command: ['cat', '/x'] } }, 'exec [cat /x]'],
    [{ httpGet: { path: '/x', port: 80 } }, 'http-get http://:80/x'],
    [{ tcpSocket: { host: 'h', port: 'p' } }, 'tcp-socket h:p'],
    [{ grpc: { port: 9 } }, 'grpc <pod>:9 '],
  ])('the probe %j', (probe, text) => {
    const figures = { periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 }
    expect(probeText({ ...probe, ...figures } as never)).toBe(`${text} delay=0s timeout=1s period=10s #success=1 #failure=3`)
  })

  test.each([
    [{ firstTimestamp: ago(60), count: 1 }, '60s'],
    [{ firstTimestamp: ago(600), lastTimestamp: ago(60), count: 4 }, '60s (x4 over 10m)'],
    [{ eventTime: ago(600), series: { count: 2, lastObservedTime: ago(60) } }, '60s (x2 over 10m)'],
    [{}, '<unknown>'],
  ])('the age of the event %j', (times, text) => {
    expect(eventAge(event(times), now)).toBe(text)
  })
})

const endpoint = (address: string, ready?: boolean) => ({
  addresses: [address],
  conditions: { ...(ready !== undefined && { ready }) },
})

test.each([
  ['no slices', [], '<none>'],
  [
    'ready ones',
    [{ ports: [{ name: 'http', port: 80 }], endpoints: [endpoint('10.0.0.1', true), endpoint('10.0.0.2', false)] }],
    '10.0.0.1:80',
  ],
  ['IPv6', [{ ports: [{ name: 'http', port: 80 }], endpoints: [endpoint('fd::1')] }], '[fd::1]:80'],
  ['another port', [{ ports: [{ name: 'metrics', port: 81 }], endpoints: [endpoint('10.0.0.1')] }], ''],
  [
    'many',
    [{ ports: [{ name: 'http', port: 80 }], endpoints: [1, 2, 3, 4, 5].map(i => endpoint(`10.0.0.${i}`)) }],
    '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...',
  ],
])('endpoints: %s', (_, slices, text) => {
  expect(endpointsText(slices, 'http')).toBe(text)
})

test('rules are gathered by what they are about', () => {
  const rules = [
    { verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods'] },
    { verbs: ['watch', 'get'], apiGroups: [''], resources: ['pods'] },
    { verbs: ['update'], apiGroups: ['apps'], resources: ['deployments/scale'], resourceNames: ['web'] },
    { verbs: ['get'], nonResourceURLs: ['/healthz'] },
  ]
  expect(compactRules(rules).map(({ resource, url, name, verbs }) => [resource, url, name, verbs])).toEqual([
    ['pods', [], [], ['get', 'list', 'watch']],
    ['pods.apps', [], [], ['get', 'list']],
    ['', ['/healthz'], [], ['get']],
    ['deployments.apps/scale', [], ['web'], ['update']],
  ])
})

test.each([
  ['', '<none>'],
  ['1-3,5', '1-3,5'],
  [`${'1,'.repeat(25)}200,3`, `${'1,'.repeat(25)}200,...`],
  ['1'.repeat(80), '1'.repeat(80)],
])('completed indexes %j are shown as %j', (indexes, shown) => {
  expect(indexesText(indexes)).toBe(shown)
})

test('a moment as Go prints it', () => {
  expect(goTime('2026-03-04T05:06:07Z')).toMatch(/^2026-03-0\d \d\d:\d\d:07 [+-]\d{4} \S+$/)
})

test('a quota tells what is used as it tells what is allowed: in powers of two or of ten', async () => {
  const hard = { memory: '10Gi', storage: '1G', pods: '5' }
  const used = { memory: '2000000000', storage: '1Gi' }
  const quota = { metadata: { name: 'q', namespace: 'n' }, spec: { scopes: ['BestEffort'] }, status: { hard, used } }
  expect((await described('ResourceQuota', quota)).slice(2)).toEqual([
    'Scopes:     BestEffort',
    ' * Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
    'Resource  Used        Hard',
    '--------  ----        ----',
    'memory    1953125Ki   10Gi',
    'pods      0           5',
    'storage   1073741824  1G',
    '',
  ])
})
