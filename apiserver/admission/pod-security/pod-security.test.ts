import { afterEach, beforeEach, expect, test } from 'vitest'
import { Deployment } from '../../../api/apps/deployment.ts'
import { Namespace } from '../../../api/core/namespace.ts'
import { Pod } from '../../../api/core/pod.ts'
import type { AnyKind } from '../../../api/kind.ts'
import { type UserInfo, users } from '../../../api/user.ts'
import type { ApiRequest } from '../../request.ts'
import { type TestServer, testServer } from '../../testing.ts'
import { defaultPodSecurity, parsePodSecurity, podSecurityIn } from './configuration.ts'
import { podSecuritySteps } from './pod-security.ts'
import { policyOf, standardText } from './policy.ts'

let server: TestServer
let user: UserInfo
beforeEach(async () => {
  server = await testServer()
  user = users.admin
})
afterEach(() => server.stop())

const labelled = (labels: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]))

/** Answers the warnings. */
async function call(
  verb: 'create' | 'patch',
  kind: AnyKind,
  namespace: string | undefined,
  name: string,
  body: object,
  more: object = {},
) {
  const { group, version, plural: resource } = kind
  const target = { user, verb, group, version, resource, ...(namespace && { namespace }), ...more }
  const named = verb === 'create' ? { body: { metadata: { name }, ...body } } : { name, body, patchType: 'merge' as const }
  const answer = await server.pipeline.handle({ ...target, ...named } as unknown as ApiRequest)
  return answer.type === 'object' ? answer.warnings : []
}

const namespace = (name: string, labels: Readonly<Record<string, string>>) =>
  call('create', Namespace, undefined, name, { metadata: { name, labels: labelled(labels) } })
const relabel = (name: string, labels: Readonly<Record<string, string>>) =>
  call('patch', Namespace, undefined, name, { metadata: { labels: labelled(labels) } })

const spec = (own: object = {}) => ({ containers: [{ name: 'c', image: 'app:1', securityContext: own }] })
const good = spec({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
})
const pod = (ns: string, name: string, what: object) => call('create', Pod, ns, name, { spec: what })

const everything =
  'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
  'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
  'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
  'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'

test('without labels nothing is asked; with them pods are refused, in words that say what to do', async () => {
  await pod('default', 'free', spec({ privileged: true }))
  await namespace('strict', { enforce: 'restricted' })
  await expect(pod('strict', 'bad', spec())).rejects.toMatchObject({
    status: { reason: 'Forbidden', message: `pods "bad" is forbidden: violates PodSecurity "restricted:latest": ${everything}` },
  })
  expect(await pod('strict', 'good', good)).toEqual([])
})

test('a new image is looked at again, other changes are not', async () => {
  await namespace('later', {})
  await pod('later', 'old', spec({ privileged: true }))
  expect(await relabel('later', { enforce: 'baseline' })).toEqual([
    'existing pods in namespace "later" violate the new PodSecurity enforce level "baseline:latest"',
    'old: privileged',
  ])
  const change = (body: object, more: object = {}) => call('patch', Pod, 'later', 'old', body, more)
  await change({ metadata: { labels: { a: 'b' } } })
  const image = { spec: { containers: [{ name: 'c', image: 'app:2', securityContext: { privileged: true } }] } }
  await expect(change(image)).rejects.toThrow('violates PodSecurity "baseline:latest": privileged')
  const debug = { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } }
  await expect(change(debug, { subresource: 'ephemeralcontainers' })).rejects.toThrow('violates PodSecurity')
})

test('templates are told of what their pods would be refused for', async () => {
  await namespace('warned', { warn: 'restricted', 'warn-version': 'v1.21' })
  const template = { metadata: { labels: { a: 'b' } }, spec: spec() }
  const warnings = await call('create', Deployment, 'warned', 'web', {
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  })
  expect(warnings).toEqual([
    expect.stringMatching(
      /^would violate PodSecurity "restricted:v1.21": allowPrivilegeEscalation != false \(.*\), runAsNonRoot != true/,
    ),
  ])
  expect(await pod('warned', 'pod', spec())).toEqual(warnings)
})

test('labels that make no sense are refused, unless they are old', async () => {
  await expect(namespace('odd', { enforce: 'strict', 'warn-version': '1.2' })).rejects.toThrow(
    'Namespace "odd" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": ' +
      'must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: ' +
      'Invalid value: "1.2": must be "latest" or "v1.x"]',
  )
})

test('who is exempt, and what holds by default, stands in a file', async () => {
  const podSecurity = {
    apiVersion: 'pod-security.admission.config.k8s.io/v1',
    kind: 'PodSecurityConfiguration',
    defaults: { enforce: 'baseline', 'enforce-version': 'v1.30' },
    exemptions: { namespaces: ['kube-system'], usernames: ['root'] },
  }
  const file = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins: [{ name: 'PodSecurity', path: 'x' }],
  }
  const configuration = await podSecurityIn(file, async () => podSecurity)
  expect(configuration).toEqual(parsePodSecurity(podSecurity))
  const { policy } = policyOf({}, configuration!.defaults)
  expect([standardText(policy.enforce), standardText(policy.warn)]).toEqual(['baseline:v1.30', 'privileged:latest'])
  expect(await podSecurityIn({ ...file, plugins: [] }, async () => podSecurity)).toBeUndefined()
  await server.stop()
  server = await testServer({ admission: podSecuritySteps(configuration) })
  await expect(pod('default', 'bad', spec({ privileged: true }))).rejects.toThrow(
    'violates PodSecurity "baseline:v1.30": privileged',
  )
  await pod('kube-system', 'exempt', spec({ privileged: true }))
  user = { name: 'root', groups: [] }
  await pod('default', 'of-root', spec({ privileged: true }))
})

test.each<[object, string]>([
  [{}, 'it must be of apiVersion pod-security.admission.config.k8s.io/v1'],
  [
    { defaults: { enforce: 'strict' } },
    'defaults.enforce: Invalid value: "strict": must be one of privileged, baseline, restricted',
  ],
  [{ defaults: { 'warn-version': 'v2' } }, 'defaults.warn-version: Invalid value: "v2": must be "latest" or "v1.x"'],
  [{ exemptions: { namespaces: ['a', 'B', 'a'] } }, 'exemptions.namespaces[1]: Invalid value: "B"'],
  [{ exemptions: { namespaces: ['a', 'B', 'a'] } }, 'exemptions.namespaces[2]: Duplicate value: "a"'],
  [{ exemptions: { usernames: [''] } }, 'exemptions.usernames[0]: Invalid value: "": username must not be empty'],
  [{ exempt: {} }, 'unknown field exempt'],
])('a configuration %j is refused', (body, message) => {
  const head = 'defaults' in body || 'exemptions' in body || 'exempt' in body
  const kind = { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration' }
  expect(() => parsePodSecurity({ ...(head && kind), ...body })).toThrow(message)
  expect(defaultPodSecurity.defaults.enforce.level).toBe('privileged')
})
