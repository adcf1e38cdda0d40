import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { aborted } from '../../lib/run.ts'
import type { ContainerRuntime, ContainerState } from '../runtime/runtime.ts'
import { deadContainer, sampleContainer, sampleSandbox } from '../samples.ts'
import { deadInstances, emptySandboxes } from './housekeeping.ts'
import { runtimeView } from './relist.ts'

function scripted() {
  const clock = virtualClock()
  const state = { containers: [] as ContainerState[], lists: 0, inspections: [] as string[], fails: false, isActive: false }
  const waiting: (() => void)[] = []
  let hint = () => {}
  let isSlow = false
  const runtime = {
    async list() {
      state.lists++
      const seen = { sandboxes: [sampleSandbox()], containers: [...state.containers] }
      if (isSlow) await new Promise<void>(resolve => waiting.push(resolve))
      if (state.fails) throw new Error('gone')
      return seen
    },
    async inspect(id: string) {
      state.inspections.push(id)
      return state.containers.find(one => one.id === id)
    },
    inspectSandbox: async () => sampleSandbox(),
    watchEvents: (onEvent: (uid?: string) => void) => (signal: AbortSignal) => {
      hint = onEvent
      return aborted(signal)
    },
  } as unknown as ContainerRuntime
  const changes: string[][] = []
  const view = runtimeView({
    runtime,
    clock,
    log: silentLog,
    onChange: uids => changes.push([...uids]),
    isActive: () => state.isActive,
    activeEveryMs: 1000,
    idleEveryMs: 10_000,
  })
  return {
    clock,
    state,
    view,
    changes,
    hint: () => hint(),
    slow: (on: boolean) => {
      isSlow = on
    },
    release: () => waiting.shift()?.(),
  }
}

test('a change is told once, and each state of a container is inspected once', async () => {
  const { view, state, changes } = scripted()
  state.containers = [sampleContainer('app')]
  await view.refresh()
  await view.refresh()
  expect(changes).toEqual([['uid-1']])
  expect(state.inspections).toEqual(['app-0'])
  state.containers = [deadContainer('app', 1)]
  await view.refresh()
  expect(changes).toHaveLength(2)
  expect(view.get('uid-1').containers[0]).toMatchObject({ state: 'exited', exitCode: 1 })
})

test('who asks while a relist is under way gets the next one, and shares it', async () => {
  const { clock, view, state, slow, release } = scripted()
  slow(true)
  const first = view.refresh()
  await clock.advance(0)
  state.containers = [sampleContainer('late')]
  const second = view.refresh()
  const third = view.refresh()
  release()
  await first
  expect(view.get('uid-1').containers).toEqual([])
  await clock.advance(0)
  release()
  await Promise.all([second, third])
  expect(view.get('uid-1').containers.map(one => one.name)).toEqual(['late'])
  expect(state.lists).toBe(2)
})

test('a relist that fails says so to those who wait, and the next one works', async () => {
  const { view, state } = scripted()
  state.fails = true
  await expect(view.refresh()).rejects.toThrow('gone')
  expect(view.lastSuccessAt).toBeUndefined()
  state.fails = false
  await view.refresh()
  expect(view.lastSuccessAt).toBe(0)
})

test('every second while pods are active, every ten when not, and at once upon a hint', async () => {
  const { clock, view, state, hint } = scripted()
  const stop = new AbortController()
  const running = view.run(stop.signal)
  await clock.advance(1000)
  await clock.advance(9000)
  expect(state.lists).toBe(1)
  hint()
  hint()
  await clock.advance(5)
  expect(state.lists).toBe(2)
  state.isActive = true
  await clock.advance(10_000)
  const before = state.lists
  await clock.advance(5000)
  expect(state.lists - before).toBe(5)
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

test('of each container the newest dead instance is kept', () => {
  const containers = [
    sampleContainer('a', { attempt: 3 }),
    deadContainer('a', 1, { attempt: 2 }),
    deadContainer('a', 1, { attempt: 1 }),
    deadContainer('b', 1, { attempt: 1 }),
    deadContainer('b', 1),
  ]
  expect(deadInstances(containers).map(one => one.id)).toEqual(['a-1', 'b-0'])
})

test('a sandbox that was replaced goes when its last container has', () => {
  const sandbox = (id: string, state: 'ready' | 'notReady' = 'notReady') => sampleSandbox({ id, state })
  const sandboxes = [sandbox('new'), sandbox('full'), sandbox('empty'), sandbox('strange', 'ready')]
  const containers = [deadContainer('a', 1, { sandboxId: 'full' })]
  expect(emptySandboxes({ sandboxes, containers }).map(one => one.id)).toEqual(['empty'])
})
