import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { type VirtualClock, virtualClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { authenticator } from './authenticator.ts'
import { type ServiceAccountTokens, serviceAccountTokens, type TokenClaims } from './tokens.ts'

const newKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const key = newKey()
const claims: TokenClaims = {
  namespace: 'dev',
  serviceAccount: { name: 'robot', uid: 'sa-1' },
  expirationSeconds: 3600,
  pod: { name: 'web', uid: 'pod-1' },
  node: { name: 'n1', uid: 'node-1' },
}

let clock: VirtualClock
let tokens: ServiceAccountTokens
let uids: Record<string, string | undefined>
const make = (pem: string, issuer?: string) =>
  serviceAccountTokens({
    key: pem,
    clock,
    random: seededRandom(1),
    ...(issuer && { issuer }),
    lookup: {
      serviceAccountUid: (namespace, name) => uids[`${namespace}/${name}`],
      podUid: (namespace, name) => uids[`${namespace}/${name}`],
      nodeUid: name => uids[name],
      secretUid: (namespace, name) => uids[`${namespace}/${name}`],
      secretToken: async (namespace, name) => uids[`token of ${namespace}/${name}`],
    },
  })
const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

beforeEach(() => {
  clock = virtualClock()
  uids = { 'dev/robot': 'sa-1', 'dev/web': 'pod-1' }
  tokens = make(key)
})

test('a token speaks of its service account, pod and node', async () => {
  const { token, expirationTimestamp } = await tokens.issue(claims)
  expect(expirationTimestamp).toBe('2026-01-01T01:00:00Z')
  const now = clock.now() / 1000
  expect(payloadOf(token)).toMatchObject({
    iss: tokens.issuer,
    sub: 'system:serviceaccount:dev:robot',
    aud: [tokens.issuer],
    iat: now,
    nbf: now,
    exp: now + 3600,
  })
  expect(await tokens.verify(token)).toEqual({
    audiences: [tokens.issuer],
    user: {
      name: 'system:serviceaccount:dev:robot',
      uid: 'sa-1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:dev', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': ['node-1'],
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': ['pod-1'],
      },
    },
  })
})

describe('a token is worth nothing', () => {
  test.each<[string, () => void]>([
    ['when its service account is gone', () => (uids['dev/robot'] = undefined)],
    ['when its service account was replaced', () => (uids['dev/robot'] = 'sa-2')],
    ['when its pod is gone', () => (uids['dev/web'] = undefined)],
  ])('%s, even after it was believed once', async (_, change) => {
    const { token } = await tokens.issue(claims)
    expect(await tokens.verify(token)).toBeDefined()
    change()
    expect(await tokens.verify(token)).toBeUndefined()
  })

  test('when its time is over', async () => {
    const { token } = await tokens.issue(claims)
    expect(await tokens.verify(token)).toBeDefined()
    await clock.advance(3659_000) // clocks may differ by a minute
    expect(await tokens.verify(token)).toBeDefined()
    await clock.advance(1000)
    expect(await tokens.examine(token)).toBe('service account token has expired')
  })

  test('when it was meant for others', async () => {
    const { token } = await tokens.issue({ ...claims, audiences: ['vault', 'db'] })
    expect(await tokens.verify(token)).toBeUndefined()
    expect((await tokens.verify(token, ['db', 'web']))?.audiences).toEqual(['db'])
  })

  test('when it is forged', async () => {
    const { token } = await tokens.issue(claims)
    const [head = '', payload = '', signature = ''] = token.split('.')
    const other = { ...payloadOf(token), sub: 'system:serviceaccount:kube-system:root' }
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const forged = [
      `${head}.${Buffer.from(JSON.stringify(other)).toString('base64url')}.${signature}`,
      `${none}.${payload}.`,
      (await make(newKey()).issue(claims)).token,
      (await make(key, 'https://elsewhere').issue(claims)).token,
      'nonsense',
      '',
    ]
    for (const text of forged) expect(await tokens.verify(text)).toBeUndefined()
  })
})

test('a token of the usual hour for pods lives a year, and says when it should have been renewed', async () => {
  const { token, expirationTimestamp } = await tokens.issue({ ...claims, expirationSeconds: 3607 })
  const now = clock.now() / 1000
  expect(expirationTimestamp).toBe('2026-01-01T01:00:07Z')
  expect(payloadOf(token)).toMatchObject({ exp: now + 365 * 86_400, 'kubernetes.io': { warnafter: now + 3607 } })
})

test('a token of a node dies with it', async () => {
  uids['n1'] = 'node-1'
  const { pod: _, ...ofNode } = claims
  const { token } = await tokens.issue(ofNode)
  expect((await tokens.verify(token))?.user.extra).toMatchObject({ 'authentication.kubernetes.io/node-name': ['n1'] })
  uids['n1'] = undefined
  expect(await tokens.examine(token)).toBe('service account token has been invalidated')
  uids['n1'] = 'node-2'
  expect(await tokens.examine(token)).toBe('node UID (node-2) does not match service account node ref claim (node-1)')
})

test('a token of a Secret is good as long as the Secret holds it', async () => {
  const token = await tokens.issueForSecret('dev', { name: 'robot', uid: 'sa-1' }, 'robot-token')
  expect(await tokens.examine(token)).toBe('Token has been invalidated')
  uids['token of dev/robot-token'] = token
  const verified = await tokens.verify(token)
  expect(verified?.user).toEqual({
    name: 'system:serviceaccount:dev:robot',
    uid: 'sa-1',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:dev', 'system:authenticated'],
  })
  await clock.advance(10 * 365 * 86_400_000)
  expect(await tokens.verify(token)).toBeDefined()
  expect(await tokens.verify(token, ['vault'])).toBeUndefined()
  uids['token of dev/robot-token'] = 'another'
  expect(await tokens.examine(token)).toBe("Token does not match server's copy")
  uids['token of dev/robot-token'] = token
  uids['dev/robot'] = 'sa-2'
  expect(await tokens.examine(token)).toBe('ServiceAccount UID (sa-2) does not match claim (sa-1)')
})

test('a key of RSA signs RS256', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const rsa = make(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  expect(await rsa.verify((await rsa.issue(claims)).token)).toBeDefined()
  expect(rsa.jwks().keys[0]).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' })
})

test('the public key is published', () => {
  expect(tokens.jwks()).toEqual({
    keys: [
      {
        use: 'sig',
        kty: 'EC',
        crv: 'P-256',
        alg: 'ES256',
        kid: expect.any(String),
        x: expect.any(String),
        y: expect.any(String),
      },
    ],
  })
})

describe('bearer tokens', () => {
  const known = { token: 'let-me-in', user: { name: 'ci', groups: ['robots'] } }
  test('known by heart', async () => {
    expect(await authenticator({ staticTokens: [known] }).tokenUser('let-me-in')).toEqual({
      name: 'ci',
      groups: ['robots', 'system:authenticated'],
    })
  })
  test('of service accounts', async () => {
    const { token } = await tokens.issue(claims)
    expect((await authenticator({ tokens, staticTokens: [known] }).tokenUser(token)).name).toBe('system:serviceaccount:dev:robot')
  })
  test('of nobody are refused', async () => {
    await expect(authenticator({ tokens, staticTokens: [known] }).tokenUser('let-me-on')).rejects.toThrow('Unauthorized')
  })
})
