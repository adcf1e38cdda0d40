import type { Pod } from '../../api/core/pod.ts'

/** Why a pod cannot serve yet, in a few words; undefined when it can. */
export function waitingReason({ metadata, spec, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp) return 'terminating'
  const condition = (type: string) => status.conditions?.find(each => each.type === type)
  if (condition('Ready')?.status === 'True') return undefined
  const scheduled = condition('PodScheduled')
  if (!spec.nodeName) {
    return scheduled?.message ? `not scheduled: ${scheduled.message}` : 'waits for the scheduler'
  }
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  for (const { name, state, restartCount } of statuses) {
    const { waiting, terminated } = state
    if (waiting?.reason && waiting.reason !== 'PodInitializing') {
      const message = waiting.message ? `: ${waiting.message}` : ''
      return `container ${name}: ${waiting.reason}${message}`
    }
    if (terminated && terminated.exitCode !== 0) {
      return `container ${name} ended with exit code ${terminated.exitCode} (${restartCount} restarts)`
    }
  }
  const unready = (status.containerStatuses ?? []).filter(({ ready, state }) => state.running && !ready).map(({ name }) => name)
  if (unready.length > 0) return `container ${unready.join(', ')} runs but is not ready`
  return condition('Ready')?.message ?? 'starting'
}

/** The reasons of several pods, the most frequent first: `3 pods: container main: ImagePullBackOff`. */
export function waitingReasons(pods: readonly Pod[]): string[] {
  const byReason = new Map<string, string[]>()
  for (const pod of pods) {
    const reason = waitingReason(pod)
    if (reason) byReason.set(reason, [...(byReason.get(reason) ?? []), pod.metadata.name])
  }
  return [...byReason]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, names]) => `${names.length === 1 ? names[0] : `${names.length} pods`}: ${reason}`)
}
