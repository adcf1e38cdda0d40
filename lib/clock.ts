/** Time is an argument: nothing outside this file reads the wall clock or sets a timer. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds on a clock that never jumps; only differences mean anything. */
  monotonic(): number
  /** Calls back once after the given milliseconds; the answer cancels it. */
  after(ms: number, callback: () => void): () => void
  /** Resolves after the given milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The last second that somebody asked for: whoever writes much writes much in a second. */
let newest = { second: Number.NaN, text: '' }

/** RFC 3339 in UTC with whole seconds, as metav1.Time writes it. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== newest.second) newest = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` }
  return newest.text
}

/** RFC 3339 in UTC with six fraction digits, as metav1.MicroTime writes it. */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`
}

function sleepOn(after: Clock['after'], ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = after(ms, done)
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** Longest delay that setTimeout takes without overflowing. */
const longestTimerInMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), longestTimerInMs))
    return () => clearTimeout(timer)
  },
  sleep(ms, signal) {
    return sleepOn(systemClock.after, ms, signal)
  },
}

/** A clock that stands still until it is advanced. */
export interface VirtualClock extends Clock {
  /** Fires, in order, every timer due within the given milliseconds, letting promises and I/O settle after each. */
  advance(ms: number): Promise<void>
  /** How many timers are set. */
  readonly timers: number
}

/** No file takes longer; what does is not waited for. */
const longestFileInMs = 2000

/** Lets everything that is ready to run do so: promises, files being read and written, and a few turns of the event loop. */
async function settle(): Promise<void> {
  const patience = performance.now() + longestFileInMs
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    if (filesAreUnderWay() && performance.now() < patience) turn = -1
  }
}

/** Files take real time, however slow the disk: virtual time must not run away meanwhile. */
const filesAreUnderWay = () => process.getActiveResourcesInfo().some(resource => resource.startsWith('FSReq'))

export function virtualClock(startInMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = startInMs
  let sequence = 0
  const timers = new Map<number, { at: number; callback: () => void }>()
  const nextDue = (until: number) => {
    let next: { id: number; at: number } | undefined
    for (const [id, timer] of timers) if (timer.at <= until && (!next || timer.at < next.at)) next = { id, at: timer.at }
    return next
  }
  const clock: VirtualClock = {
    now: () => now,
    monotonic: () => now - startInMs,
    after(ms, callback) {
      const id = ++sequence
      timers.set(id, { at: now + Math.max(0, ms), callback })
      return () => timers.delete(id)
    },
    sleep: (ms, signal) => sleepOn(clock.after, ms, signal),
    async advance(ms) {
      const until = now + ms
      await settle()
      for (let due = nextDue(until); due; due = nextDue(until)) {
        const timer = timers.get(due.id)
        timers.delete(due.id)
        now = Math.max(now, due.at)
        timer?.callback()
        await settle()
      }
      now = until
      await settle()
    },
    get timers() {
      return timers.size
    },
  }
  return clock
}
