import { expect, test } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { ApiError } from '../api/errors.ts'
import type { Call } from '../api/transport.ts'
import { testServer } from '../apiserver/testing.ts'
import { virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { aborted } from '../lib/run.ts'
import { runAsLeader } from './leader-election.ts'
import { createClient } from './typed-client.ts'

const lease = { namespace: 'kube-system', name: 'controllers' }

/** Candidates on one clock; each may be cut off from the server. */
async function setUp() {
  const clock = virtualClock()
  const server = await testServer({ clock, random: seededRandom(1) })
  const transport = server.transport()
  const log: string[] = []
  const tell = (text: string) => log.push(`${text} at ${clock.monotonic() / 1000}`)
  const everyone: { stop: () => Promise<void> }[] = []

  const candidate = (identity: string) => {
    const state = { isCutOff: false }
    const call = async (call: Call) => {
      if (state.isCutOff) throw new ApiError('ServiceUnavailable', 'cut off')
      return transport.call(call)
    }
    const client = createClient({ ...transport, call })
    const stopping = new AbortController()
    const run = runAsLeader({ client, clock, random: seededRandom(1), log: silentLog, lease, identity }, async signal => {
      tell(`${identity} leads`)
      await aborted(signal)
      tell(`${identity} stops`)
    })
    const running = run(stopping.signal)
    const self = {
      cutOff: (isCutOff: boolean) => void (state.isCutOff = isCutOff),
      async stop() {
        stopping.abort()
        await running
      },
    }
    everyone.push(self)
    return self
  }
  return {
    candidate,
    clock,
    log,
    client: createClient(transport),
    spec: async () => (await createClient(transport).get(Lease, lease)).spec,
    async [Symbol.asyncDispose]() {
      await Promise.all(everyone.map(each => each.stop()))
      await server.stop()
    },
  }
}

test('the first candidate leads and keeps renewing; the second waits', async () => {
  await using election = await setUp()
  election.candidate('a')
  await election.clock.advance(1_000)
  election.candidate('b')
  await election.clock.advance(59_000)
  expect(election.log).toEqual(['a leads at 0'])
  expect(await election.spec()).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:01:00.000000Z',
    leaseTransitions: 0,
  })
})

test('a leader that stops hands the lease over at once', async () => {
  await using election = await setUp()
  const a = election.candidate('a')
  await election.clock.advance(1_000)
  election.candidate('b')
  await election.clock.advance(10_000)
  await a.stop()
  expect(await election.spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
  await election.clock.advance(5_000)
  expect(election.log.slice(0, 2)).toEqual(['a leads at 0', 'a stops at 11'])
  expect(election.log[2]).toMatch(/^b leads/)
  expect(await election.spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
})

test('a leader that cannot renew stops before anybody else starts, and comes back as a candidate', async () => {
  await using election = await setUp()
  const a = election.candidate('a')
  await election.clock.advance(1_000)
  election.candidate('b')
  await election.clock.advance(9_000)
  a.cutOff(true)
  await election.clock.advance(40_000)
  const [led, stopped, taken, ...more] = election.log
  expect([led, stopped, more]).toEqual(['a leads at 0', 'a stops at 20', []])
  expect(taken).toMatch(/^b leads at (2[5-9]|3[0-3])/)
  a.cutOff(false)
  await election.clock.advance(60_000)
  expect(election.log).toHaveLength(3)
  expect(await election.spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
})

test('the clock of the holder does not matter, only how long its record stands still', async () => {
  await using election = await setUp()
  const renewTime = '2020-01-01T00:00:00.000000Z'
  await election.client.create(Lease, { metadata: lease, spec: { holderIdentity: 'slow', leaseDurationSeconds: 15, renewTime } })
  election.candidate('b')
  await election.clock.advance(14_000)
  expect(election.log).toEqual([])
  await election.clock.advance(6_000)
  expect(election.log[0]).toMatch(/^b leads at 1[5-9]/)
})

test('what fails inside is passed on, and the lease is given back', async () => {
  const clock = virtualClock()
  const server = await testServer({ clock, random: seededRandom(1) })
  const client = createClient(server.transport())
  const run = runAsLeader({ client, clock, random: seededRandom(1), log: silentLog, lease, identity: 'a' }, async () => {
    throw new Error('broken')
  })
  await expect(run(new AbortController().signal)).rejects.toThrow('broken')
  expect((await client.get(Lease, lease)).spec).toMatchObject({ holderIdentity: '' })
  await server.stop()
})
