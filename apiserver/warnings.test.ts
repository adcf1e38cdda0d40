import { afterEach, beforeEach, expect, test } from 'vitest'
import { users } from '../api/user.ts'
import { issueCertificate } from '../lib/x509/certificate.ts'
import type { ApiRequest } from './request.ts'
import { type TestServer, testServer } from './testing.ts'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server.stop())

const nodeSelector = { 'beta.kubernetes.io/os': 'linux' }
const containers = [{ name: 'c', image: 'x' }]
const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
const deployments = { ...pods, group: 'apps', resource: 'deployments' }
const deployment = (replicas: number, spec: object = {}) => ({
  metadata: { name: 'a.b' },
  spec: { replicas, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec } },
})

async function warnings(call: object): Promise<readonly string[]> {
  const answer = await server.pipeline.handle({ user: users.admin, ...call } as unknown as ApiRequest)
  if (answer.type !== 'object') throw new Error(answer.type)
  return answer.warnings
}

test('who creates or changes an object is told what its kind has to say, once it is valid', async () => {
  const odd = { containers, nodeSelector }
  const told = 'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'
  const dotted = expect.stringMatching(/^metadata\.name: .* a DNS label is recommended: \[must not contain dots\]$/)
  expect(await warnings({ ...deployments, verb: 'create', body: deployment(1, odd) })).toEqual([dotted, told])
  const update = { ...deployments, verb: 'update', name: 'a.b' }
  expect(await warnings({ ...update, body: deployment(1, odd) })).toEqual([])
  expect(await warnings({ ...update, body: deployment(2, odd) })).toEqual([told])
  expect(await warnings({ ...update, body: deployment(3, { containers }) })).toEqual([])
  const patch = { ...update, verb: 'patch', patchType: 'merge', body: { spec: { template: { spec: { nodeSelector } } } } }
  expect(await warnings(patch)).toEqual([told])
  const scale = { ...update, verb: 'patch', patchType: 'merge', subresource: 'scale', body: { spec: { replicas: 5 } } }
  expect(await warnings(scale)).toEqual([])
})

test('pods that are changed say nothing, whatever they are', async () => {
  const pod = { metadata: { name: 'p' }, spec: { containers, nodeSelector } }
  expect(await warnings({ ...pods, verb: 'create', body: pod })).toHaveLength(1)
  const body = { metadata: { labels: { a: 'b' } } }
  expect(await warnings({ ...pods, verb: 'patch', name: 'p', patchType: 'merge', body })).toEqual([])
})

test('a version that is kept as another one says what that one does', async () => {
  const template = { spec: { containers, nodeSelector, restartPolicy: 'Never' } }
  const body = { metadata: { name: 'c' }, spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } }
  const told = await warnings({ ...pods, group: 'batch', version: 'v1beta1', resource: 'cronjobs', verb: 'create', body })
  expect(told.slice(1)).toEqual([expect.stringMatching(/^spec\.jobTemplate\.spec\.template\.spec\.nodeSelector/)])
})

test('a certificate whose key is another one', async () => {
  const validity = { notBefore: 0, notAfter: 4_000_000_000_000 }
  const issue = () => issueCertificate({ ...validity, subject: { commonName: 'x' }, purpose: 'authority' })
  const [a, b] = [issue(), issue()]
  const secret = (name: string, certificate: string, key: string) => ({
    metadata: { name },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': certificate, 'tls.key': key },
  })
  const create = (body: object) => warnings({ ...pods, resource: 'secrets', verb: 'create', body })
  expect(await create(secret('a', a.certificate, a.key))).toEqual([])
  expect(await create(secret('b', a.certificate, b.key))).toEqual(['tls: private key does not match public key'])
  expect(await create(secret('c', a.certificate, 'x'))).toEqual(['tls: failed to find any PEM data in key input'])
})
