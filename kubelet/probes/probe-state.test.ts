import { expect, test } from 'vitest'
import { countOutcome, initialState, type Observation, type ProbeType, planTick } from './probe-state.ts'

const calmly: Observation = {
  container: { id: 'c1', state: 'running', startedAt: 0 },
  isPodTerminal: false,
  isPodDeleting: false,
  restartsNever: false,
  isStarted: true,
  now: 60_000,
}

test.each<[string, ProbeType, Partial<Observation>, 'stop' | 'wait' | 'probe']>([
  ['a running container is asked', 'readiness', {}, 'probe'],
  ['nothing there yet', 'readiness', { container: undefined }, 'wait'],
  ['a finished pod', 'readiness', { isPodTerminal: true }, 'stop'],
  ['too early', 'readiness', { now: 9999 }, 'wait'],
  ['the delay is over', 'readiness', { now: 10_000 }, 'probe'],
  ['not running', 'liveness', { container: { id: 'c1', state: 'exited', startedAt: 0 } }, 'wait'],
  ['ended for good', 'liveness', { container: { id: 'c1', state: 'exited', startedAt: 0 }, restartsNever: true }, 'stop'],
  ['deleting: liveness stops', 'liveness', { isPodDeleting: true }, 'stop'],
  ['deleting: startup stops', 'startup', { isPodDeleting: true, isStarted: false }, 'stop'],
  ['deleting: readiness goes on', 'readiness', { isPodDeleting: true }, 'probe'],
  ['before the container has started up others wait', 'liveness', { isStarted: false }, 'wait'],
  ['before that only startup asks', 'startup', { isStarted: false }, 'probe'],
  ['after that startup rests', 'startup', {}, 'wait'],
])('%s', (_title, type, observation, expected) => {
  const plan = planTick(initialState(type), { type, initialDelaySeconds: 10 }, { ...calmly, ...observation })
  expect(plan.do).toBe(expected)
})

test('a new instance starts afresh, a stopped one counts as failed', () => {
  const old = { containerId: 'c0', result: 'failure' as const, last: 'failure' as const, run: 9, isOnHold: true }
  const fresh = planTick(old, { type: 'liveness' }, calmly)
  expect(fresh).toEqual({
    state: { containerId: 'c1', result: 'success', last: undefined, run: 0, isOnHold: false },
    do: 'probe',
  })
  const stopped = planTick(
    fresh.state,
    { type: 'liveness' },
    { ...calmly, container: { id: 'c1', state: 'exited', startedAt: 0 } },
  )
  expect(stopped.state.result).toBe('failure')
})

function results(type: ProbeType, outcomes: string, thresholds: { successThreshold: number; failureThreshold: number }): string {
  let state = initialState(type, 'c1')
  return Array.from(outcomes)
    .map(outcome => {
      state = countOutcome(state, outcome === '+' ? 'success' : 'failure', { type, ...thresholds })
      return state.result === 'success' ? '+' : state.result === 'failure' ? '-' : '?'
    })
    .join('')
}

test.each<[ProbeType, string, number, number, string]>([
  ['readiness', '+++', 1, 3, '+++'],
  ['readiness', '+--+---', 1, 3, '++++++-'],
  ['readiness', '++-+++', 3, 3, '-----+'],
  ['liveness', '---', 1, 3, '++-'],
  ['liveness', '--+--', 1, 3, '+++++'],
  ['startup', '--+', 1, 3, '??+'],
])('%s %s with thresholds %i and %i is %s', (type, outcomes, successThreshold, failureThreshold, expected) => {
  expect(results(type, outcomes, { successThreshold, failureThreshold })).toBe(expected)
})

test('a container that failed liveness is left alone until there is a new one', () => {
  const failed = countOutcome(initialState('liveness', 'c1'), 'failure', {
    type: 'liveness',
    successThreshold: 1,
    failureThreshold: 1,
  })
  expect(planTick(failed, { type: 'liveness' }, calmly).do).toBe('wait')
})
