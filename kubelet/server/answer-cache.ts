import { boundedMap } from '../../client/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'

/** Remembers answers for as long as each is good. */
export interface AnswerCache<T> {
  /** The known answer, or the one that `ask` gets; those that ask the same at once share one question. Failures are not remembered. */
  get(question: string, ask: () => Promise<T>): Promise<T>
}

const mostAnswers = 4096

export function answerCache<T>({ clock, lifetimeInMs }: { clock: Clock; lifetimeInMs: (answer: T) => number }): AnswerCache<T> {
  const known = boundedMap<string, { answer: Promise<T>; until: number }>(mostAnswers)
  return {
    get(question, ask) {
      const found = known.get(question)
      if (found && found.until > clock.monotonic()) return found.answer
      const entry = { answer: ask(), until: Number.POSITIVE_INFINITY }
      known.set(question, entry)
      entry.answer.then(
        answer => (entry.until = clock.monotonic() + lifetimeInMs(answer)),
        () => known.get(question) === entry && known.delete(question),
      )
      return entry.answer
    },
  }
}
