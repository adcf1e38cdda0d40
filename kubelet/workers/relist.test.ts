import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { aborted } from '../../lib/run.ts'
import type { ContainerRuntime, ContainerState } from '../runtime/runtime.ts'
import { deadContainer, sampleContainer, sampleSandbox } from '../samples.ts'
import { runtimeView } from './relist.ts'

function scripted({ listsPods = false } = {}) {
  const clock = virtualClock()
  const state = {
    containers: [] as ContainerState[],
    lists: 0,
    inspections: [] as string[],
    fails: false,
    isActive: false,
    changing: '',
  }
  const waiting: (() => void)[] = []
  let hint: (uid?: string) => void = () => {}
  let link: (isUp: boolean) => void = () => {}
  let isSlow = false
  const podLists: string[] = []
  const runtime = {
    async list() {
      state.lists++
      const seen = { sandboxes: [sampleSandbox()], containers: [...state.containers] }
      if (isSlow) await new Promise<void>(resolve => waiting.push(resolve))
      if (state.fails) throw new Error('gone')
      return seen
    },
    ...(listsPods && {
      async listPod(uid: string) {
        podLists.push(uid)
        const isHere = state.containers.length > 0
        const seen = { sandboxes: isHere ? [sampleSandbox()] : [], containers: [...state.containers] }
        if (isSlow) await new Promise<void>(resolve => waiting.push(resolve))
        return seen
      },
    }),
    async inspect(id: string) {
      state.inspections.push(id)
      return state.containers.find(one => one.id === id)
    },
    inspectSandbox: async () => sampleSandbox(),
    watchEvents: (onEvent: (uid?: string) => void, onLink: (isUp: boolean) => void) => (signal: AbortSignal) => {
      hint = onEvent
      link = onLink
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
    isBeingChanged: uid => state.changing === uid,
    activeEveryMs: 1000,
    idleEveryMs: 10_000,
  })
  return {
    clock,
    state,
    view,
    changes,
    podLists,
    hint: (uid?: string) => hint(uid),
    link: (isUp: boolean) => link(isUp),
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

test('where one pod can be listed alone, a hint and who asks for it list no more than that', async () => {
  const { clock, view, state, changes, podLists, hint } = scripted({ listsPods: true })
  state.containers = [sampleContainer('app')]
  await view.refresh('uid-1')
  expect([state.lists, podLists, changes]).toEqual([0, ['uid-1'], [['uid-1']]])
  const stop = new AbortController()
  const running = view.run(stop.signal)
  state.containers = []
  hint('uid-1')
  await clock.advance(5)
  expect([state.lists, podLists, changes.length]).toEqual([0, ['uid-1', 'uid-1'], 2])
  expect([...view.podUids()]).toEqual([])
  stop.abort()
  await running
})

test('a list of one pod that a list of all has overtaken counts for nothing', async () => {
  const { clock, view, state, slow, release } = scripted({ listsPods: true })
  state.containers = [sampleContainer('old')]
  slow(true)
  const one = view.refresh('uid-1')
  await clock.advance(0)
  slow(false)
  state.containers = [sampleContainer('new')]
  await view.refresh()
  release()
  await one
  expect(view.get('uid-1').containers.map(({ name }) => name)).toEqual(['new'])
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

test('while hints can be relied on the list is asked for now and then only, with pods as well; without them every second', async () => {
  const { view, state, clock, link } = scripted()
  state.isActive = true
  const stop = new AbortController()
  const done = view.run(stop.signal)
  const listsWithin = async (ms: number) => {
    const before = state.lists
    await clock.advance(ms)
    return state.lists - before
  }
  expect(await listsWithin(10_000)).toBe(10)
  link(true)
  expect(await listsWithin(5)).toBe(1)
  expect(await listsWithin(60_000)).toBe(6)
  link(false)
  expect(await listsWithin(5)).toBe(1)
  expect(await listsWithin(10_000)).toBe(10)
  stop.abort()
  await done
})

test('what has not run yet is not inspected: an engine that is just starting it would not answer', async () => {
  const { view, state } = scripted()
  state.containers = [{ ...sampleContainer('app'), state: 'created', startedAt: 0 }]
  await view.refresh()
  expect([state.inspections, view.get('uid-1').containers[0]?.state]).toEqual([[], 'created'])
  state.containers = [sampleContainer('app')]
  await view.refresh()
  expect(state.inspections).toEqual(['app-0'])
})

test('whoever changes a pod looks at it himself: what it hints at waits for that, but not for long', async () => {
  const { clock, view, state, podLists, hint, link } = scripted({ listsPods: true })
  state.containers = [sampleContainer('app')]
  const stop = new AbortController()
  const running = view.run(stop.signal)
  link(true)
  await clock.advance(10)
  state.changing = 'uid-1'
  hint('uid-1')
  await clock.advance(500)
  hint('uid-1')
  expect(podLists).toEqual([])
  await view.refresh('uid-1')
  state.changing = ''
  await clock.advance(5000)
  expect(podLists).toEqual(['uid-1'])

  state.changing = 'uid-1'
  hint('uid-1')
  await clock.advance(1100)
  expect(podLists).toEqual(['uid-1', 'uid-1'])
  hint('uid-2')
  await clock.advance(5)
  expect(podLists).toEqual(['uid-1', 'uid-1', 'uid-2'])
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})
