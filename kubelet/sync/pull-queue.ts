import type { Clock } from '../../lib/clock.ts'

export interface PullLimits {
  /** One pull after the other, whatever the next line says. */
  readonly serializeImagePulls: boolean
  /** At most so many at once; 0: as many as there are. */
  readonly maxParallelImagePulls: number
  /** Pulls a second, on average and at once; 0: no limit. */
  readonly registryPullQPS: number
  readonly registryBurst: number
}

/** Lets pulls begin in the order asked for, no more at once than the limits say (pkg/kubelet/images/puller.go). */
export interface PullQueue {
  /** Rejects at once, without a try, when there are too many pulls a second. */
  run<T>(pull: () => Promise<T>): Promise<T>
}

export function pullQueue(limits: PullLimits, clock: Clock): PullQueue {
  const { serializeImagePulls, maxParallelImagePulls, registryPullQPS: qps, registryBurst } = limits
  const places = serializeImagePulls ? 1 : maxParallelImagePulls || Number.POSITIVE_INFINITY
  const waiting: (() => void)[] = []
  let underWay = 0
  let tokens = registryBurst
  let countedAt = clock.monotonic()

  const demandToken = () => {
    if (qps <= 0) return
    const now = clock.monotonic()
    tokens = Math.min(registryBurst, tokens + ((now - countedAt) / 1000) * qps)
    countedAt = now
    if (tokens < 1) throw new Error('pull QPS exceeded')
    tokens -= 1
  }

  return {
    async run(pull) {
      if (underWay >= places) await new Promise<void>(resolve => waiting.push(resolve))
      else underWay += 1
      try {
        demandToken()
        return await pull()
      } finally {
        // Who waited longest takes the place over.
        const next = waiting.shift()
        if (next) next()
        else underWay -= 1
      }
    },
  }
}
