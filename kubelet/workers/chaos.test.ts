import { expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { type Random, seededRandom } from '../../lib/random.ts'
import { type SimulatedStory, simulatedStory } from './testing.ts'

const image = 'registry/app:1'
const names = ['a', 'b', 'c', 'd']
const ref = (name: string) => ({ namespace: 'default', name })
const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!
const annotations = (random: Random) => ({
  'simulated.wherry.dev/start-after': `${random.below(3)}s`,
  'simulated.wherry.dev/stop-after': `${random.below(20)}s`,
  ...(random.below(3) === 0 && { 'simulated.wherry.dev/run-for.app': `${1 + random.below(40)}s` }),
  'simulated.wherry.dev/run-for.first': `${random.below(5)}s`,
  'simulated.wherry.dev/run-for.second': `${random.below(5)}s`,
})
const specs = [
  {},
  { restartPolicy: 'OnFailure' },
  { restartPolicy: 'Never' },
  { terminationGracePeriodSeconds: 5, activeDeadlineSeconds: 60 },
  {
    initContainers: [
      { name: 'first', image },
      { name: 'sidecar', image, restartPolicy: 'Always' },
      { name: 'second', image },
    ],
    containers: [
      { name: 'app', image },
      { name: 'other', image },
    ],
  },
]

/** What may happen to a node, in any order. */
const deeds: Record<string, (node: SimulatedStory, random: Random) => Promise<unknown>> = {
  create: (node, random) =>
    node
      .run(pick(random, names), pick(random, specs) as object, { annotations: annotations(random) })
      .catch(ignore('AlreadyExists')),
  delete: (node, random) =>
    node.client
      .delete(Pod, ref(pick(random, names)), { gracePeriodSeconds: pick(random, [0, 1, 10, 30]) })
      .catch(ignore('NotFound', 'Conflict')),
  update: async (node, random) => {
    const name = pick(random, names)
    const spec = { containers: [{ name: 'app', image: `registry/app:${1 + random.below(3)}` }] }
    await node.client.patch(Pod, ref(name), 'strategic', { spec }).catch(ignore('NotFound'))
  },
  async 'kill a container'(node, random) {
    const running = (await node.runtime.list()).containers.filter(one => one.state === 'running')
    if (running.length > 0) void node.runtime.stopContainer(pick(random, running).id, 0).catch(() => undefined)
  },
  async 'kill a sandbox'(node, random) {
    const ready = (await node.runtime.list()).sandboxes.filter(one => one.state === 'ready')
    if (ready.length > 0) void node.runtime.stopSandbox(pick(random, ready).id).catch(() => undefined)
  },
  'restart the agent': node => node.restart(),
  async 'lose the API'(node, random) {
    node.setApiReachable(false)
    await node.clock.advance(random.below(15_000))
    if (random.below(2) === 0) await node.restart()
    await node.clock.advance(random.below(15_000))
    node.setApiReachable(true)
  },
  async 'lose the engine'(node, random) {
    node.engine.setReachable(false)
    await node.clock.advance(random.below(20_000))
    node.engine.setReachable(true)
  },
}

/** No container of a pod runs twice, no pod has two sandboxes, at no time. */
async function expectNothingDouble(node: SimulatedStory, story: readonly string[]) {
  const { sandboxes, containers } = await node.runtime.list()
  const running = containers.filter(one => one.state === 'running').map(one => `${one.pod.uid}/${one.name}`)
  const ready = sandboxes.filter(one => one.state === 'ready').map(one => one.pod.uid)
  expect({ story, running, ready }).toEqual({ story, running: [...new Set(running)], ready: [...new Set(ready)] })
}

/** In the end every pod is where its spec wants it, and nothing is left of those that are gone. */
async function expectOrder(node: SimulatedStory, story: readonly string[]) {
  const { items } = await node.client.list(Pod)
  const { sandboxes, containers } = await node.runtime.list()
  const uids = new Set(items.map(pod => pod.metadata.uid))
  expect({ story, strays: [...sandboxes, ...containers].filter(one => !uids.has(one.pod.uid)) }).toEqual({ story, strays: [] })
  for (const { metadata, spec, status } of items) {
    const running = containers.filter(one => one.pod.uid === metadata.uid && one.state === 'running').map(one => one.name)
    const where = { story, pod: metadata.name, phase: status.phase }
    expect({ ...where, deleted: metadata.deletionTimestamp }).toEqual({ ...where, deleted: undefined })
    if (status.phase === 'Succeeded' || status.phase === 'Failed')
      expect({ ...where, running }).toEqual({ ...where, running: [] })
    else if (spec.restartPolicy !== 'Always' || !metadata.annotations?.['simulated.wherry.dev/run-for.app'])
      expect({ ...where, apps: spec.containers.every(({ name }) => running.includes(name)) }).toEqual({ ...where, apps: true })
  }
}

test.each([1, 2, 3, 4, 5, 6, 158, 232])(
  'whatever happens to a node, nothing runs twice and all comes right: seed %i',
  async seed => {
    const random = seededRandom(seed)
    await using node = await simulatedStory()
    const story: string[] = []
    for (let round = 0; round < 40; round++) {
      const deed = pick(random, Object.keys(deeds))
      story.push(deed)
      await deeds[deed]?.(node, random)
      for (let left = random.below(8); left >= 0; left--) {
        await node.clock.advance(random.below(2000))
        await expectNothingDouble(node, story)
      }
    }
    await node.clock.advance(400_000)
    await expectOrder(node, story)
  },
)
