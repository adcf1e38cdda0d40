import { PodMetrics } from '../../api/metrics/pod-metrics.ts'
import type { Client } from '../../client/client.ts'

/** So many autoscalers of a namespace ask for their own pods; one more, and they share a list of all. */
const mostByThemselves = 8

interface Question {
  readonly client: Pick<Client, 'list'>
  readonly namespace: string
  /** As text; empty: all. */
  readonly selector: string
  /** What the selector selects, as far as we know. */
  readonly names: readonly string[]
  readonly now: number
}

/** What is known of the pods that a selector selects. */
export type PodFigures = (question: Question) => Promise<readonly PodMetrics[]>

interface Window {
  readonly until: number
  asked: number
  all?: Promise<ReadonlyMap<string, PodMetrics>>
}

/**
 * Asks the server for the figures of pods. It looks at all pods of a namespace to find those of one selector: where many ask, one list
 * of the namespace, no older than `sharedForMs`, answers all but the first.
 */
export function podFigures(sharedForMs: number): PodFigures {
  const windows = new Map<string, Window>()

  function windowOf(namespace: string, now: number): Window {
    const known = windows.get(namespace)
    if (known && now < known.until) return known
    for (const [other, { until }] of windows) if (until <= now) windows.delete(other)
    const begun = { until: now + sharedForMs, asked: 0 }
    windows.set(namespace, begun)
    return begun
  }

  return async ({ client, namespace, selector, names, now }) => {
    const window = windowOf(namespace, now)
    window.asked++
    if (window.asked <= mostByThemselves) {
      return (await client.list(PodMetrics, { namespace, ...(selector && { labelSelector: selector }) })).items
    }
    window.all ??= client.list(PodMetrics, { namespace }).then(
      ({ items }) => new Map(items.map(item => [item.metadata.name, item])),
      (error: unknown) => {
        delete window.all
        throw error
      },
    )
    const all = await window.all
    return names.flatMap(name => all.get(name) ?? [])
  }
}
