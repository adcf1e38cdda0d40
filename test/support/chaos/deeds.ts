import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Deployment } from '../../../api/apps/deployment.ts'
import { ConfigMap } from '../../../api/core/config-map.ts'
import { Pod } from '../../../api/core/pod.ts'
import { ignore } from '../../../api/errors.ts'
import { systemClock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { applyObjects } from '../manifests.ts'
import type { KillableNode } from './node.ts'
import { isSandbox } from './observer.ts'
import { type OwnEngine, otherImage } from './own-engine.ts'
import { deploymentOf, podOf, shapeNames, staticFile } from './workload.ts'

/** What deeds are done to. */
export interface Target {
  readonly node: KillableNode
  readonly engine: OwnEngine
}

/** Something that happens at a moment of a round. All of its chance was drawn before. */
export interface Deed {
  readonly at: number
  readonly text: string
  act(target: Target): Promise<unknown>
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!
const podNames = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']
const ref = (name: string) => ({ namespace: 'default', name })
const graces = [undefined, 0, 0, 1, 2, 5]

type Draw = (random: Random) => Omit<Deed, 'at'>

const createPod: Draw = random => {
  const name = pick(random, podNames)
  const shape = pick(random, shapeNames)
  const pod = podOf(name, shape, random)
  return {
    text: `create ${name} (${shape})`,
    act: async ({ node }) => node.client.create(Pod, { ...pod, metadata: { ...pod.metadata, namespace: 'default' } } as never),
  }
}

const deletePod: Draw = random => {
  const name = pick(random, podNames)
  const gracePeriodSeconds = pick(random, graces)
  return {
    text: `delete ${name} with grace ${gracePeriodSeconds ?? 'of its own'}`,
    act: ({ node }) => node.client.delete(Pod, ref(name), gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
  }
}

const replacePod: Draw = random => {
  const name = pick(random, podNames)
  const shape = pick(random, shapeNames)
  const pod = podOf(name, shape, random)
  const gracePeriodSeconds = pick(random, [0, 1])
  return {
    text: `delete ${name} with grace ${gracePeriodSeconds} and create it again (${shape})`,
    async act({ node }) {
      await node.client.delete(Pod, ref(name), { gracePeriodSeconds }).catch(ignore('NotFound'))
      const again = { ...pod, metadata: { ...pod.metadata, namespace: 'default' } } as never
      for (let left = 40; left > 0; left--) {
        try {
          return await node.client.create(Pod, again)
        } catch {
          await systemClock.sleep(50)
        }
      }
    },
  }
}

const changeImage: Draw = random => {
  const name = pick(random, podNames)
  const image = pick(random, ['busybox:1.36', otherImage])
  return {
    text: `image of ${name} becomes ${image}`,
    act: ({ node }) =>
      node.client.patch(Pod, ref(name), 'strategic', { spec: { containers: [{ name: 'app', image }] } } as never),
  }
}

const changeMetadata: Draw = random => {
  const name = pick(random, podNames)
  const mark = String(random.below(1000))
  const metadata = { labels: { mark }, annotations: { mark } }
  return { text: `labels of ${name}`, act: ({ node }) => node.client.patch(Pod, ref(name), 'merge', { metadata } as never) }
}

const applyDeployment: Draw = random => {
  const deployment = deploymentOf('web', random)
  return {
    text: `apply deployment web (${JSON.stringify((deployment.spec as { replicas: number }).replicas)})`,
    async act({ node }) {
      const isThere = await node.client.get(Deployment, ref('web')).catch(ignore('NotFound'))
      if (!isThere) return applyObjects(node.client, [deployment])
      const mark = String(random.below(1000))
      return node.client.patch(Deployment, ref('web'), 'merge', {
        spec: { template: { metadata: { annotations: { mark } } } },
      } as never)
    },
  }
}

const scale: Draw = random => {
  const replicas = random.below(4)
  return {
    text: `scale web to ${replicas}`,
    act: ({ node }) => node.client.patch(Deployment, ref('web'), 'merge', { spec: { replicas } } as never),
  }
}

const changeSettings: Draw = random => {
  const key = String(random.below(1000))
  return {
    text: 'change the config map',
    act: ({ node }) => node.client.patch(ConfigMap, ref('settings'), 'merge', { data: { key } } as never),
  }
}

const writeStatic: Draw = random => {
  const text = staticFile('guard', random)
  return { text: 'write a static pod', act: ({ node }) => writeFile(join(node.staticDir, 'guard.json'), text) }
}

const removeStatic: Draw = () => ({
  text: 'remove the static pod',
  act: ({ node }) => rm(join(node.staticDir, 'guard.json'), { force: true }),
})

/** By how often they happen. */
const draws: readonly (readonly [number, Draw])[] = [
  [10, createPod],
  [4, deletePod],
  [4, replacePod],
  [3, changeImage],
  [2, changeMetadata],
  [2, applyDeployment],
  [2, scale],
  [1, changeSettings],
  [2, writeStatic],
  [1, removeStatic],
]

const weighted = <T>(random: Random, list: readonly (readonly [number, T])[]): T => {
  let left = random.below(list.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, value] of list) if ((left -= weight) < 0) return value
  throw new Error('nothing to pick from')
}

/** So many operations within a span of time. */
export const operations = (random: Random, count: number, withinMs: number): Deed[] =>
  Array.from({ length: count }, () => {
    const at = random.below(withinMs)
    return { at, ...weighted(random, draws)(random) }
  })

export const killKinds = ['agent', 'engine', 'both', 'container', 'sandbox', 'shim', 'containerd'] as const
export type KillKind = (typeof killKinds)[number]

const kinds: readonly (readonly [number, KillKind])[] = [
  [30, 'agent'],
  [20, 'engine'],
  [8, 'both'],
  [25, 'container'],
  [8, 'sandbox'],
  [6, 'shim'],
  [3, 'containerd'],
]

export interface Kill extends Deed {
  readonly kind: KillKind
}

/** So many kills within a span of time. What they do one after the other to the same thing is sorted out by `lives`. */
export function kills(random: Random, count: number, withinMs: number, lives: Lives): Kill[] {
  return Array.from({ length: count }, () => {
    const kind = weighted(random, kinds)
    const at = random.below(withinMs)
    const downFor = random.below(2000)
    const which = random.next()
    const act = (target: Target) => {
      switch (kind) {
        case 'agent':
          return lives.agent(target, downFor)
        case 'engine':
          return lives.engine(target, downFor)
        case 'both':
          return Promise.all([lives.agent(target, downFor), lives.engine(target, random.below(2000))])
        case 'containerd':
          return Promise.resolve(target.engine.killContainerd())
        case 'container':
        case 'sandbox':
        case 'shim':
          return killContainer(target.engine, kind, which)
      }
    }
    return { at, kind, text: `KILL ${kind}${['agent', 'engine', 'both'].includes(kind) ? ` for ${downFor} ms` : ''}`, act }
  })
}

/** Kills and starts anew what can be started anew; one turn after the other for each. */
export interface Lives {
  agent(target: Target, downFor: number): Promise<void>
  engine(target: Target, downFor: number): Promise<void>
  /** Everything runs; throws when something did not come up. */
  settled(): Promise<void>
}

export function lives(): Lives {
  const turns = { agent: Promise.resolve(), engine: Promise.resolve() }
  const starts: Promise<void>[] = []
  const turn = (who: keyof typeof turns, downFor: number, { kill, start }: Pick<KillableNode, 'kill' | 'start'>) => {
    const mine = turns[who].then(async () => {
      await kill()
      await systemClock.sleep(downFor)
      const started = start()
      started.catch(() => {}) // told by settled()
      starts.push(started)
    })
    turns[who] = mine
    return mine
  }
  return {
    agent: ({ node }, downFor) => turn('agent', downFor, node),
    engine: ({ engine }, downFor) => turn('engine', downFor, engine),
    async settled() {
      await Promise.all(Object.values(turns))
      await Promise.all(starts)
    },
  }
}

async function killContainer(engine: OwnEngine, kind: 'container' | 'sandbox' | 'shim', which: number): Promise<void> {
  const running = (await engine.list()).filter(({ State }) => State === 'running')
  const candidates = running.filter(one => kind === 'shim' || isSandbox(one) === (kind === 'sandbox'))
  const chosen = candidates[Math.floor(which * candidates.length)]
  if (!chosen) return
  const { State } = await engine.call<{ State: { Pid: number } }>('GET', `/containers/${chosen.Id}/json`)
  if (State.Pid <= 0) return
  const pid = kind === 'shim' ? Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${State.Pid}/status`, 'utf8'))?.[1]) : State.Pid
  if (pid > 1) process.kill(pid, 'SIGKILL')
}
