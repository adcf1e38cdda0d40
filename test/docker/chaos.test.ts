import { appendFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { whyNoOwnEngine } from '../support/chaos/own-engine.ts'
import { playRound, RoundError, type RoundStory, type World, type WorldOptions, world } from '../support/chaos/round.ts'

/**
 * Whatever is killed on a node, and whenever, nothing runs twice, nothing is left over, nothing is lost, and all pods come to where
 * their specs want them. `CHAOS_ROUNDS=200 CHAOS_SEED=7` plays longer; `CHAOS_FIRST=31 CHAOS_ROUNDS=1` plays one round again;
 * `CHAOS_MODE=agent`, `whole` or `live` plays one of the three nodes only; `CHAOS_LOG=file` writes down what is said and done.
 */
const { CHAOS_ROUNDS, CHAOS_SEED = '1', CHAOS_FIRST = '1', CHAOS_MODE, CHAOS_LOG } = process.env
const rounds = Number(CHAOS_ROUNDS ?? 1)
const seed = Number(CHAOS_SEED)
const first = Number(CHAOS_FIRST)

const modes: Readonly<Record<string, WorldOptions>> = {
  agent: { isWhole: false, isLiveRestore: false },
  whole: { isWhole: true, isLiveRestore: false },
  live: { isWhole: false, isLiveRestore: true },
}

const why = whyNoOwnEngine()
if (why) console.warn(`no chaos on the node: ${why}`)

let place: World | undefined
afterAll(() => place?.[Symbol.asyncDispose]())

const say = (text: string) => {
  if (CHAOS_LOG) appendFileSync(CHAOS_LOG, `${text}\n`)
}

test.skipIf(why !== undefined).each(Object.keys(modes).filter(mode => !CHAOS_MODE || mode === CHAOS_MODE))(
  `a node where anything may be killed at any moment comes right: %s, seed ${seed}`,
  async mode => {
    const faults: string[] = []
    const killed: Record<string, number> = {}
    const count = (story: RoundStory) => {
      for (const kind of story.killed) killed[kind] = (killed[kind] ?? 0) + 1
    }
    for (let round = first; round < first + rounds; round++) {
      const begin = systemClock.monotonic()
      try {
        place ??= await world(modes[mode]!)
        const story = await playRound(place, seed, round)
        count(story)
        const took = Math.round(systemClock.monotonic() - begin)
        say(`${mode} seed ${seed} round ${round}: ${took} ms; killed ${story.killed.join()}; waited ${story.waited}`)
      } catch (error) {
        if (!(error instanceof RoundError)) throw error
        say(`${mode} FAILED ${error.message}\n${error.said}\n`)
        count(error.story)
        faults.push(error.message)
        await place?.[Symbol.asyncDispose]()
        place = undefined
      }
    }
    say(`${mode} seed ${seed}: ${rounds} rounds, killed ${JSON.stringify(killed)}, ${faults.length} faults`)
    await place?.[Symbol.asyncDispose]()
    place = undefined
    expect(faults).toEqual([])
  },
  120_000 + rounds * 300_000,
)
