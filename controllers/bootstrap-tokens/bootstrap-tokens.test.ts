import { expect, test } from 'vitest'
import { detachedSignature, isSignedBy, parseBootstrapToken } from '../../api/bootstrap-tokens.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Secret } from '../../api/core/secret.ts'
import { isReason } from '../../api/errors.ts'
import { timestamp } from '../../lib/clock.ts'
import { testCluster } from '../testing.ts'
import { tokenCleaner } from './cleaner.ts'
import { bootstrapSigner } from './signer.ts'

const secret = (id: string, more: Record<string, string> = {}) => ({
  metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
  type: 'bootstrap.kubernetes.io/token',
  stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more },
})
const info = { namespace: 'kube-public', name: 'cluster-info' }
const kubeconfig = 'clusters: []'

test('cluster-info is signed by every token that may sign, and by no other', async () => {
  await using cluster = await testCluster([bootstrapSigner, tokenCleaner])
  const { client, clock } = cluster
  await client.create(ConfigMap, { metadata: info, data: { kubeconfig, 'jws-kubeconfig-forged': 'x' } })
  await client.create(Secret, secret('aaaaaa', { expiration: timestamp(clock.now() + 60_000) }))
  await client.create(Secret, secret('bbbbbb', { 'usage-bootstrap-signing': 'false' }))
  await client.create(Secret, secret('cccccc', { 'token-id': 'dddddd' }))
  const token = { id: 'aaaaaa', secret: '0123456789abcdef' }
  await cluster.eventually(async () => {
    const { data } = await client.get(ConfigMap, info)
    expect(data).toEqual({ kubeconfig, 'jws-kubeconfig-aaaaaa': detachedSignature(kubeconfig, token) })
  })
  // A minute later the token is over: it goes, and its signature with it.
  await cluster.advance(61_000)
  await cluster.eventually(async () => expect((await client.get(ConfigMap, info)).data).toEqual({ kubeconfig }))
  const gone = client.get(Secret, { namespace: 'kube-system', name: 'bootstrap-token-aaaaaa' })
  expect(isReason(await gone.catch((error: unknown) => error), 'NotFound')).toBe(true)
})

test('a signature is a JWS without its payload, as kubeadm makes and reads it', () => {
  const token = { id: 'abcdef', secret: '0123456789abcdef' }
  const signature = detachedSignature('text', token)
  expect(signature).toMatch(/^eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9\.\.[\w-]{43}$/)
  expect(isSignedBy(token, 'text', signature)).toBe(true)
  expect(isSignedBy(token, 'texts', signature)).toBe(false)
  expect(isSignedBy({ ...token, secret: 'fedcba9876543210' }, 'text', signature)).toBe(false)
})

test.each([
  ['abcdef.0123456789abcdef', true],
  ['abcdef.0123456789abcde', false],
  ['ABCDEF.0123456789abcdef', false],
  ['abcdef', false],
])('%s is a token: %s', (text, is) => expect(parseBootstrapToken(text) !== undefined).toBe(is))
