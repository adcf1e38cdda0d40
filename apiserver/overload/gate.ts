import { ApiError } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FlowAttributes, FlowControlSource } from './configuration.ts'
import { type Flow, followedFlows } from './flows.ts'
import { join, type Level, nextQueue, type Pass, type Queue, quit } from './level.ts'

/** Lets so many requests be served at a time that none has to starve (API priority and fairness). */
export interface Gate {
  /**
   * At once if there is room, else when it is the request's turn. Throws TooManyRequests when the queues are full, when nothing came
   * of waiting, or when the client is gone; for that `gone` is asked if there is need to wait.
   */
  enter(user: UserInfo, attributes: FlowAttributes, gone?: () => AbortSignal): Pass | Promise<Pass>
  leave(pass: Pass): void
  /** Tells how many objects a list had: long ones take more seats the next time. */
  listed(attributes: FlowAttributes, objects: number): void
}

export interface GateOptions {
  readonly source: FlowControlSource
  readonly clock: Clock
  /** How many seats there are, for all levels but exempt ones. */
  readonly seats?: number
  /** How long a request may wait. */
  readonly longestWaitInMs?: number
}

/** Upstream's 400 reading and 200 writing (--max-requests-inflight and its sister). */
const usualSeats = 600
/** A quarter of a request's usual minute (priority-and-fairness.go, defaultRequestWaitLimit). */
const usualWaitInMs = 15_000
/** A list takes a seat per so many objects, ten at most (flowcontrol/request/config.go). */
const objectsPerSeat = 100
const mostSeats = 10
/** How long a request is taken to last before that is known. */
const guessedDurationInMs = 3
/** How many collections are remembered. */
const mostRemembered = 2_000

/** Seats for requests under way, dealt out by priority level and flow (k8s.io/apiserver/pkg/util/flowcontrol). */
export function overloadGate(options: GateOptions): Gate {
  const { source, clock, seats: allSeats = usualSeats, longestWaitInMs = usualWaitInMs } = options
  const flows = followedFlows(source, allSeats)
  const lists = listLengths()
  let waiting = 0

  /** Within what is its own, or within what others can spare at the moment. One request always fits. */
  function fits(level: Level, seats: number): boolean {
    const wanted = level.seatsInUse + seats
    if (level.seatsInUse === 0 || wanted <= level.nominal) return true
    if (wanted > level.most) return false
    let taken = wanted
    for (const other of flows.limited()) if (other !== level) taken += Math.max(other.seatsInUse, other.kept)
    return taken <= allSeats
  }

  /** Gives free seats to those whose turn it is, level by level. */
  function serveWaiting(): void {
    for (const level of flows.limited()) {
      while (level.waiting > 0) {
        const queue = nextQueue(level)
        const [first] = queue?.waiters ?? []
        if (!queue || !first || !fits(level, first.seats)) break
        queue.waiters.shift()
        level.waiting--
        level.seatsInUse += first.seats
        level.work = queue.work
        queue.work += first.seats * guessedDurationInMs
        first.settle(queue)
      }
    }
  }

  /** For no longer than is allowed, and not for a client that has gone. */
  function wait({ pass, hash: flow }: Flow, seats: number, signal: AbortSignal | undefined): Promise<Pass> {
    const { level } = pass
    return new Promise((resolve, reject) => {
      const waiter = {
        flow,
        seats,
        settle(queue: Queue | undefined) {
          waiting--
          cancel()
          signal?.removeEventListener('abort', giveUp)
          if (queue) resolve({ ...pass, seats, queue, since: clock.monotonic() })
          else reject(tooManyRequests())
        },
      }
      const giveUp = () => {
        quit(level, waiter)
        waiter.settle(undefined)
      }
      if (signal?.aborted || !join(level, waiter)) return reject(tooManyRequests())
      waiting++
      const cancel = clock.after(longestWaitInMs, giveUp)
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  return {
    enter(user, attributes, gone) {
      const flow = flows.flowOf(user, attributes)
      const { pass } = flow
      const { level } = pass
      if (level.isExempt) return pass
      const seats = lists.seatsFor(attributes, level)
      if (level.waiting === 0 && fits(level, seats)) {
        level.seatsInUse += seats
        return seats === 1 ? pass : { ...pass, seats }
      }
      if (level.rejects) throw tooManyRequests()
      return wait(flow, seats, gone?.())
    },
    leave({ level, seats, queue, since }) {
      if (level.isExempt) return
      level.seatsInUse -= seats
      if (queue && since !== undefined) queue.work += seats * (clock.monotonic() - since - guessedDurationInMs)
      if (waiting > 0) serveWaiting()
    },
    listed: lists.remember,
  }
}

/** How long lists were the last time, for those collections where it matters. */
function listLengths() {
  const lengths = new Map<string, number>()
  return {
    seatsFor(attributes: FlowAttributes, { nominal }: Level): number {
      const { verb } = attributes
      if (verb !== 'list' && verb !== 'watch') return 1
      const length = lengths.get(collectionOf(attributes)) ?? 0
      const most = Math.min(mostSeats, Math.max(1, Math.ceil(nominal * 0.15)))
      return Math.max(1, Math.min(most, Math.ceil(length / objectsPerSeat)))
    },
    remember(attributes: FlowAttributes, objects: number): void {
      const key = collectionOf(attributes)
      if (objects <= objectsPerSeat) return void lengths.delete(key)
      if (lengths.size >= mostRemembered) lengths.clear()
      lengths.set(key, objects)
    },
  }
}

const collectionOf = ({ group, resource, namespace = '' }: FlowAttributes) => `${group}/${resource} ${namespace}`

function tooManyRequests(): ApiError {
  return new ApiError('TooManyRequests', 'too many requests, please try again later', { details: { retryAfterSeconds: 1 } })
}
