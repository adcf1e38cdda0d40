import { describe, expect, test } from 'vitest'
import { type UserInfo, users } from '../../api/user.ts'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import { builtIn, builtInLevels, builtInSchemas } from './built-in.ts'
import type { FlowAttributes, FlowControlSource } from './configuration.ts'
import { type Gate, type GateOptions, overloadGate } from './gate.ts'
import type { Pass } from './level.ts'
import { handOf } from './level.ts'

const person = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
const ann = person('ann')
const bob = person('bob')
const robot = person('system:serviceaccount:team:robot', 'system:serviceaccounts', 'system:serviceaccounts:team')
const helper = person('system:serviceaccount:kube-system:helper', 'system:serviceaccounts', 'system:serviceaccounts:kube-system')
const about = (verb: string, resource: string, more: Partial<FlowAttributes> = {}): FlowAttributes => ({
  ...{ verb, group: '', resource, namespace: 'team' },
  ...more,
})
const listPods = about('list', 'pods')
const lease = about('update', 'leases', { group: 'coordination.k8s.io', namespace: 'kube-node-lease' })
const path = (text: string, verb = 'get'): FlowAttributes => ({ verb, group: '', resource: '', path: text })

function gateWith(options: Partial<GateOptions> = {}) {
  const clock = virtualClock()
  return { clock, gate: overloadGate({ source: builtIn, clock, ...options }) }
}

/** Enters at once, or says that it would not have. */
function at(gate: Gate, user: UserInfo, attributes: FlowAttributes): Pass {
  const pass = gate.enter(user, attributes)
  if (pass instanceof Promise) throw new Error('it has to wait')
  return pass
}

test.each<[string, UserInfo, FlowAttributes, string]>([
  ['an administrator', users.admin, listPods, 'exempt'],
  ['a probe', users.anonymous, path('/healthz'), 'exempt'],
  ['a probe of a part', ann, path('/readyz/ping'), 'exempt'],
  ['who is after something else', ann, path('/healthz', 'post'), 'global-default'],
  [
    'a kubelet, of its node',
    users.node('n1'),
    about('patch', 'nodes', { subresource: 'status', namespace: undefined }),
    'node-high',
  ],
  ['a kubelet, of its lease', users.node('n1'), lease, 'node-high'],
  ['a kubelet, of pods', users.node('n1'), listPods, 'system'],
  ['a scheduler, of its lease', users.scheduler, about('update', 'leases', { group: 'coordination.k8s.io' }), 'leader-election'],
  ['a scheduler', users.scheduler, listPods, 'workload-high'],
  ['a controller', users.controllerManager, about('create', 'pods'), 'workload-high'],
  ['an account of the system, of a lease', helper, lease, 'leader-election'],
  ['an account of the system', helper, listPods, 'workload-high'],
  ['an account', robot, listPods, 'workload-low'],
  ['anybody', ann, listPods, 'global-default'],
  ['nobody', users.anonymous, listPods, 'global-default'],
  ['somebody without groups', { name: 'x', groups: [] }, listPods, 'catch-all'],
])('%s goes to a level', (_, user, attributes, level) => {
  const { gate } = gateWith()
  expect(at(gate, user, attributes).level.name).toBe(level)
})

test('seats are divided by shares, as upstream divides 600', () => {
  const { gate } = gateWith()
  at(gate, ann, listPods)
  const nominal = (user: UserInfo, attributes = listPods) => at(gate, user, attributes).level.nominal
  expect([nominal(users.node('n1')), nominal(users.node('n1'), lease), nominal(users.scheduler)]).toEqual([74, 98, 98])
  expect([nominal(helper, lease), nominal(robot), nominal(ann)]).toEqual([25, 245, 49])
})

describe('when there are too many', () => {
  /** Enters as often as it gets in at once; answers the passes and the one that has to wait. */
  function fill(gate: Gate, user: UserInfo, attributes = listPods) {
    const passes: Pass[] = []
    for (;;) {
      const pass = gate.enter(user, attributes)
      if (pass instanceof Promise) return { passes, waiting: pass }
      passes.push(pass)
    }
  }

  test('a level takes what others can spare, and no more: those still get their own', () => {
    const { gate } = gateWith()
    const { passes } = fill(gate, ann)
    // 600 less what the others keep for themselves.
    expect(passes.length).toBe(600 - (50 + 74 + 25 + 49 + 25 + 13))
    for (let i = 0; i < 74; i++) at(gate, users.node('n1'), listPods)
    for (let i = 0; i < 98; i++) at(gate, users.scheduler, listPods)
  })

  test('who waits is served when somebody leaves, and in turns with others', async () => {
    const { gate } = gateWith({ seats: 10 })
    const { passes, waiting } = fill(gate, ann)
    const served: string[] = []
    const queue = (user: UserInfo) =>
      Promise.resolve(gate.enter(user, listPods)).then(pass => {
        served.push(user.name)
        gate.leave(pass)
      })
    const all = [...Array.from({ length: 20 }, () => queue(ann)), queue(bob), queue(bob)]
    expect(served).toEqual([])
    for (const pass of passes) gate.leave(pass)
    gate.leave(await waiting)
    await Promise.all(all)
    expect(served.filter(name => name === 'bob')).toHaveLength(2)
    expect(served.indexOf('bob')).toBeLessThan(12)
  })

  test('a flow with full queues is refused, others are not', async () => {
    const { gate, clock } = gateWith({ seats: 10 })
    const { passes, waiting: first } = fill(gate, ann)
    const waiting: Promise<unknown>[] = [first.then(gate.leave)]
    let refused = 0
    for (let i = 0; i < 400; i++) waiting.push(Promise.resolve(gate.enter(ann, listPods)).then(gate.leave, () => refused++))
    await clock.advance(0)
    // Six queues of fifty; one was waiting already.
    expect(refused).toBe(400 - 299)
    const quiet = Promise.resolve(gate.enter(bob, listPods))
    for (const pass of passes) gate.leave(pass)
    gate.leave(await quiet)
    await Promise.all(waiting)
    expect(refused).toBe(400 - 299)
  })

  test('nobody waits longer than a while, and is told when to come back', async () => {
    const { gate, clock } = gateWith({ seats: 10 })
    const { waiting } = fill(gate, ann)
    const outcome = waiting.catch(error => error.status)
    await clock.advance(14_999)
    expect(clock.timers).toBe(1)
    await clock.advance(1)
    expect(await outcome).toMatchObject({
      reason: 'TooManyRequests',
      code: 429,
      message: 'too many requests, please try again later',
      details: { retryAfterSeconds: 1 },
    })
    expect(clock.timers).toBe(0)
  })

  test('who hangs up waits no longer', async () => {
    const { gate, clock } = gateWith({ seats: 10 })
    const { passes } = fill(gate, ann)
    const gone = new AbortController()
    const waiting = Promise.resolve(gate.enter(ann, listPods, () => gone.signal)).catch(() => 'refused')
    gone.abort()
    expect(await waiting).toBe('refused')
    const first = gate.enter(ann, listPods)
    for (const pass of passes) gate.leave(pass)
    await first
    await clock.advance(60_000)
  })

  test('a level without queues refuses at once', () => {
    const { gate } = gateWith({ seats: 10 })
    const stranger = { name: 'x', groups: [] }
    const enter = () => gate.enter(stranger, listPods)
    let entered = 0
    expect(() => {
      for (; entered < 100; entered++) void enter()
    }).toThrow('too many requests, please try again later')
    expect(entered).toBeGreaterThan(0)
  })

  test('long lists take more seats', () => {
    const { gate } = gateWith({ seats: 245 })
    const seats = () => {
      const pass = at(gate, robot, listPods)
      gate.leave(pass)
      return pass.seats
    }
    expect(seats()).toBe(1)
    gate.listed(listPods, 450)
    expect(seats()).toBe(5)
    gate.listed(listPods, 100_000)
    expect(seats()).toBe(10)
    gate.listed(listPods, 10)
    expect(seats()).toBe(1)
    expect(at(gate, robot, about('get', 'pods')).seats).toBe(1)
  })
})

test('objects take the place of what is built in, at once', async () => {
  let version = 1
  let schemas = builtInSchemas
  let levels = builtInLevels
  const source: FlowControlSource = { schemas: () => schemas, levels: () => levels, version: () => version }
  const { gate } = gateWith({ source })
  expect(at(gate, ann, listPods).schemaUid).toBe('')
  schemas = [
    ...builtInSchemas,
    {
      metadata: { name: 'ann', uid: 'schema-1' },
      spec: {
        priorityLevelConfiguration: { name: 'slow' },
        matchingPrecedence: 50,
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'ann' } }],
            resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
          },
        ],
      },
    },
    {
      metadata: { name: 'dangling' },
      spec: { priorityLevelConfiguration: { name: 'nowhere' }, matchingPrecedence: 2, rules: schemas[0]?.spec.rules ?? [] },
    },
  ]
  levels = [
    ...builtInLevels,
    { metadata: { name: 'slow', uid: 'level-1' }, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 0 } } },
  ]
  version++
  const pass = at(gate, ann, listPods)
  expect([pass.level.name, pass.schemaUid, pass.levelUid]).toEqual(['slow', 'schema-1', 'level-1'])
  expect(at(gate, bob, listPods).level.name).toBe('global-default')
  // Exempt is there even when nobody wrote it.
  schemas = schemas.filter(({ metadata }) => metadata.name === 'ann')
  levels = levels.filter(({ metadata }) => metadata.name === 'slow')
  version++
  expect(at(gate, users.admin, listPods).level.name).toBe('exempt')
  expect(at(gate, bob, listPods).level.name).toBe('catch-all')
})

test('two flows rarely share all their queues', () => {
  const hands = Array.from({ length: 200 }, (_, i) => handOf(i * 7919, 64, 6))
  for (const hand of hands) expect(new Set(hand).size).toBe(6)
  const [first = []] = hands
  const engulfed = hands.slice(1).filter(hand => hand.every(queue => first.includes(queue)))
  expect(engulfed).toEqual([])
})

test('costs next to nothing while nobody waits', () => {
  const gate = overloadGate({ source: builtIn, clock: systemClock })
  const round = () => gate.leave(gate.enter(ann, about('get', 'pods')) as Pass)
  for (let i = 0; i < 20_000; i++) round()
  const rounds = 50_000
  const before = systemClock.monotonic()
  for (let i = 0; i < rounds; i++) round()
  const microseconds = ((systemClock.monotonic() - before) * 1000) / rounds
  expect(microseconds).toBeLessThan(20) // 0.6 on an idle machine
})
