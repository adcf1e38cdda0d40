import type { Pod } from '../../api/core/pod.ts'
import type { Service } from '../../api/core/service.ts'

/** Where endpoints say when the change happened that they follow. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

/** Finds out when the changes happened that a service's endpoints follow (k8s.io/endpointslice/util/trigger_time_tracker.go). */
export interface TriggerTimes {
  /** The earliest change since this was asked last, as RFC 3339; undefined: there was none that is known. */
  of(key: string, service: Service, pods: readonly Pod[]): string | undefined
  forget(key: string): void
}

/** Remembers, for each service, when its pods became ready or ceased to be. Times of the API are all alike, so they compare as text. */
export function triggerTimes(): TriggerTimes {
  const known = new Map<string, { service: string; pods: ReadonlyMap<string, string> }>()
  return {
    of(key, service, pods) {
      const before = known.get(key)
      const created = service.metadata.creationTimestamp
      const times = new Map<string, string>()
      let earliest: string | undefined
      const consider = (time: string) => {
        if (earliest === undefined || time < earliest) earliest = time
      }
      for (const { metadata, status } of pods) {
        const time = status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
        if (!time) continue
        times.set(metadata.name, time)
        if (time > (before?.pods.get(metadata.name) ?? '')) consider(time)
      }
      if (created > (before?.service ?? '')) consider(created)
      known.set(key, { service: created, pods: times })
      return before ? earliest : created
    },
    forget: key => void known.delete(key),
  }
}
