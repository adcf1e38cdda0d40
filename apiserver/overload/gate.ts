import { ApiError } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { builtInLevels, builtInSchemas } from './built-in.ts'
import { distinguisher, matchesSchema } from './classifier.ts'
import type { FlowAttributes, FlowControlSource, FlowSchemaLike } from './configuration.ts'
import { configure, join, type Level, newLevel, nextQueue, type Queue, quit, sharesOf } from './level.ts'

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
const mostRemembered = 2_000

/** Where a request belongs. */
interface Flow {
  readonly pass: Pass
  readonly hash: number
}

export function overloadGate(options: GateOptions): Gate {
  const { source, clock, seats: allSeats = usualSeats, longestWaitInMs = usualWaitInMs } = options
  const levels = new Map<string, Level>()
  const listLengths = new Map<string, number>()
  let limited: readonly Level[] = []
  let schemas: readonly FlowSchemaLike[] = []
  let byUser = new WeakMap<UserInfo, Map<string, Flow>>()
  let version = Number.NaN
  let waiting = 0

  /** Exempt and catch-all hold whatever anybody configured. */
  function reconfigure(): void {
    version = source.version()
    const mandatory = (name: string) => name === 'exempt' || name === 'catch-all'
    const complete = <T extends { metadata: { name: string } }>(given: readonly T[], own: readonly T[]): readonly T[] => {
      const names = new Set(given.map(({ metadata }) => metadata.name))
      return [...given, ...own.filter(({ metadata }) => mandatory(metadata.name) && !names.has(metadata.name))]
    }
    const wanted = complete(source.levels(), builtInLevels)
    const shares = wanted.reduce((sum, each) => sum + sharesOf(each), 0)
    const names = new Set(wanted.map(({ metadata }) => metadata.name))
    for (const each of wanted) {
      const { name } = each.metadata
      let level = levels.get(name)
      if (!level) levels.set(name, (level = newLevel(name)))
      configure(level, each, { seats: allSeats, shares })
    }
    for (const [name, level] of levels) {
      if (names.has(name)) continue
      levels.delete(name)
      for (const queue of level.queues) for (const waiter of queue.waiters.splice(0)) waiter.settle(queue)
    }
    limited = [...levels.values()].filter(level => !level.isExempt)
    const precedence = ({ spec }: FlowSchemaLike) => spec.matchingPrecedence ?? 1000
    schemas = complete(source.schemas(), builtInSchemas)
      .filter(({ spec }) => levels.has(spec.priorityLevelConfiguration.name))
      .toSorted((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
    byUser = new WeakMap()
  }

  function flowOf(user: UserInfo, attributes: FlowAttributes): Flow {
    if (source.version() !== version) reconfigure()
    let known = byUser.get(user)
    if (!known) byUser.set(user, (known = new Map()))
    const key = keyOf(attributes)
    const flow = known.get(key)
    if (flow) return flow
    if (known.size >= mostRemembered) known.clear()
    const found = classify(user, attributes)
    known.set(key, found)
    return found
  }

  function classify(user: UserInfo, attributes: FlowAttributes): Flow {
    const schema = schemas.find(each => matchesSchema(each, user, attributes)) ?? schemas.at(-1)
    const level = levels.get(schema?.spec.priorityLevelConfiguration.name ?? '')
    if (!schema || !level) throw new Error('there is always a catch-all')
    const pass = { level, seats: 1, schemaUid: schema.metadata.uid ?? '', levelUid: level.uid }
    return { pass, hash: hashOf(`${schema.metadata.name}\0${distinguisher(schema, user, attributes)}`) }
  }

  function seatsFor(attributes: FlowAttributes, { nominal }: Level): number {
    const { verb } = attributes
    if (verb !== 'list' && verb !== 'watch') return 1
    const length = listLengths.get(collectionOf(attributes)) ?? 0
    const most = Math.min(mostSeats, Math.max(1, Math.ceil(nominal * 0.15)))
    return Math.max(1, Math.min(most, Math.ceil(length / objectsPerSeat)))
  }

  /** Within what is its own, or within what others can spare at the moment. One request always fits. */
  function fits(level: Level, seats: number): boolean {
    const wanted = level.seatsInUse + seats
    if (level.seatsInUse === 0 || wanted <= level.nominal) return true
    if (wanted > level.most) return false
    let taken = wanted
    for (const other of limited) if (other !== level) taken += Math.max(other.seatsInUse, other.kept)
    return taken <= allSeats
  }

  function serveWaiting(): void {
    for (const level of limited) {
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
      const flow = flowOf(user, attributes)
      const { pass } = flow
      const { level } = pass
      if (level.isExempt) return pass
      const seats = seatsFor(attributes, level)
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
    listed(attributes, objects) {
      const key = collectionOf(attributes)
      if (objects <= objectsPerSeat) return void listLengths.delete(key)
      if (listLengths.size >= mostRemembered) listLengths.clear()
      listLengths.set(key, objects)
    },
  }
}

const keyOf = ({ verb, group, resource, subresource = '', namespace = '', path }: FlowAttributes) =>
  path === undefined ? `${verb} ${group}/${resource}/${subresource} ${namespace}` : `${verb} ${path}`

const collectionOf = ({ group, resource, namespace = '' }: FlowAttributes) => `${group}/${resource} ${namespace}`

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function tooManyRequests(): ApiError {
  return new ApiError('TooManyRequests', 'too many requests, please try again later', { details: { retryAfterSeconds: 1 } })
}
