import type { ApiError } from '../api/errors.ts'
import type { WatchFrame } from './request.ts'
import type { Selection } from './selection.ts'
import { expired } from './store-errors.ts'

/** One open watch: what it wants, and what it has not fetched yet. Nobody ever waits for it. */
export interface Watcher {
  readonly selection: Selection
  /** Changes up to this revision are none of its business. */
  readonly since: number
  readonly wantsBookmarks: boolean
  push(frame: WatchFrame): void
  /** Ends it after what is queued; with an error, at once. */
  end(error?: ApiError): void
  /** What has come since the last call, as soon as there is anything; undefined when the watch is over. */
  next(): Promise<readonly WatchFrame[] | undefined>
}

/** Frames are shared, so a watcher that stalls holds on to little; but not to everything. */
const mostFramesWaiting = 10_000

export function watcher(selection: Selection, since: number, wantsBookmarks: boolean): Watcher {
  let waiting: WatchFrame[] = []
  let wake: (() => void) | undefined
  let ended = false
  let failure: ApiError | undefined
  const ring = () => {
    wake?.()
    wake = undefined
  }
  return {
    selection,
    since,
    wantsBookmarks,
    push(frame) {
      if (ended) return
      if (waiting.length >= mostFramesWaiting) {
        ended = true
        failure = expired('the watch fell too far behind; list again')
        waiting = []
      } else {
        waiting.push(frame)
      }
      ring()
    },
    end(error) {
      ended = true
      failure ??= error
      if (error) waiting = []
      ring()
    },
    async next() {
      for (;;) {
        if (failure) throw failure
        if (waiting.length > 0) {
          const frames = waiting
          waiting = []
          return frames
        }
        if (ended) return undefined
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
}
