import { expect, test } from 'vitest'
import type { Secret } from '../../api/core/secret.ts'
import { virtualClock } from '../../lib/clock.ts'
import { bootstrapUser } from './bootstrap-tokens.ts'

const good = {
  'token-id': 'abcdef',
  'token-secret': '0123456789abcdef',
  'usage-bootstrap-authentication': 'true',
  'auth-extra-groups': 'system:bootstrappers:workers',
}

function userOf(token: string, data: Record<string, string>, more: object = {}) {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  const secret = { metadata: {}, type: 'bootstrap.kubernetes.io/token', data: encoded, ...more } as Secret
  return bootstrapUser(token, {
    clock: virtualClock(),
    secret: async name => (name === 'bootstrap-token-abcdef' ? secret : undefined),
  })
}

test('a bootstrap token makes a bootstrapper', async () => {
  expect(await userOf('abcdef.0123456789abcdef', { ...good, expiration: '2026-01-01T00:00:01Z' })).toEqual({
    name: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
  })
})

test.each<[string, string, Record<string, string>, object]>([
  ['of another form', 'abcdef-0123456789abcdef', good, {}],
  ['nobody knows', 'fedcba.0123456789abcdef', good, {}],
  ['with a wrong secret', 'abcdef.0123456789abcdeX', good, {}],
  ['with another secret', 'abcdef.0123456789abcdee', good, {}],
  ['whose id does not fit', 'abcdef.0123456789abcdef', { ...good, 'token-id': 'other1' }, {}],
  ['that is over', 'abcdef.0123456789abcdef', { ...good, expiration: '2026-01-01T00:00:00Z' }, {}],
  ['whose end cannot be read', 'abcdef.0123456789abcdef', { ...good, expiration: 'tomorrow' }, {}],
  ['for signing only', 'abcdef.0123456789abcdef', { ...good, 'usage-bootstrap-authentication': 'false' }, {}],
  ['with a group of others', 'abcdef.0123456789abcdef', { ...good, 'auth-extra-groups': 'system:masters' }, {}],
  ['of another type', 'abcdef.0123456789abcdef', good, { type: 'Opaque' }],
  ['that is going', 'abcdef.0123456789abcdef', good, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }],
])('one %s makes nobody', async (_, token, data, more) => {
  expect(await userOf(token, data, more)).toBeUndefined()
})
