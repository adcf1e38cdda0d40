import { expect, test } from 'vitest'
import { type UserInfo, users } from '../../api/user.ts'
import { virtualClock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import { authenticator } from '../auth/authenticator.ts'
import { builtIn, builtInLevels } from '../overload/built-in.ts'
import type { FlowControlSource } from '../overload/configuration.ts'
import { overloadGate } from '../overload/gate.ts'
import type { ApiResponse } from '../request.ts'
import { testServer } from './testing.ts'

const people: Record<string, UserInfo> = {
  noisy: { name: 'noisy', groups: [] },
  quiet: { name: 'quiet', groups: [] },
  n1: users.node('n1'),
}
const pods = '/api/v1/namespaces/default/pods'
/** Connections cost too much to have hundreds of them in a test: the queues are as short as they are many. */
const queuing = { queues: 64, handSize: 2, queueLengthLimit: 5 }
const small: FlowControlSource = {
  ...builtIn,
  levels: () =>
    builtInLevels.map(level =>
      level.spec.limited
        ? { ...level, spec: { ...level.spec, limited: { ...level.spec.limited, limitResponse: { type: 'Queue', queuing } } } }
        : level,
    ),
}
const answer: ApiResponse = { type: 'object', status: 200, object: { kind: 'Pod', apiVersion: 'v1' }, warnings: [] }

test('a client with very many connections starves neither kubelets nor other users', async () => {
  const release = deferred()
  let underWay = 0
  let most = 0
  const clock = virtualClock()
  const staticTokens = Object.entries(people).map(([token, user]) => ({ token, user }))
  await using server = await testServer(
    async request => {
      if (request.user.name !== 'noisy') return answer
      most = Math.max(most, ++underWay)
      await release.promise // as slow as can be
      underWay--
      return answer
    },
    { gate: overloadGate({ source: small, clock, seats: 10 }), authenticator: authenticator({ staticTokens }) },
  )
  const as = (token: string) =>
    server.send('GET', `${pods}/web`, { as: 'anonymous', headers: { authorization: `Bearer ${token}` } })

  const noise = Array.from({ length: 30 }, () => as('noisy'))
  const refused = await Promise.race(noise) // only a refusal comes before anything is released
  expect([refused.status, refused.headers['retry-after'], refused.json]).toEqual([
    429,
    '1',
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: 'TooManyRequests',
      message: 'too many requests, please try again later',
      details: { retryAfterSeconds: 1 },
      code: 429,
    },
  ])
  for (let i = 0; i < 3; i++) expect((await as('n1')).status).toBe(200)
  expect((await server.send('GET', pods)).status).toBe(200)
  expect((await server.send('GET', '/readyz', { as: 'anonymous' })).status).toBe(200)
  // The seats of its level are taken: another user waits for one, but not behind all the others.
  const quiet = as('quiet')
  release.resolve()
  expect((await quiet).status).toBe(200)

  const statuses = (await Promise.all(noise)).map(({ status }) => status)
  const count = (code: number) => statuses.filter(status => status === code).length
  expect(count(200) + count(429)).toBe(30)
  // Two queues of five, and those that were under way.
  expect(count(200)).toBe(10 + most)
  expect(most).toBeLessThan(6)
})

test('a watch takes a seat only until it has begun', async () => {
  const clock = virtualClock()
  const staticTokens = [{ token: 'noisy', user: { name: 'noisy', groups: [] } }]
  const never: ApiResponse = {
    type: 'watch',
    events: {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => ({ value: undefined, done: true }),
      }),
    },
  }
  await using server = await testServer(async ({ verb }) => (verb === 'watch' ? never : answer), {
    gate: overloadGate({ source: builtIn, clock, seats: 10 }),
    authenticator: authenticator({ staticTokens }),
  })
  const headers = { authorization: 'Bearer noisy' }
  const watches = await Promise.all(
    Array.from({ length: 12 }, () => server.open('GET', `${pods}?watch=true`, { as: 'anonymous', headers })),
  )
  expect(new Set(watches.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
  expect((await server.send('GET', `${pods}/web`, { as: 'anonymous', headers })).status).toBe(200)
  for (const watch of watches) watch.destroy()
})
