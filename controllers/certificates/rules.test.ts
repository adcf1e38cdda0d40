import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { issueCertificate } from '../../lib/x509/certificate.ts'
import { makeRequest, readRequest } from '../../lib/x509/request.ts'
import { nodeWith } from '../shared/test-objects.ts'
import { testCluster } from '../testing.ts'
import { reasonToRemove } from './cleaner.ts'
import { clientFault, kubeletClientFault, kubeletServingFault } from './kubelet-requests.ts'
import { servingDoubt } from './serving-plan.ts'
import { certificateSigning, validityOf } from './signing.ts'

const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const request = (commonName: string, hosts: string[] = [], organizations = ['system:nodes']) =>
  makeRequest({ subject: { commonName, organizations }, hosts, key })
const asked = (...args: Parameters<typeof request>) => readRequest(request(...args))
const client = ['client auth', 'digital signature']
const serving = ['digital signature', 'server auth']

test.each([
  [asked('system:node:a'), client, undefined],
  [asked('system:node:a'), [...client, 'key encipherment'], undefined],
  [asked('system:node:a'), ['client auth'], 'usages did not match [client auth digital signature key encipherment]'],
  [asked('system:node:a'), [...client, 'server auth'], 'usages did not match [client auth digital signature key encipherment]'],
  [asked('node:a'), client, 'subject common name does not begin with system:node:'],
  [asked('system:node:a', [], ['system:masters']), client, 'subject organization is not system:nodes'],
  [asked('system:node:a', [], ['system:nodes', 'x']), client, 'subject organization is not system:nodes'],
  [asked('system:node:a', ['a.example']), client, 'DNS subjectAltNames are not allowed'],
  [asked('system:node:a', ['10.0.0.1']), client, 'IP subjectAltNames are not allowed'],
])('a client certificate of a kubelet: %#', (facts, usages, fault) => expect(kubeletClientFault(facts, usages)).toBe(fault))

test.each([
  [asked('system:node:a', ['a', '10.0.0.1']), serving, undefined],
  [asked('system:node:a'), serving, 'DNS or IP subjectAltName is required'],
  [asked('a', ['a']), serving, 'subject common name does not begin with system:node:'],
  [asked('system:node:a', ['a']), client, 'usages did not match [digital signature key encipherment server auth]'],
])('a serving certificate of a kubelet: %#', (facts, usages, fault) => expect(kubeletServingFault(facts, usages)).toBe(fault))

test.each([
  [['client auth'], undefined],
  [['client auth', 'key encipherment', 'digital signature'], undefined],
  [['digital signature'], 'missing required usage for client certificate: client auth'],
  [['client auth', 'cert sign'], 'invalid usage for client certificate: cert sign'],
])('a client certificate with the usages %j', (usages, fault) => expect(clientFault(usages)).toBe(fault))

const node = nodeWith({
  metadata: { name: 'a' },
  status: {
    addresses: [
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'InternalIP', address: '127.0.0.1' },
      { type: 'Hostname', address: 'a.example' },
      { type: 'Hostname', address: 'kubernetes.default.svc' },
    ],
  },
})
const nodeUser = { username: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

test.each([
  ['its own addresses', ['a', 'a.example', '10.0.0.1'], nodeUser, undefined],
  ['another address', ['10.0.0.2'], nodeUser, '10.0.0.2 is no address of the node'],
  ['the loopback address', ['127.0.0.1'], nodeUser, '127.0.0.1 is no address of the node'],
  ['the name of the API server', ['kubernetes.default.svc'], nodeUser, 'kubernetes.default.svc is no address of the node'],
  ['asked by another node', ['a'], { ...nodeUser, username: 'system:node:b' }, 'it was not asked for by the node that it names'],
  ['asked by somebody of that name', ['a'], { ...nodeUser, groups: [] }, 'it was not asked for by the node that it names'],
])('a serving certificate with %s', (_, hosts, who, doubt) => {
  expect(servingDoubt({ asked: asked('system:node:a', hosts), usages: serving, ...who, node })).toBe(doubt)
})

const hour = 3_600_000
const limits = { longestInMs: 24 * hour, authorityEndsAt: 1000 * hour }
test.each([
  ['as long as the signer gives', undefined, 24 * hour - 300_000],
  ['less, as asked for', 4 * 3600, 4 * hour],
  ['never less than ten minutes', 60, 600_000],
  ['never more than the signer gives', 1e6, 24 * hour - 300_000],
])('a certificate is good for %s', (_, seconds, notAfter) => {
  expect(validityOf(0, seconds, limits)).toEqual({ notBefore: -300_000, notAfter })
})

test('no certificate outlives the authority, and none is signed after it', () => {
  expect(validityOf(999 * hour, undefined, limits).notAfter).toBe(1000 * hour)
  expect(() => validityOf(1000 * hour, undefined, limits)).toThrow('the signer has expired')
})

const decided = (type: string, at: string, certificate?: string) => ({
  metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
  status: { conditions: type ? [{ type, status: 'True', lastUpdateTime: at }] : [], ...(certificate && { certificate }) },
})
const at = (time: string) => Date.parse(`2026-01-01T${time}Z`)
test.each([
  [decided('Approved', '2026-01-01T00:00:00Z', 'x'), at('01:00:01'), 'it was issued more than an hour ago'],
  [decided('Approved', '2026-01-01T00:00:00Z'), at('23:00:00'), undefined],
  [decided('Denied', '2026-01-01T00:00:00Z'), at('01:00:01'), 'it was denied more than an hour ago'],
  [decided('Denied', '2026-01-01T00:00:00Z'), at('01:00:00'), undefined],
  [decided('Failed', '2026-01-01T00:00:00Z'), at('01:00:01'), 'it failed more than an hour ago'],
  [decided('', ''), at('23:59:59'), undefined],
  [decided('', ''), at('00:00:01') + 24 * hour, 'nobody decided about it for a day'],
])('a request is kept as long as it is of use: %#', (object, now, why) => expect(reasonToRemove(object as never, now)).toBe(why))

const authority = issueCertificate({
  subject: { commonName: 'ca' },
  purpose: 'authority',
  notBefore: Date.UTC(2025, 0, 1),
  notAfter: Date.UTC(2035, 0, 1),
})

test('what was approved is signed for the key that asked; what breaks the rules of its signer is marked Failed', async () => {
  await using cluster = await testCluster([certificateSigning({ authority })])
  const ask = async (name: string, pem: string, usages: string[], signerName: string) => {
    const spec = { request: Buffer.from(pem).toString('base64'), usages, signerName }
    const made = await cluster.client.create(CertificateSigningRequest, { metadata: { name }, spec })
    const condition = { type: 'Approved', status: 'True' as const, reason: 'Test', message: '' }
    const approved = { ...made, status: { conditions: [condition] } }
    await cluster.client.update(CertificateSigningRequest, approved, { subresource: 'approval' })
  }
  await ask('good', request('system:node:a', ['a', '10.0.0.1', '::1']), serving, 'kubernetes.io/kubelet-serving')
  await ask('bad', request('eve', [], ['system:nodes']), client, 'kubernetes.io/kube-apiserver-client-kubelet')
  await ask('strange', request('eve'), client, 'example.com/signer')
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(CertificateSigningRequest, { name: 'good' })
    const certificate = new X509Certificate(Buffer.from(status.certificate ?? '', 'base64'))
    expect(certificate.checkPrivateKey(key)).toBe(true)
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:a')
    expect(certificate.subjectAltName).toBe('DNS:a, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(certificate.ca).toBe(false)
  })
  const bad = await cluster.client.get(CertificateSigningRequest, { name: 'bad' })
  expect(bad.status.conditions?.at(-1)).toMatchObject({
    type: 'Failed',
    reason: 'SignerValidationFailure',
    message: 'subject common name does not begin with system:node:',
  })
  const strange = await cluster.client.get(CertificateSigningRequest, { name: 'strange' })
  expect(strange.status.certificate).toBeUndefined()
})
