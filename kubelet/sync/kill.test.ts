import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { sampleContainer, samplePod, sampleSandbox } from '../samples.ts'
import { graceInSeconds, killer } from './kill.ts'

const image = 'app:1'

/** Containers that take so many seconds to end; tells what happened when. */
function engine(endsAfter: Record<string, number> = {}) {
  const clock = virtualClock()
  const story: string[] = []
  const begin = clock.now()
  const tell = (text: string) => story.push(`${(clock.now() - begin) / 1000}s ${text}`)
  const runtime = {
    async stopContainer(id: string, grace: number) {
      tell(`stop ${id} within ${grace}s`)
      await clock.sleep(Math.min(endsAfter[id] ?? 0, grace) * 1000)
    },
    async stopSandbox() {
      tell('stop sandbox')
    },
  } as unknown as ContainerRuntime
  const events = { record: (_about: unknown, _type: unknown, reason: string, message: string) => tell(`${reason}: ${message}`) }
  const hooks: Record<string, number> = {}
  const runHook = async (_handler: unknown, { container }: { container: { name: string } }) => {
    tell(`preStop ${container.name}`)
    await clock.sleep((hooks[container.name] ?? 0) * 1000)
    if (hooks[container.name] === 0) throw new Error('no such file')
  }
  return { clock, story, hooks, killer: killer({ runtime, runHook, events, clock, log: silentLog }) }
}

const preStop = { exec: { command: ['true'] } }
const probe = (terminationGracePeriodSeconds?: number) => ({ exec: { command: ['true'] }, terminationGracePeriodSeconds })

test.each([
  ['its spec', {}, {}, undefined, 30],
  ['its deletion', {}, { deletionGracePeriodSeconds: 7 }, undefined, 7],
  ["the failed probe's own", { livenessProbe: probe(3) }, {}, 'liveness', 3],
  ['its deletion, even when a probe failed', { livenessProbe: probe(3) }, { deletionGracePeriodSeconds: 7 }, 'liveness', 7],
  ["not another probe's", { startupProbe: probe(3) }, {}, 'liveness', 30],
] as const)('a container gets the grace of %s', (_title, container, metadata, reason, expected) => {
  const pod = samplePod({ containers: [{ name: 'app', image, ...container }] }, metadata)
  expect(graceInSeconds(pod, pod.spec.containers[0], reason)).toBe(expected)
})

test('containers end side by side, sidecars after them in reverse, all within the same grace', async () => {
  const { clock, story, killer } = engine({ 'a-0': 5, 'b-0': 2, 's2-0': 1 })
  const pod = samplePod({
    initContainers: [
      { name: 's1', image, restartPolicy: 'Always' },
      { name: 's2', image, restartPolicy: 'Always' },
    ],
    containers: [
      { name: 'a', image },
      { name: 'b', image },
    ],
  })
  const containers = ['s1', 's2', 'a', 'b'].map(name => sampleContainer(name))
  const done = killer.killPod(pod, { sandboxes: [sampleSandbox()], containers }, 10)
  await clock.advance(20_000)
  await done
  expect(story.filter(line => !line.includes('Killing'))).toEqual([
    '0s stop a-0 within 10s',
    '0s stop b-0 within 10s',
    '5s stop s2-0 within 5s',
    '6s stop s1-0 within 4s',
    '6s stop sandbox',
  ])
})

test('preStop takes its time from the grace; two seconds always remain', async () => {
  const { clock, story, hooks, killer } = engine()
  Object.assign(hooks, { quick: 3, slow: 60 })
  const of = (name: string) => ({ name, image, lifecycle: { preStop } })
  const pod = samplePod({ containers: [of('quick'), of('slow')] })
  const containers = [sampleContainer('quick'), sampleContainer('slow')]
  const done = killer.killPod(pod, { sandboxes: [], containers }, 10)
  await clock.advance(70_000)
  await done
  expect(story.filter(line => line.includes('stop '))).toEqual(['3s stop quick-0 within 7s', '10s stop slow-0 within 2s'])
})

test('of thirty seconds of grace a hook of ten leaves twenty: told to end at 10 s, killed at 30 s', async () => {
  const { clock, story, hooks, killer } = engine({ 'app-0': 600 })
  hooks.app = 10
  const pod = samplePod({ containers: [{ name: 'app', image, lifecycle: { preStop } }] })
  const done = killer.killPod(pod, { sandboxes: [sampleSandbox()], containers: [sampleContainer('app')] }, 30)
  await clock.advance(40_000)
  await done
  expect(story.slice(1)).toEqual(['0s preStop app', '10s stop app-0 within 20s', '30s stop sandbox'])
})

test('a preStop hook that fails does not keep the container alive; without grace there is none', async () => {
  const { clock, story, hooks, killer } = engine()
  const settled = async (work: Promise<void>) => {
    await clock.advance(0)
    await work
  }
  hooks.app = 0
  const pod = samplePod({ containers: [{ name: 'app', image, lifecycle: { preStop } }] })
  const containers = [sampleContainer('app')]
  await settled(killer.killPod(pod, { sandboxes: [], containers }, 10))
  expect(story).toContain('0s FailedPreStopHook: PreStopHook failed')
  expect(story).toContain('0s stop app-0 within 10s')
  story.length = 0
  await settled(killer.killPod(pod, { sandboxes: [], containers }, 0))
  expect(story).toEqual(['0s Killing: Stopping container app', '0s stop app-0 within 2s'])
})

test('who has less time all of a sudden: a hook is cut short, a stop under way is told again; nothing happens twice', async () => {
  const { clock, story, hooks, killer } = engine({ 'slow-0': 600 })
  hooks.hooked = 100
  const pod = samplePod({
    containers: [
      { name: 'hooked', image, lifecycle: { preStop } },
      { name: 'slow', image },
    ],
  })
  const held = { sandboxes: [], containers: [sampleContainer('hooked'), sampleContainer('slow')] }
  const done = killer.killPod(pod, held, 300)
  await clock.advance(10_000)
  killer.hasten(held, 600)
  killer.hasten(held, 5)
  await clock.advance(400_000)
  await done
  expect(story).toEqual([
    '0s Killing: Stopping container hooked',
    '0s preStop hooked',
    '0s Killing: Stopping container slow',
    '0s stop slow-0 within 300s',
    '10s stop slow-0 within 5s',
    '15s stop hooked-0 within 2s',
  ])
})

test('time is taken from the grace in full seconds only', async () => {
  const { clock, story, hooks, killer } = engine()
  hooks.app = 0.9
  const pod = samplePod({ containers: [{ name: 'app', image, lifecycle: { preStop } }] })
  const done = killer.killPod(pod, { sandboxes: [], containers: [sampleContainer('app')] }, 10)
  await clock.advance(5000)
  await done
  expect(story.at(-1)).toBe('0.9s stop app-0 within 10s')
})
