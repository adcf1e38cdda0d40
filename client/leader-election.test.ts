import { expect, test } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { ApiError } from '../api/errors.ts'
import type { Call } from '../api/transport.ts'
import { testServer } from '../apiserver/testing.ts'
import { virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { aborted } from '../lib/run.ts'
import type { EventRecorder } from './events.ts'
import { type ElectionTimes, runAsLeader, usualElectionTimes } from './leader-election.ts'
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

  const candidate = (identity: string, times?: Partial<ElectionTimes>) => {
    const state = {
      isCutOff: false,
      hangs: false,
      heldUpInMs: 0,
      askedByTheEnd: undefined as number | undefined,
      asked: [] as string[],
      told: [] as string[],
    }
    const call = async (call: Call) => {
      state.asked.push(call.verb)
      if (state.isCutOff) throw new ApiError('ServiceUnavailable', 'cut off')
      if (state.hangs) return new Promise<never>(() => {})
      return transport.call(call)
    }
    const client = createClient({ ...transport, call })
    const stopping = new AbortController()
    const record: EventRecorder['record'] = (about, type, reason, message) =>
      void state.told.push(`${type} ${reason} ${about.metadata.name}: ${message}`)
    const ownClock = { ...clock, monotonic: () => clock.monotonic() + state.heldUpInMs }
    const options = { client, clock: ownClock, random: seededRandom(1), log: silentLog, lease, identity, events: { record } }
    const run = runAsLeader({ ...options, times: { ...usualElectionTimes, ...times } }, async signal => {
      tell(`${identity} leads`)
      await aborted(signal)
      state.askedByTheEnd = state.asked.length
      tell(`${identity} stops`)
    })
    const running = run(stopping.signal)
    const self = {
      cutOff: (isCutOff: boolean) => void (state.isCutOff = isCutOff),
      /** From now on the server takes up what it asks and never answers, or does again. */
      hang: (hangs: boolean) => void (state.hangs = hangs),
      /** The process does not run for so long, and then goes on. */
      holdUp: (ms: number) => void (state.heldUpInMs += ms),
      asked: () => state.asked.splice(0),
      askedByTheEnd: () => state.askedByTheEnd,
      told: state.told,
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

test('a leader renews with one request, every two seconds', async () => {
  await using election = await setUp()
  const a = election.candidate('a')
  await election.clock.advance(1_000)
  expect(a.asked()).toEqual(['get', 'create'])
  await election.clock.advance(20_000)
  expect(a.asked()).toEqual(Array(10).fill('update'))
})

test('who wrote to the Lease meanwhile does not cost the leader his place, and renews nothing', async () => {
  await using election = await setUp()
  const a = election.candidate('a')
  await election.clock.advance(1_000)
  election.candidate('b')
  await election.clock.advance(3_000)
  const annotate = (text: string) => election.client.patch(Lease, lease, 'merge', { metadata: { annotations: { text } } })
  await annotate('hello')
  a.asked()
  await election.clock.advance(2_000)
  expect(a.asked()).toEqual(['update', 'get', 'update'])
  a.cutOff(true)
  for (let i = 0; i < 30; i++) {
    await annotate(`${i}`)
    await election.clock.advance(1_000)
  }
  expect(election.log[2]).toMatch(/^b leads at (2[1-5]|19|20)/)
})

test('a server that takes requests up and says nothing is asked again, and its leader stops in time', async () => {
  await using election = await setUp()
  const a = election.candidate('a')
  await election.clock.advance(1_000)
  a.hang(true)
  a.asked()
  await election.clock.advance(7_000)
  expect(a.asked()).toEqual(['update'])
  a.hang(false)
  await election.clock.advance(2_000)
  expect(election.log).toEqual(['a leads at 0'])
  a.hang(true)
  await election.clock.advance(12_000)
  expect(election.log[1]).toBe('a stops at 19')
  a.hang(false)
  await election.clock.advance(20_000)
  expect(election.log[2]).toMatch(/^a leads at/)
})

test('a leader that was held up for longer than it may stops before it does anything else', async () => {
  await using election = await setUp()
  const a = election.candidate('a')
  await election.clock.advance(1_000)
  a.asked()
  a.holdUp(60_000)
  await election.clock.advance(2_000)
  expect(election.log[1]).toMatch(/^a stops at/)
  expect(a.askedByTheEnd()).toBe(0)
})

test('a lease of less than whole seconds is told rounded up; events say who leads', async () => {
  await using election = await setUp()
  const a = election.candidate('a', { leaseDurationInMs: 1500, renewDeadlineInMs: 1000, retryPeriodInMs: 250 })
  await election.clock.advance(1_000)
  expect(await election.spec()).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 2 })
  await a.stop()
  expect(a.told).toEqual([
    'Normal LeaderElection controllers: a became leader',
    'Normal LeaderElection controllers: a stopped leading',
  ])
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
