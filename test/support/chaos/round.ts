import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Deployment } from '../../../api/apps/deployment.ts'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import { ignore } from '../../../api/errors.ts'
import { systemClock } from '../../../lib/clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { eventually } from '../eventually.ts'
import { applyObjects } from '../manifests.ts'
import { type Deed, type KillKind, kills, lives, operations } from './deeds.ts'
import { type KillableNode, killableNode } from './node.ts'
import { type Observer, observer } from './observer.ts'
import { type OwnEngine, ownEngine } from './own-engine.ts'
import { complaintsAboutLedger, complaintsAtRest, isHelperInUse, readLedger } from './rest.ts'
import { claimNamed, surroundings } from './workload.ts'

export interface WorldOptions {
  readonly isWhole: boolean
  readonly isLiveRestore: boolean
}

/** An engine, a node on it and somebody who looks on. */
export interface World extends AsyncDisposable {
  readonly engine: OwnEngine
  readonly node: KillableNode
  readonly observer: Observer
  readonly clusterId: string
  ledger: string
}

export async function world({ isWhole, isLiveRestore }: WorldOptions): Promise<World> {
  const parts: AsyncDisposable[] = []
  const own = <Part extends AsyncDisposable>(part: Part): Part => {
    parts.unshift(part)
    return part
  }
  const stop = async () => {
    for (const part of parts.splice(0)) await part[Symbol.asyncDispose]()
  }
  try {
    const engine = own(await ownEngine({ isLiveRestore }))
    const node = own(await killableNode({ engine, isWhole }))
    const clusterId = await node.clusterId()
    const watcher = own(observer(engine, clusterId))
    await eventually(() => applyObjects(node.client, surroundings))
    return { engine, node, clusterId, observer: watcher, ledger: '', [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What happened in a round; thrown with it when it went wrong. */
export interface RoundStory {
  readonly seed: number
  readonly round: number
  readonly deeds: readonly string[]
  readonly killed: readonly KillKind[]
  /** What it waited for last, and when. */
  waited: string
}

export class RoundError extends Error {
  readonly story: RoundStory
  readonly said: string
  constructor(message: string, story: RoundStory, said: string, options?: ErrorOptions) {
    super(`seed ${story.seed}, round ${story.round}: ${message}\n${story.deeds.join('\n')}`, options)
    this.name = 'RoundError'
    this.story = story
    this.said = said
  }
}

/** Of kills in a round, by a number below ten: mostly few, or all would wait for back-offs most of the time. */
const howMany = (drawn: number) => (drawn < 4 ? 1 : drawn < 7 ? 2 : drawn < 9 ? 3 : 4)
const spanInMs = 4000
const restInMs = 100_000

/** One round from a seed: things happen, then all must come right, then everything is deleted and nothing may be left. */
export async function playRound(place: World, seed: number, round: number): Promise<RoundStory> {
  const random = seededRandom(seed * 1000 + round)
  const life = lives()
  const planned: Deed[] = operations(random, 8 + random.below(10), spanInMs)
  const killed = kills(random, howMany(random.below(10)), spanInMs, life)
  const all = [...planned, ...killed].sort((a, b) => a.at - b.at)
  const deeds: string[] = []
  const story = { seed, round, deeds, killed: killed.map(({ kind }) => kind), waited: '' }
  try {
    await eventually(() => applyObjects(place.node.client, [claimNamed('round')]))
    await perform(place, all, deeds)
    await life.settled()
    const wait = waiting(story)
    await comesToRest(place, wait)
    await clearAway(place, wait)
    return story
  } catch (error) {
    throw new RoundError(error instanceof Error ? error.message : String(error), story, place.node.output, { cause: error })
  }
}

async function perform(place: World, deeds: readonly Deed[], told: string[]): Promise<void> {
  const begin = systemClock.monotonic()
  const underWay: Promise<unknown>[] = []
  for (const { at, text, act } of deeds) {
    await systemClock.sleep(at - (systemClock.monotonic() - begin))
    const index = told.push(`${at} ms ${text}`) - 1
    const note = (outcome: string) => (told[index] += `: ${outcome}`)
    // Whoever is refused, or cut off in the middle, has tried.
    const done = act(place).then(
      () => note(`done at ${Math.round(systemClock.monotonic() - begin)}`),
      error => note(String(error).slice(0, 100)),
    )
    underWay.push(done)
  }
  await Promise.all(underWay)
}

const none = (complaints: readonly string[]) => {
  if (complaints.length > 0) throw new Error(complaints.join('\n'))
}

type Wait = (complaints: () => Promise<readonly string[]>) => Promise<void>

/** Waits until there is nothing to complain about, and keeps what there was to complain about last. */
function waiting(story: RoundStory): Wait {
  const begin = systemClock.monotonic()
  return complaints =>
    eventually(
      async () => {
        const now = await complaints()
        if (now.length > 0) story.waited = `${Math.round(systemClock.monotonic() - begin)} ms for ${now.join('; ')}`
        none(now)
      },
      { timeoutInMs: restInMs, everyMs: 250 },
    )
}

async function comesToRest(place: World, wait: Wait): Promise<void> {
  await wait(() => complaintsAtRest(place))
  await checkLedger(place)
  none(place.observer.complaints)
}

async function checkLedger(place: World): Promise<void> {
  const pods = (await place.node.client.list(Pod)).items
  const now = await readLedger(place)
  none(complaintsAboutLedger(place.ledger, now, pods))
  place.ledger = now
}

/** Deletes all that the round has made, and waits until nothing is left of it. */
async function clearAway(place: World, wait: Wait): Promise<void> {
  const { client, staticDir } = place.node
  const inDefault = (name: string) => ({ namespace: 'default', name })
  await rm(join(staticDir, 'guard.json'), { force: true })
  await client.delete(Deployment, inDefault('web')).catch(ignore('NotFound'))
  await client.delete(PersistentVolumeClaim, inDefault('round')).catch(ignore('NotFound'))
  await wait(async () => {
    const pods = (await client.list(Pod)).items
    for (const { metadata } of pods)
      if (!metadata.deletionTimestamp && !metadata.annotations?.['kubernetes.io/config.mirror'])
        await client.delete(Pod, inDefault(metadata.name)).catch(ignore('NotFound'))
    const names = pods.map(({ metadata }) => `pod ${metadata.name} is still there`)
    const volumes = (await client.list(PersistentVolume)).items.filter(({ spec }) => spec.claimRef?.name === 'round')
    const containers = (await place.engine.list())
      .filter(one => !isHelperInUse(one))
      .map(({ Id }) => `container ${Id.slice(0, 12)} is still there`)
    const left = volumes.map(({ metadata }) => `volume ${metadata.name} is still there`)
    return [...names, ...left, ...containers, ...(await complaintsAtRest(place))]
  })
  await checkLedger(place)
  none(place.observer.complaints)
}
