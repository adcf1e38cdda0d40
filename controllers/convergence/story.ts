import type { Picture } from './picture.ts'
import { isRefusal, type Onlooker, type Stage, stageFor } from './stage.ts'
import { type Deed, oneOf, pick, type Theme } from './theme.ts'

/** Looks at everything at rest; answers what is wrong. */
export type Invariant = (picture: Picture) => readonly string[]

export interface Cast {
  readonly themes: readonly Theme[]
  /** Themes that are in every story. */
  readonly always: readonly Theme[]
  readonly invariants: readonly Invariant[]
  /** Made anew for each story: they may remember. */
  readonly onlookers: () => readonly Onlooker[]
  /** Those who ask for what nobody can promise whose news are late. */
  readonly strictOnlookers: () => readonly Onlooker[]
}

export interface Ending {
  readonly diary: readonly string[]
  /** Empty: all is as it should be. */
  readonly complaints: readonly string[]
  /** How long it took to come to rest, in seconds. */
  readonly restedAfter: number
}

const deedsPerStory = 40
/** Longer than the longest wait between two attempts (1000 s), plus the longest back-off of a job, plus what controllers wait for. */
const longestCalmInMs = 3_600_000
const restInMs = 300_000

/** Plays a seed: deeds in bad weather, then calm until everything is as it should be, then a while in which nothing may change. */
export async function play(seed: number, { themes, always, invariants, onlookers, strictOnlookers }: Cast): Promise<Ending> {
  const diary: string[] = []
  const seen = new Set<string>()
  const complain = (text: string) => void (seen.add(text) && diary.push(`!! ${text}`))
  await using stage = await stageFor(seed, { always: onlookers(), strict: strictOnlookers() }, complain)
  const chosen = chooseThemes(stage, themes)
  diary.push(`seed ${seed}: ${chosen.map(({ name }) => name).join(', ')}; weather ${JSON.stringify(stage.weather)}`)
  await begin(stage, chosen, diary)
  for (let i = 0; i < deedsPerStory; i++) await happen(stage, always, chosen, diary)

  stage.clearUp()
  stage.kubelets.mend()
  for (const theme of [...always, ...themes]) await theme.calm?.(stage)
  const { complaints, restedAfter } = await comeToRest(stage, invariants)
  return { diary, complaints: [...seen, ...complaints], restedAfter }
}

/** Lets time run until all is as it should be and nothing has changed for a while, or for as long as it takes at most. */
async function comeToRest(stage: Stage, invariants: readonly Invariant[]): Promise<Omit<Ending, 'diary'>> {
  const { clock, picture, kubelets } = stage
  const began = clock.now()
  let [written, restsSince, step] = [-1, began, 1_000]
  for (;;) {
    const steps = await kubelets.turn({ step: 1, failure: 0 })
    await stage.pass(step)
    const complaints = invariants.flatMap(invariant => invariant(picture).map(text => `${invariant.name}: ${text}`))
    const now = clock.now()
    const rests = steps === 0 && complaints.length === 0 && written === stage.written
    if (!rests) restsSince = now
    const restedAfter = (restsSince - began) / 1000
    if (now - restsSince >= restInMs) return { complaints, restedAfter }
    if (now - began > longestCalmInMs) {
      if (complaints.length === 0) complaints.push(`no rest: ${stage.lastWrites.join('; ')}`)
      return { complaints, restedAfter }
    }
    written = stage.written
    step = Math.min(step * 1.3, 60_000)
  }
}

function chooseThemes({ random }: Stage, themes: readonly Theme[]): readonly Theme[] {
  const left = [...themes]
  const count = Math.min(left.length, 2 + random.below(3))
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat()
}

/** What a story is about is made, and has a little time to come up. */
async function begin(stage: Stage, chosen: readonly Theme[], diary: string[]): Promise<void> {
  for (const deed of chosen.flatMap(({ opening = [] }) => opening)) await perform(stage, deed, diary)
  for (let i = 0; i < 4; i++) await goOn(stage, 500)
}

/** One deed, and what comes of it. */
async function happen(stage: Stage, always: readonly Theme[], chosen: readonly Theme[], diary: string[]): Promise<void> {
  const { random } = stage
  const deeds = (random.below(10) < 3 ? always : chosen).flatMap(theme => theme.deeds)
  const deed = oneOf(random, deeds)
  if (deed) await perform(stage, deed, diary)
  for (let rounds = random.below(4); rounds > 0; rounds--) {
    await goOn(stage, [0, 10, 500, 3_000, 10_000, 60_000][Math.floor(random.next() ** 2 * 6)] ?? 0)
  }
}

async function goOn(stage: Stage, ms: number): Promise<void> {
  await stage.kubelets.turn({ step: pick(stage.random, 1, 0.7, 0.3), failure: 0.3 })
  await stage.pass(ms)
}

async function perform(stage: Stage, deed: Deed, diary: string[]): Promise<void> {
  const act = deed(stage)
  if (!act) return
  const at = `${Math.round(stage.clock.now() / 1000) % 100_000}s`
  const told = await act.act().then(
    () => '',
    (error: unknown) => {
      if (!isRefusal(error)) throw error
      return ` (${error instanceof Error ? error.message : error})`
    },
  )
  diary.push(`${at} ${act.text}${told}`)
}
