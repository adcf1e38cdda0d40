import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { isCriticalPod } from '../pod-types.ts'
import type { Verdict } from '../status/pod-status.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { EvictionConfig } from './config.ts'
import { exceededLocalLimit, hasLocalLimits } from './local-storage.ts'
import { evictionMessage, resourceOf } from './message.ts'
import { rankForEviction, usageOf } from './rank.ts'
import type { SignalSource } from './signals.ts'
import { calm, type Observations, planPass, type Pressure, type Threshold, thresholdsOf } from './thresholds.ts'

/** Keeps the node from running out of what cannot be shared: ends pods before the kernel or the disk does. */
export interface Eviction {
  /** Conditions that hold. */
  readonly pressures: readonly Pressure[]
  readonly run: Run
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
}

const hardGraceInSeconds = 1
const cleanUpLimitInMs = 30_000

export function podEviction({ nodeName, config, source, clock, log, events, activePods, evict, onPressure }: Options): Eviction {
  const thresholds = thresholdsOf(config)
  let state = calm
  let pressures: readonly Pressure[] = []
  let giveUp = () => {}

  const end = async (pod: Pod, message: string, graceInSeconds: number, disruption?: string) => {
    events.record(pod, 'Warning', 'Evicted', message)
    const verdict = { reason: 'Evicted', message, ...(disruption && { disruption }) }
    const waiting = new AbortController()
    giveUp = () => waiting.abort()
    const limit = clock.sleep(cleanUpLimitInMs, waiting.signal).then(() => 'late' as const)
    const outcome = await Promise.race([evict(pod.metadata.uid, verdict, graceInSeconds), limit])
    const wasStopped = waiting.signal.aborted
    waiting.abort()
    if (outcome === 'late' && !wasStopped)
      events.record(
        pod,
        'Warning',
        'ExceededGracePeriod',
        'Container runtime did not kill the pod within specified grace period.',
      )
  }

  const enforceLocalLimits = async (): Promise<boolean> => {
    const limited = activePods().filter(hasLocalLimits)
    if (limited.length === 0) return false
    const usages = await source.usages()
    let any = false
    for (const pod of limited) {
      const usage = usageOf(usages, pod)
      const message = usage && exceededLocalLimit(pod, usage)
      if (!message) continue
      any = true
      await end(pod, message, hardGraceInSeconds)
    }
    return any
  }

  /** One pod per pass: the rest may turn out to be enough. */
  const reclaim = async (threshold: Threshold, observations: Observations) => {
    const { signal, isHard } = threshold
    const about = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName, uid: nodeName, resourceVersion: '', creationTimestamp: '' },
    }
    events.record(about, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resourceOf(signal)}`)
    const usages = await source.usages()
    const victim = rankForEviction(signal, activePods(), usages).find(pod => !isCriticalPod(pod))
    if (!victim) return log.warn({ signal }, 'nothing left to evict')
    const message = evictionMessage(threshold, observations[signal], victim, usageOf(usages, victim))
    const grace = isHard ? hardGraceInSeconds : Math.min(victim.spec.terminationGracePeriodSeconds, config.maxPodGraceSeconds)
    await end(victim, message, grace, message)
  }

  const pass = async () => {
    const observations = await source.observe()
    const plan = planPass(thresholds, observations, state, {
      now: clock.now(),
      transitionPeriodInMs: config.transitionPeriodInMs,
    })
    const hasChanged = plan.pressures.length !== pressures.length || plan.pressures.some(one => !pressures.includes(one))
    state = plan.state
    pressures = plan.pressures
    if (hasChanged) onPressure()
    if (await enforceLocalLimits()) return
    if (plan.act) await reclaim(plan.act, observations)
  }

  return {
    get pressures() {
      return pressures
    },
    async run(signal) {
      signal.addEventListener('abort', () => giveUp(), { once: true })
      while (!signal.aborted) {
        await pass().catch((err: unknown) => log.warn({ err: messageOf(err) }, 'eviction pass failed'))
        await clock.sleep(config.everyMs, signal)
      }
    },
  }
}
