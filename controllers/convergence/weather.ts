import { ApiError, type Reason } from '../../api/errors.ts'
import type { Call, Transport } from '../../api/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'

/** What goes wrong between controllers and their server, until it clears up. One in so many; 0 is never. */
export interface Weather {
  /** Calls that fail before anything is done. */
  readonly failing: number
  /** Writes that are done and whose answer is lost. */
  readonly lost: number
  /** Batches of news that come late, by up to `lateMs`. */
  readonly late: number
  readonly lateMs: number
  /** Batches of news that a watch ends before. */
  readonly cut: number
}

export const fairWeather: Weather = { failing: 0, lost: 0, late: 0, lateMs: 0, cut: 0 }

/** Every second seed has no bad news, so that what must hold at every moment can be checked without patience. */
export function weatherOf(random: Random): Weather {
  const failing = [0, 25, 8][random.below(3)] ?? 0
  const lost = [0, 0, 30, 10][random.below(4)] ?? 0
  if (random.below(2)) return { failing, lost, late: 0, lateMs: 0, cut: 0 }
  return { failing, lost, late: [0, 20, 5][random.below(3)] ?? 0, lateMs: 3_000, cut: [0, 60, 20][random.below(3)] ?? 0 }
}

const isWrite = ({ verb }: Call) => verb !== 'get' && verb !== 'list' && verb !== 'watch'
const reasons: readonly Reason[] = ['InternalError', 'ServiceUnavailable', 'Timeout', 'TooManyRequests']

/** A transport on which the weather tells, as long as `current` says that there is some. */
export function inWeather(transport: Transport, clock: Clock, random: Random, current: () => Weather): Transport {
  const hits = (oneIn: number) => oneIn > 0 && random.below(oneIn) === 0
  return {
    ...transport,
    async call(call, signal) {
      const { failing, lost } = current()
      if (hits(failing)) {
        const isChange = call.verb === 'update' || call.verb === 'patch'
        if (isChange && random.below(3) === 0) throw new ApiError('Conflict', 'bad weather: it was changed')
        throw new ApiError(reasons[random.below(reasons.length)] ?? 'InternalError', 'bad weather')
      }
      const answer = await transport.call(call, signal)
      if (isWrite(call) && hits(lost)) throw new ApiError('Timeout', 'bad weather: it was done, but nobody heard')
      return answer
    },
    async *watch(call, signal) {
      for await (const events of transport.watch(call, signal)) {
        const { late, lateMs, cut } = current()
        if (hits(cut)) {
          if (random.below(2)) throw new ApiError('Expired', 'bad weather: too old a resource version')
          return
        }
        if (hits(late)) await clock.sleep(random.below(lateMs), signal)
        yield events
      }
    },
  }
}
