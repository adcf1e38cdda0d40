import { expect, test } from 'vitest'
import { cast } from './cast.ts'
import { play } from './story.ts'

/**
 * Plays a few seeds; all five hundred with CONVERGENCE_SEEDS=500, one alone with CONVERGENCE_SEED=17. A seed that fails says what is wrong
 * and all that happened.
 */
const { CONVERGENCE_SEEDS = '10', CONVERGENCE_SEED } = process.env
const seeds = CONVERGENCE_SEED ? [Number(CONVERGENCE_SEED)] : Array.from({ length: Number(CONVERGENCE_SEEDS) }, (_, i) => i + 1)

test.each(seeds)('whatever happens, everything comes to rest as it should be (seed %i)', async seed => {
  const { complaints, diary } = await play(seed, cast)
  expect(complaints, `CONVERGENCE_SEED=${seed}\n${diary.join('\n')}`).toEqual([])
})
