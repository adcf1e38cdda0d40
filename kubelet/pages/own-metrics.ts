import { metricText } from './metric-text.ts'
import type { PageSources } from './page.ts'

/** /metrics: what the kubelet says of its own work, under upstream's names (pkg/kubelet/metrics/metrics.go). */
export function ownMetrics({ nodeName, config, activePods, view, metrics, startedAt, clock }: PageSources): string {
  const pods = activePods()
  const states = new Map<string, number>()
  let running = 0
  for (const { metadata } of pods) {
    const { sandboxes, containers } = view.get(metadata.uid)
    if (sandboxes.some(({ state }) => state === 'ready')) running++
    for (const { state } of containers) states.set(state, (states.get(state) ?? 0) + 1)
  }
  const lastSeen = view.lastSuccessAt
  const gauge = (name: string, help: string, value: number, labels = {}) =>
    ({ name, help, type: 'gauge', samples: [{ value, labels }] }) as const
  return metricText([
    gauge('kubelet_node_name', "The node's name. The count is always 1.", 1, { node: nodeName }),
    gauge('kubelet_running_pods', 'Number of pods that have a running pod sandbox', running),
    {
      name: 'kubelet_running_containers',
      type: 'gauge',
      help: 'Number of containers currently running',
      samples: [...states].map(([state, value]) => ({ labels: { container_state: state }, value })),
    },
    gauge(
      'kubelet_active_pods',
      'The number of pods the kubelet considers active and which are being considered when admitting new pods.',
      pods.length,
    ),
    metrics.startedPods.family(),
    metrics.startedContainers.family(),
    metrics.podStartSeconds.family(),
    metrics.requests.family(),
    metrics.operations.family(),
    metrics.operationErrors.family(),
    metrics.operationSeconds.family(),
    ...(lastSeen === undefined
      ? []
      : [
          gauge(
            'kubelet_pleg_last_seen_seconds',
            'Timestamp in seconds when PLEG was last seen active.',
            (clock.now() - (clock.monotonic() - lastSeen)) / 1000,
          ),
        ]),
    gauge('kubernetes_build_info', 'A metric with a constant 1 value labeled by version.', 1, {
      git_version: config.kubeletVersion,
    }),
    gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', startedAt / 1000),
  ])
}

/** /metrics/probes. */
export function probeMetrics({ metrics, startedAt }: PageSources): string {
  const help = 'Start time of the process since unix epoch in seconds.'
  return metricText([
    { name: 'process_start_time_seconds', type: 'gauge', help, samples: [{ value: startedAt / 1000 }] },
    metrics.probes.family(),
  ])
}
