import type { Clock } from './clock.ts'

/** Whose work it is: the whole cluster's, or one node's of a thousand. */
export type Lane = 'cluster' | 'node'

/**
 * Keeps the work of those within the process, each piece short, from holding up the event loop together: promises that resolve one another
 * go on within one turn for as long as there are any. While somebody from outside asks now and then, a turn that has taken a few
 * milliseconds is over, and whoever comes then waits in the line of its lane. With nobody there, work is done as it comes, which takes less.
 */
export interface Pace {
  /** Asked before a piece of work: `undefined`, it may begin; or a promise to wait for. */
  turn(lane: Lane): Promise<void> | undefined
  /** Somebody from outside has asked something. */
  visited(): void
}

/** Longest stretch of work that the event loop is held up for. */
const sliceInMs = 5

/**
 * So many of those who wait go on in each turn of the event loop; what one lane leaves the other has. Nodes finish what the cluster begins:
 * were it the other way round, more and more would be under way at once.
 */
const perTurn: Readonly<Record<Lane, number>> = { cluster: 3, node: 5 }

/** Whoever has asked may ask again so soon. */
const visitInMs = 250

export function pace(clock: Clock): Pace {
  const lines: Readonly<Record<Lane, Line>> = { cluster: line(), node: line() }
  let turnBeganAt: number | undefined
  let visitedAt = Number.NEGATIVE_INFINITY
  let isComing = false

  const letOn = () => {
    const { cluster, node } = lines
    const ofCluster = cluster.letOn(perTurn.cluster + Math.max(0, perTurn.node - node.length))
    node.letOn(perTurn.node + perTurn.cluster - ofCluster)
    isComing = cluster.length + node.length > 0
    if (isComing) setImmediate(letOn)
  }

  return {
    turn(lane) {
      const now = clock.monotonic()
      if (lines[lane].length === 0 && now - visitedAt >= visitInMs) return undefined
      if (turnBeganAt === undefined) {
        turnBeganAt = now
        setImmediate(() => {
          turnBeganAt = undefined
        })
      }
      if (lines[lane].length === 0 && now - turnBeganAt < sliceInMs) return undefined
      if (!isComing) setImmediate(letOn)
      isComing = true
      return lines[lane].wait()
    },
    visited() {
      visitedAt = clock.monotonic()
    },
  }
}

interface Line {
  readonly length: number
  wait(): Promise<void>
  /** Lets the first go on, at most so many; answers how many those were. */
  letOn(most: number): number
}

function line(): Line {
  let waiting: (() => void)[] = []
  let next = 0
  return {
    get length() {
      return waiting.length - next
    },
    wait: () => new Promise(resolve => waiting.push(resolve)),
    letOn(most) {
      const count = Math.min(most, waiting.length - next)
      for (let i = 0; i < count; i++) waiting[next++]?.()
      if (next === waiting.length) {
        waiting = []
        next = 0
      }
      return count
    },
  }
}
