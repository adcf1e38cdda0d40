/**
 * Lets only so many things happen at once. What finishes a pod already begun goes before what begins another one: under load the
 * first pods are ready early instead of all of them late. What nobody waits for happens one at a time, while nothing else does.
 */
export interface Turns {
  take<T>(urgency: Urgency, work: () => Promise<T>): Promise<T>
}

export type Urgency = 'finish' | 'begin' | 'spare'

export function turns(atOnce: number): Turns {
  const waiting: Record<Urgency, (() => void)[]> = { finish: [], begin: [], spare: [] }
  let underWay = 0
  const next = () => {
    if (underWay >= atOnce) return
    const go = waiting.finish.shift() ?? waiting.begin.shift() ?? (underWay === 0 ? waiting.spare.shift() : undefined)
    if (!go) return
    underWay++
    go()
  }
  return {
    async take(urgency, work) {
      const turn = new Promise<void>(resolve => waiting[urgency].push(resolve))
      next()
      await turn
      try {
        return await work()
      } finally {
        underWay--
        next()
      }
    },
  }
}
