import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { nodeReference } from '../node/reference.ts'
import { isCriticalPod } from '../pod-types.ts'
import type { Verdict } from '../status/pod-status.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { EvictionConfig, Signal } from './config.ts'
import { exceededLocalLimit, hasLocalLimits } from './local-storage.ts'
import { type EvictionWords, evictionWords, resourceOf } from './message.ts'
import { rankForEviction } from './rank.ts'
import type { SignalSource } from './signals.ts'
import {
  calm,
  isMemoryNear,
  isRelieved,
  type Observations,
  type Pressure,
  planPass,
  type Threshold,
  thresholdsOf,
} from './thresholds.ts'
import { usageOf } from './usage.ts'

/** Keeps the node from running out of what cannot be shared: ends pods before the kernel or the disk does. */
export interface Eviction {
  /** Conditions that hold. */
  readonly pressures: readonly Pressure[]
  readonly run: Run
}

/** What the node can give up before any pod has to. */
export interface NodeReclaim {
  /** All containers that have ended, also of pods that are there yet. */
  removeDeadContainers(): Promise<void>
  removeUnusedImages(): Promise<void>
}

interface Options {
  nodeName: string
  config: EvictionConfig
  source: SignalSource
  clock: Clock
  log: Log
  events: EventRecorder
  activePods: () => readonly Pod[]
  evict: (podUid: string, verdict: Verdict, graceInSeconds: number) => Promise<void>
  /** The conditions changed. */
  onPressure: () => void
  reclaim?: NodeReclaim
}

const hardGraceInSeconds = 1
const cleanUpLimitInMs = 30_000
/** After an eviction the next pass comes when the pod is gone, which is looked for every second (podCleanupPollFreq). */
const afterEvictionMs = 1000
/** pkg/kubelet/pod_workers.go killPodNow: one and a half times the grace, and ten seconds at least. */
const killLimitInMs = (graceInSeconds: number) => Math.max(10, Math.trunc(1.5 * graceInSeconds)) * 1000

export function podEviction(options: Options): Eviction {
  const { nodeName, config, source, clock, log, events, activePods, evict, onPressure, reclaim } = options
  let thresholds: readonly Threshold[] | undefined
  let hasImageFs = false
  let state = calm
  let pressures: readonly Pressure[] = []
  const stop = new AbortController()

  /** Whether it is done within a time; the kubelet's own end counts as done. */
  const within = async (limitInMs: number, done: Promise<void>): Promise<boolean> => {
    const waiting = new AbortController()
    const isLate = clock.sleep(limitInMs, AbortSignal.any([waiting.signal, stop.signal])).then(() => !stop.signal.aborted)
    const outcome = await Promise.race([done.then(() => false), isLate])
    waiting.abort()
    return !outcome
  }

  const end = async (pod: Pod, { message, annotations }: EvictionWords, graceInSeconds: number, disruption?: string) => {
    events.record(pod, 'Warning', 'Evicted', message, annotations)
    const verdict = { reason: 'Evicted', message, ...(disruption && { disruption }) }
    const ended = evict(pod.metadata.uid, verdict, graceInSeconds)
    if (await within(killLimitInMs(graceInSeconds), ended)) return
    const late = 'Container runtime did not kill the pod within specified grace period.'
    events.record(pod, 'Warning', 'ExceededGracePeriod', late)
    if (!(await within(cleanUpLimitInMs, ended))) log.warn({ pod: pod.metadata.name }, 'evicted pod not cleaned up in time')
  }

  const enforceLocalLimits = async (): Promise<boolean> => {
    const limited = activePods().filter(pod => hasLocalLimits(pod) && !isCriticalPod(pod))
    if (limited.length === 0) return false
    const usages = await source.usages(limited)
    let any = false
    for (const pod of limited) {
      const usage = usageOf(usages, pod)
      const message = usage && exceededLocalLimit(pod, usage, { hasImageFs })
      if (!message) continue
      any = true
      await end(pod, { message, annotations: {} }, hardGraceInSeconds)
    }
    return any
  }

  /** What the node itself can do without. Answers whether that was enough. */
  const reclaimFromNode = async (signal: Signal): Promise<boolean> => {
    const ways = reclaim ? reclaimFor(signal, reclaim, hasImageFs) : []
    for (const way of ways) await way().catch((err: unknown) => log.warn({ err: messageOf(err), signal }, 'reclaiming failed'))
    return ways.length > 0 && isRelieved(thresholds ?? [], await source.observe())
  }

  /** One pod per pass: the rest may turn out to be enough. Answers whether there was one to end. */
  const relieve = async (threshold: Threshold, observations: Observations): Promise<boolean> => {
    const { signal, isHard } = threshold
    const resource = resourceOf(signal)
    events.record(nodeReference(nodeName), 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`)
    if (await reclaimFromNode(signal)) {
      log.info({ signal }, 'enough was reclaimed without ending a pod')
      return false
    }
    const pods = activePods()
    const usages = await source.usages(pods, { inodes: resource === 'inodes' })
    const victim = rankForEviction(signal, pods, usages, { hasImageFs }).find(pod => !isCriticalPod(pod))
    if (!victim) {
      log.warn({ signal }, 'nothing left to evict')
      return false
    }
    const words = evictionWords(threshold, observations[signal], victim, usageOf(usages, victim))
    const ownGrace = victim.spec.terminationGracePeriodSeconds
    const grace = isHard ? hardGraceInSeconds : Math.min(ownGrace, config.maxPodGraceSeconds)
    await end(victim, words, grace, words.message)
    return true
  }

  const configured = async () => {
    if (thresholds) return thresholds
    hasImageFs = (await source.hasImageFs?.()) ?? false
    thresholds = thresholdsOf(config, { hasImageFs })
    return thresholds
  }

  /** Answers how long to wait for the next one. */
  const pass = async (): Promise<number> => {
    const all = await configured()
    const observations = await source.observe()
    const { transitionPeriodInMs } = config
    const plan = planPass(all, observations, state, { now: clock.now(), transitionPeriodInMs })
    const hasChanged = plan.pressures.length !== pressures.length || plan.pressures.some(one => !pressures.includes(one))
    state = plan.state
    pressures = plan.pressures
    if (hasChanged) onPressure()
    if (await enforceLocalLimits()) return afterEvictionMs
    if (plan.act) return (await relieve(plan.act, observations)) ? Math.min(afterEvictionMs, config.everyMs) : config.everyMs
    return isMemoryNear(all, observations) ? Math.min(config.nearEveryMs, config.everyMs) : config.everyMs
  }

  return {
    get pressures() {
      return pressures
    },
    async run(signal) {
      signal.addEventListener('abort', () => stop.abort(), { once: true })
      while (!signal.aborted) {
        const waitInMs = await pass().catch((err: unknown) => {
          log.warn({ err: messageOf(err) }, 'eviction pass failed')
          return config.everyMs
        })
        await clock.sleep(waitInMs, signal)
      }
    },
  }
}

/** Memory and process ids cannot be had back from what has ended; nor can space on a disk that holds neither images nor containers. */
function reclaimFor(signal: Signal, reclaim: NodeReclaim, hasImageFs: boolean): (() => Promise<void>)[] {
  const isDisk = /^(nodefs|imagefs|containerfs)\./.test(signal)
  if (!isDisk || (hasImageFs && signal.startsWith('nodefs'))) return []
  return [reclaim.removeDeadContainers, reclaim.removeUnusedImages]
}
