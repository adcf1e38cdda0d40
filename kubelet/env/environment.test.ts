import { expect, test } from 'vitest'
import { samplePod } from '../samples.ts'
import { computeEnvironment, expandAll, type KeyValues, referencesOf } from './environment.ts'
import { expand } from './expand.ts'
import { fieldValue, resourceValue } from './fields.ts'
import { serviceVariables } from './service-env.ts'

test.each([
  ['$(A)', 'a'],
  ['x$(A)y$(B)', 'xayb'],
  ['$(C)', '$(C)'],
  ['$$(A)', '$(A)'],
  ['$$', '$'],
  ['$$$(A)', '$a'],
  ['$A', '$A'],
  ['$(A', '$(A'],
  ['end$', 'end$'],
  ['$()', '$()'],
  ['no variables', 'no variables'],
])('%s expands to %s', (text, expected) => {
  const values: Record<string, string> = { A: 'a', B: 'b' }
  expect(expand(text, name => values[name])).toBe(expected)
})

const service = (
  name: string,
  namespace: string,
  clusterIP: string,
  ports: { name?: string; port: number; protocol?: string }[],
) => ({
  metadata: { name, namespace },
  spec: { clusterIP, ports },
})
const services = [
  service('kubernetes', 'default', '10.96.0.1', [{ name: 'https', port: 443 }]),
  service('foo-bar', 'team', '10.96.0.7', [
    { name: 'web', port: 80 },
    { name: 'dns-udp', port: 53, protocol: 'UDP' },
  ]),
  service('headless', 'team', 'None', [{ port: 1 }]),
  service('elsewhere', 'other', '10.96.0.8', [{ port: 1 }]),
]

test('services of the own namespace and the API server become variables', () => {
  expect(Object.fromEntries(serviceVariables(services, 'team', true))).toEqual({
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
    FOO_BAR_SERVICE_HOST: '10.96.0.7',
    FOO_BAR_SERVICE_PORT: '80',
    FOO_BAR_SERVICE_PORT_WEB: '80',
    FOO_BAR_SERVICE_PORT_DNS_UDP: '53',
    FOO_BAR_PORT: 'tcp://10.96.0.7:80',
    FOO_BAR_PORT_80_TCP: 'tcp://10.96.0.7:80',
    FOO_BAR_PORT_80_TCP_PROTO: 'tcp',
    FOO_BAR_PORT_80_TCP_PORT: '80',
    FOO_BAR_PORT_80_TCP_ADDR: '10.96.0.7',
    FOO_BAR_PORT_53_UDP: 'udp://10.96.0.7:53',
    FOO_BAR_PORT_53_UDP_PROTO: 'udp',
    FOO_BAR_PORT_53_UDP_PORT: '53',
    FOO_BAR_PORT_53_UDP_ADDR: '10.96.0.7',
  })
})

test('with links off only the API server remains, and an own service of that name replaces it', () => {
  expect([...serviceVariables(services, 'team', false).keys()].every(name => name.startsWith('KUBERNETES_'))).toBe(true)
  const own = [...services, service('kubernetes', 'team', '10.96.0.99', [{ port: 1 }])]
  expect(serviceVariables(own, 'team', true).get('KUBERNETES_SERVICE_HOST')).toBe('10.96.0.99')
})

const pod = samplePod(
  { nodeName: 'node-a', serviceAccountName: 'robot' },
  { labels: { b: '2', a: '1 "x"' }, annotations: { note: 'hi', odd: 'a\tb\n\0\u00a0\u{e0001}<é🐳\\' } },
)
const addresses = { podIps: ['10.244.0.2'], hostIps: ['192.168.0.10', 'fd00::1'] }

test.each([
  ['metadata.name', 'web'],
  ['metadata.namespace', 'default'],
  ['metadata.uid', 'uid-1'],
  ['metadata.labels', 'a="1 \\"x\\""\nb="2"'],
  ["metadata.labels['b']", '2'],
  ["metadata.annotations['none']", ''],
  ['spec.nodeName', 'node-a'],
  ['spec.serviceAccountName', 'robot'],
  ['status.hostIP', '192.168.0.10'],
  ['status.hostIPs', '192.168.0.10,fd00::1'],
  ['status.podIP', '10.244.0.2'],
  ['spec.nonsense', undefined],
  ['metadata.annotations', 'note="hi"\nodd="a\\tb\\n\\x00\\u00a0\\U000e0001<é🐳\\\\"'],
])('field %s is %s', (path, expected) => expect(fieldValue(pod, path, addresses)).toBe(expected))

test.each([
  ['limits.cpu', undefined, '1'],
  ['limits.cpu', '1m', '250'],
  ['requests.memory', '1Mi', '65'],
  ['limits.memory', undefined, '8589934592'],
  ['requests.ephemeral-storage', undefined, '0'],
  ['limits.bananas', undefined, undefined],
])('resource %s by %s is %s', (resource, divisor, expected) => {
  const resources = { limits: { cpu: '250m' }, requests: { memory: '66060289' } }
  if (resource === 'requests.memory') resources.requests.memory = String(64 * 2 ** 20 + 1)
  expect(resourceValue(resources, { resource, divisor }, { memory: '8Gi' })).toBe(expected)
})

function environment(
  container: object,
  { configMaps = {}, secrets = {} }: { configMaps?: Record<string, KeyValues>; secrets?: Record<string, KeyValues> } = {},
) {
  const [app] = samplePod({ containers: [{ name: 'app', image: 'app:1', ...container }] }).spec.containers
  return computeEnvironment({
    pod,
    container: app!,
    serviceVariables: new Map([['SVC', 'svc']]),
    references: { configMap: name => configMaps[name], secret: name => secrets[name], file: ({ key }) => `${key} of a file` },
    addresses,
    allocatable: {},
  })
}

test('env wins over envFrom, which wins over services; references see what stands before them', () => {
  const container = {
    envFrom: [
      { configMapRef: { name: 'c' } },
      { prefix: 'P_', secretRef: { name: 's' } },
      { configMapRef: { name: 'gone', optional: true } },
    ],
    env: [
      { name: 'EARLY', value: '$(LATER) $(A) $(SVC)' },
      { name: 'LATER', value: 'later' },
      { name: 'A', value: 'own $(A)' },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'RAW', valueFrom: { configMapKeyRef: { name: 'c', key: 'raw' } } },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 's', key: 'none', optional: true } } },
      { name: 'SVC', value: 'mine' },
    ],
  }
  const sources = { configMaps: { c: { A: 'a', raw: '$(A)' } }, secrets: { s: { K: 'k' } } }
  expect(Object.fromEntries(environment(container, sources))).toEqual({
    SVC: 'mine',
    A: 'own a',
    raw: '$(A)',
    P_K: 'k',
    EARLY: '$(LATER) a svc',
    LATER: 'later',
    NODE: 'node-a',
    RAW: '$(A)',
  })
})

test.each([
  [{ envFrom: [{ configMapRef: { name: 'x' } }] }, 'configmap "x" not found'],
  [{ envFrom: [{ secretRef: { name: 'x' } }] }, 'secret "x" not found'],
  [
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }] },
    "couldn't find key k in ConfigMap default/c",
  ],
  [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'k' } } }] }, 'secret "x" not found'],
])('what is missing keeps the container from being made: %j', (container, message) => {
  expect(() => environment(container, { configMaps: { c: {} } })).toThrow(
    expect.objectContaining({ reason: 'CreateContainerConfigError', message }),
  )
})

test('command and arguments see the finished environment', () => {
  expect(expandAll(['echo', '$(A)', '$$(A)'], new Map([['A', 'a']]))).toEqual(['echo', 'a', '$(A)'])
})

test('all references are known beforehand', () => {
  const [app] = samplePod({
    containers: [
      {
        name: 'app',
        image: 'app:1',
        envFrom: [{ secretRef: { name: 's1' } }],
        env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c1', key: 'k' } } }],
      },
    ],
  }).spec.containers
  expect(referencesOf(app!)).toEqual({ configMap: new Set(['c1']), secret: new Set(['s1']) })
})
