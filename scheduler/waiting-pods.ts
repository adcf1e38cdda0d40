import { goDuration } from '../api/protobuf-scalars.ts'
import type { Clock } from '../lib/clock.ts'
import { deferred } from '../lib/deferred.ts'
import { type Refusal, unschedulable } from './framework.ts'

/** Pods that have a place but may not be bound before the plugins that asked for it agree (framework/runtime/waiting_pods_map.go). */
export interface WaitingPods {
  /** Starts to wait for these plugins, each so long at most. */
  begin(uid: string, waits: ReadonlyMap<string, number>): void
  /** One plugin agrees. Answers whether the pod was waiting. */
  allow(uid: string, plugin: string): boolean
  /** Calls the binding off. Answers whether the pod was waiting. */
  reject(uid: string, plugin: string, reason: string): boolean
  /** Resolves when all agree, or with what calls the binding off; at once when nobody asked to wait. */
  outcome(uid: string): Promise<Refusal | undefined>
  uids(): readonly string[]
}

/** No plugin may hold a pod back for longer (framework/runtime maxTimeout). */
const longestWaitInMs = 15 * 60_000

interface Waiting {
  readonly timers: Map<string, () => void>
  readonly outcome: Promise<Refusal | undefined>
  readonly settle: (refusal: Refusal | undefined) => void
}

export function waitingPods(clock: Clock): WaitingPods {
  const waiting = new Map<string, Waiting>()

  const finish = (uid: string, refusal: Refusal | undefined): boolean => {
    const pod = waiting.get(uid)
    if (!pod) return false
    waiting.delete(uid)
    for (const cancel of pod.timers.values()) cancel()
    pod.settle(refusal)
    return true
  }

  return {
    begin(uid, waits) {
      const { promise: outcome, resolve: settle } = deferred<Refusal | undefined>()
      const timers = new Map<string, () => void>()
      waiting.set(uid, { timers, outcome, settle })
      for (const [plugin, asked] of waits) {
        const waitInMs = Math.min(asked, longestWaitInMs)
        const reason = `rejected due to timeout after waiting ${goDuration(waitInMs * 1e6)} at plugin ${plugin}`
        timers.set(
          plugin,
          clock.after(waitInMs, () => finish(uid, unschedulable(plugin, reason))),
        )
      }
    },
    allow(uid, plugin) {
      const pod = waiting.get(uid)
      if (!pod) return false
      pod.timers.get(plugin)?.()
      pod.timers.delete(plugin)
      return pod.timers.size > 0 || finish(uid, undefined)
    },
    reject: (uid, plugin, reason) => finish(uid, unschedulable(plugin, reason)),
    outcome: uid => waiting.get(uid)?.outcome ?? Promise.resolve(undefined),
    uids: () => [...waiting.keys()],
  }
}
