import { seededRandom } from '../../lib/random.ts'
import type { PriorityLevelLike } from './configuration.ts'

/** Somebody who waits for a turn. */
export interface Waiter {
  readonly flow: number
  readonly seats: number
  /** Called once: with the queue it waited in when its turn has come, with nothing when it never will. */
  readonly settle: (queue: Queue | undefined) => void
}

/** Requests of a few flows, in the order in which they came. */
export interface Queue {
  readonly waiters: Waiter[]
  /** How much work of this queue has been done, in seat-milliseconds: the one with the least is next. */
  work: number
}

/** A priority level: so many seats for requests under way, and queues for those that wait. */
export interface Level {
  readonly name: string
  uid: string
  isExempt: boolean
  /** Seats that it has when all others need theirs. */
  nominal: number
  /** Of these, those that it never lends. */
  kept: number
  /** Seats that it may have at most, with what others lend. */
  most: number
  /** Nobody waits: what does not fit is refused. */
  rejects: boolean
  queueLength: number
  handSize: number
  queues: Queue[]
  seatsInUse: number
  waiting: number
  /** The work of the queue that was served last: where a queue begins that was empty. */
  work: number
}

/** The right to be served now, to be given back. */
export interface Pass {
  readonly level: Level
  readonly seats: number
  /** UIDs for the answer's headers; empty for what is built in. */
  readonly schemaUid: string
  readonly levelUid: string
  /** Set for those who had to wait. */
  readonly queue?: Queue
  readonly since?: number
}

/** A level without seats of its own until it is configured. */
export function newLevel(name: string): Level {
  return {
    name,
    uid: '',
    isExempt: false,
    nominal: 1,
    kept: 1,
    most: 1,
    rejects: true,
    queueLength: 0,
    handSize: 1,
    queues: [],
    seatsInUse: 0,
    waiting: 0,
    work: 0,
  }
}

/** Takes over a configuration, given how many seats there are and how many shares they are divided by. Who waits goes on waiting. */
export function configure(
  level: Level,
  { metadata, spec }: PriorityLevelLike,
  { seats, shares }: { seats: number; shares: number },
) {
  const { limited } = spec
  level.uid = metadata.uid ?? ''
  level.isExempt = spec.type === 'Exempt'
  level.nominal = Math.ceil((seats * sharesOf({ metadata, spec })) / Math.max(1, shares))
  level.kept = Math.ceil(level.nominal * (1 - (limited?.lendablePercent ?? 0) / 100))
  const { borrowingLimitPercent: limit } = limited ?? {}
  level.most = limit === undefined ? seats : level.nominal + Math.ceil((level.nominal * limit) / 100)
  const response = limited?.limitResponse
  level.rejects = response?.type !== 'Queue'
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = response?.queuing ?? {}
  level.queueLength = queueLengthLimit
  level.handSize = Math.min(handSize, queues)
  if (!level.rejects && level.queues.length !== queues) {
    const waiters = level.queues.flatMap(queue => queue.waiters)
    level.queues = Array.from({ length: queues }, () => ({ waiters: [], work: 0 }))
    level.waiting = 0
    for (const waiter of waiters) join(level, waiter)
  }
}

/** By default 30 (flowcontrol/v1 defaults.go). */
export const sharesOf = ({ spec }: PriorityLevelLike) =>
  spec.type === 'Exempt' ? 0 : (spec.limited?.nominalConcurrencyShares ?? 30)

/** The queue of a flow's hand with the least before it. */
function queueFor(level: Level, flow: number): Queue | undefined {
  let best: Queue | undefined
  for (const index of handOf(flow, level.queues.length, level.handSize)) {
    const queue = level.queues[index]
    if (queue && (!best || queue.waiters.length < best.waiters.length)) best = queue
  }
  return best
}

/**
 * The few queues that a flow may use, the same every time: two flows rarely share all of theirs, so that one with very much to do
 * fills its own and leaves the others' be (shuffle sharding).
 */
export function handOf(flow: number, queues: number, handSize: number): number[] {
  const random = seededRandom(flow)
  const hand: number[] = []
  while (hand.length < Math.min(handSize, queues)) {
    const index = random.below(queues)
    if (!hand.includes(index)) hand.push(index)
  }
  return hand
}

/** Queues up; answers the queue, or nothing when it is full. */
export function join(level: Level, waiter: Waiter): Queue | undefined {
  const queue = queueFor(level, waiter.flow)
  if (!queue || queue.waiters.length >= level.queueLength) return undefined
  if (queue.waiters.length === 0) queue.work = Math.max(queue.work, level.work)
  queue.waiters.push(waiter)
  level.waiting++
  return queue
}

/** Gives up waiting. */
export function quit(level: Level, waiter: Waiter): void {
  for (const { waiters } of level.queues) {
    const at = waiters.indexOf(waiter)
    if (at < 0) continue
    waiters.splice(at, 1)
    level.waiting--
  }
}

/** The queue whose turn it is. */
export function nextQueue(level: Level): Queue | undefined {
  let next: Queue | undefined
  for (const queue of level.queues) if (queue.waiters.length > 0 && (!next || queue.work < next.work)) next = queue
  return next
}
