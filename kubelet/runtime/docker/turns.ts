/**
 * Lets only so many things happen at once. What finishes a pod already begun goes before what begins another one: under load the
 * first pods are ready early instead of all of them late.
 */
export interface Turns {
  take<T>(urgency: Urgency, work: () => Promise<T>): Promise<T>
}

/** `spare`: nobody waits for it. */
export type Urgency = 'finish' | 'begin' | 'spare'

export function turns(atOnce: number): Turns {
  const waiting: Record<Urgency, (() => void)[]> = { finish: [], begin: [], spare: [] }
  let free = atOnce
  return {
    async take(urgency, work) {
      if (free > 0) free--
      else await new Promise<void>(resolve => waiting[urgency].push(resolve))
      try {
        return await work()
      } finally {
        const next = waiting.finish.shift() ?? waiting.begin.shift() ?? waiting.spare.shift()
        if (next) next()
        else free++
      }
    },
  }
}
