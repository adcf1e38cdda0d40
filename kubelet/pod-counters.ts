import type { Pod } from '../api/core/pod.ts'
import type { Change } from '../client/informer.ts'
import type { Clock } from '../lib/clock.ts'
import type { KubeletMetrics } from './metrics.ts'
import type { CheckResult } from './probes/checks.ts'
import type { ProbeType } from './probes/probe-state.ts'

const titles: Record<ProbeType, string> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }
const results: Record<CheckResult['outcome'], string> = { success: 'successful', failure: 'failed', error: 'unknown' }

/** Counts what becomes of pods: how long they take to start, and what their probes say (pkg/kubelet/metrics, pkg/kubelet/prober). */
export function podCounters({ metrics, clock }: { metrics: Pick<KubeletMetrics, 'podStartSeconds' | 'probes'>; clock: Clock }) {
  /** When pods that have not begun were first seen, by uid. */
  const waiting = new Map<string, number>()
  return {
    /** Changes of the API. */
    seen(changes: readonly Change<Pod>[]): void {
      for (const { type, object } of changes) {
        const { uid } = object.metadata
        const { phase, startTime } = object.status
        if (type === 'deleted') {
          waiting.delete(uid)
          metrics.probes.forget('pod_uid', uid)
        } else if (type === 'added') {
          // One that was begun before this kubelet tells nothing about it.
          if (startTime === undefined && phase !== 'Running') waiting.set(uid, clock.monotonic())
        } else if (phase !== 'Pending') {
          const since = waiting.get(uid)
          if (since !== undefined && phase === 'Running') metrics.podStartSeconds.observe((clock.monotonic() - since) / 1000)
          waiting.delete(uid)
        }
      }
    },
    probed({ metadata }: Pod, container: string, type: ProbeType, outcome: CheckResult['outcome']): void {
      const { namespace = '', name: pod, uid } = metadata
      metrics.probes.add({ container, namespace, pod, pod_uid: uid, probe_type: titles[type], result: results[outcome] })
    },
  }
}
