import { expect, test } from 'vitest'
import type { Client } from '../client/client.ts'
import { timestamp, virtualClock } from '../lib/clock.ts'
import { apiObjects } from './objects.ts'
import { samplePod } from './samples.ts'

const hourInMs = 3600_000

/** Gives tokens `token 1`, `token 2`, ... that live as long as asked for, or as long as `givesSeconds` says. */
function issuer({ givesSeconds }: { givesSeconds?: number } = {}) {
  const clock = virtualClock()
  const asked: unknown[] = []
  const state = { isDown: false }
  const client = {
    async createSubresource(
      _kind: unknown,
      ref: unknown,
      subresource: string,
      { spec }: { spec: { expirationSeconds: number } },
    ) {
      if (state.isDown) throw new Error('server is down')
      asked.push({ ref, subresource, spec })
      const lifeInMs = (givesSeconds ?? spec.expirationSeconds) * 1000
      return { status: { token: `token ${asked.length}`, expirationTimestamp: timestamp(clock.now() + lifeInMs) } }
    },
  } as unknown as Client
  const objects = apiObjects({ client, clock })
  const pod = samplePod({ serviceAccountName: 'builder' })
  const token = (expirationSeconds = 3600, audience = '') => objects.token(pod, { audience, expirationSeconds })
  return { clock, asked, state, objects, token }
}

test('a token is bound to its pod and the same until four fifths of its life are over', async () => {
  const { clock, asked, token } = issuer()
  expect(await token()).toBe('token 1')
  expect(asked).toEqual([
    {
      ref: { namespace: 'default', name: 'builder' },
      subresource: 'token',
      spec: { expirationSeconds: 3600, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'uid-1' } },
    },
  ])
  await clock.advance(0.8 * hourInMs - 1)
  expect(await token()).toBe('token 1')
  await clock.advance(1)
  expect(await token()).toBe('token 2')
  expect(await token(3600, 'vault')).toBe('token 3')
})

test('what the server gives counts, and a day is the most', async () => {
  const short = issuer({ givesSeconds: 600 })
  await short.token()
  await short.clock.advance(480_000)
  expect(await short.token()).toBe('token 2')
  const long = issuer()
  await long.token(365 * 24 * 3600)
  await long.clock.advance(24 * hourInMs)
  expect(await long.token(365 * 24 * 3600)).toBe('token 2')
})

test('a token that cannot be renewed is used to its end', async () => {
  const { clock, state, token, objects } = issuer()
  await token()
  state.isDown = true
  await clock.advance(0.9 * hourInMs)
  expect(await token()).toBe('token 1')
  await clock.advance(0.1 * hourInMs)
  await expect(token()).rejects.toThrow('server is down')
  state.isDown = false
  objects.forget('uid-1')
  expect(await token()).toBe('token 2')
})
