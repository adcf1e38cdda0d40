import type { CrossVersionObjectReference } from '../../api/autoscaling/metric-spec.ts'
import { isReason, qualifiedResource } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { PodMetrics } from '../../api/metrics/pod-metrics.ts'
import type { CallOptions, Target } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import { groupOf } from '../../client/watches.ts'
import type { PodFigures } from './pod-metrics.ts'
import { milliOf, type Usage, type Usages } from './usages.ts'

/**
 * Where figures come from: the resource, custom and external metrics APIs (pkg/controller/podautoscaler/metrics/client.go). All
 * figures are in thousandths. Selectors are text, empty for everything. Every failure is an Error in upstream's words.
 */
export interface Metrics {
  /** What pods use of a resource, or what one container of each does. `names`: what the selector selects, as far as we know. */
  resource(
    resource: string,
    container: string,
    pods: { namespace: string; selector: string; names: readonly string[] },
  ): Promise<Usages>
  /** What a metric says about pods. */
  ofPods(metric: string, namespace: string, selector: string, metricSelector: string): Promise<Usages>
  /** What a metric says about one object. */
  ofObject(metric: string, namespace: string, object: CrossVersionObjectReference, metricSelector: string): Promise<bigint>
  /** What a metric that has nothing to do with the cluster says; one figure for each of its series. */
  external(metric: string, namespace: string, selector: string): Promise<readonly bigint[]>
}

interface Dependencies {
  readonly client: Pick<Client, 'list' | 'read'>
  readonly figures: PodFigures
  readonly now: number
  /** The kinds of that name; the first that is given counts. */
  readonly kindsOf: (group: string, kind: string) => readonly AnyKind[]
}

/** As much of a value of custom.metrics.k8s.io (v1beta1 or v1beta2) or external.metrics.k8s.io as is told. */
interface MetricValue {
  readonly describedObject?: { readonly name?: string }
  readonly timestamp?: string
  readonly windowSeconds?: number
  /** v1beta1's name for it. */
  readonly window?: number
  readonly value: string
}
type ValueList = { readonly items?: readonly MetricValue[] }

const customGroup = 'custom.metrics.k8s.io'
const externalGroup = 'external.metrics.k8s.io'
/** The newer first. */
const customVersions = ['v1beta2', 'v1beta1'] as const
/** Over how long a metric of pods was taken, if nobody says. */
const usualWindowInMs = 60_000

export function metricsClient({ client, figures, now, kindsOf }: Dependencies): Metrics {
  /** Asks the custom metrics API in the newest version that there is. */
  async function custom(target: Omit<Target, 'group' | 'version'>, options: CallOptions): Promise<readonly MetricValue[]> {
    for (const version of customVersions) {
      try {
        return itemsOf(await client.read({ group: customGroup, version, ...target }, options))
      } catch (error) {
        if (!isUnserved(error)) throw error
      }
    }
    throw new Error(`no custom metrics API (${customGroup}) registered`)
  }

  /** How the custom metrics API calls a kind: `services`, `ingresses.networking.k8s.io`. */
  function resourceOf({ apiVersion = '', kind }: CrossVersionObjectReference): string {
    const group = groupOf({ apiVersion })
    const [found] = kindsOf(group, kind)
    if (found) return qualifiedResource(found)
    const name = group ? `${kind}.${group}` : kind
    throw new Error(`unable to map kind ${name} to resource: no matches for kind "${kind}" in group "${group}"`)
  }

  return {
    async resource(resource, container, pods) {
      const items = await asked('resource', { group: PodMetrics.group, resource: PodMetrics.plural }, () =>
        figures({ client, ...pods, now }),
      )
      if (items.length === 0) throw new Error('no metrics returned from resource metrics API')
      const usages = new Map<string, Usage>()
      for (const pod of items) {
        const milli = usageOf(pod, resource, container)
        if (milli === undefined) continue
        const at = Date.parse(pod.timestamp ?? '') || 0
        usages.set(pod.metadata.name, { milli, at, windowInMs: millisecondsOf(pod.window ?? '') })
      }
      return usages
    },

    async ofPods(metric, namespace, selector, metricSelector) {
      const target = { namespace, resource: 'pods', name: '*', subresource: metric }
      const items = await asked('custom', undefined, () => custom(target, selectors(selector, metricSelector)))
      if (items.length === 0) throw new Error('no metrics returned from custom metrics API')
      return new Map(
        items.map(({ describedObject, value, timestamp, windowSeconds, window = windowSeconds }) => [
          describedObject?.name ?? '',
          {
            milli: milliOf(value),
            at: Date.parse(timestamp ?? '') || 0,
            windowInMs: window === undefined ? usualWindowInMs : window * 1000,
          },
        ]),
      )
    },

    async ofObject(metric, namespace, object, metricSelector) {
      const items = await asked('custom', undefined, () => {
        const { kind, name, apiVersion = '' } = object
        // Whatever its name: nobody is to look out of their own namespace.
        const isNamespace = kind === 'Namespace' && groupOf({ apiVersion }) === ''
        const target = isNamespace
          ? { namespace, resource: 'metrics', name: metric }
          : { namespace, resource: resourceOf(object), name, subresource: metric }
        return custom(target, selectors('', metricSelector)).then(found => {
          if (found.length === 1) return found
          throw new Error(`the custom metrics API server returned ${found.length} results when we asked for exactly one`)
        })
      })
      return milliOf(items[0]?.value ?? '0')
    },

    async external(metric, namespace, selector) {
      const target = { group: externalGroup, version: 'v1beta1', namespace, resource: metric }
      const list = await asked('external', target, () => client.read(target, selectors(selector, '')))
      const items = itemsOf(list)
      if (items.length === 0) throw new Error('no metrics returned from external metrics API')
      return items.map(({ value }) => milliOf(value))
    },
  }
}

const itemsOf = (answer: unknown): readonly MetricValue[] => (answer as ValueList).items ?? []

const selectors = (labelSelector: string, metricLabelSelector: string): CallOptions => ({
  ...(labelSelector && { labelSelector }),
  ...(metricLabelSelector && { metricLabelSelector }),
})

/** What nobody serves at all, as opposed to a metric that an adapter does not know. */
const unserved = 'the server could not find the requested resource'
const isUnserved = (error: unknown) => isReason(error, 'NotFound') && error.message === unserved

async function asked<T>(
  api: 'resource' | 'custom' | 'external',
  about: Pick<Target, 'group' | 'resource'> | undefined,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    // client-go says what was asked for where the server has nothing to say.
    const what = isUnserved(error) && about ? ` (get ${about.resource}.${about.group})` : ''
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`unable to fetch metrics from ${api} metrics API: ${why}${what}`, { cause: error })
  }
}

/** The sum of a pod's containers, or one of them; undefined where a figure is missing. */
function usageOf({ containers }: MeasuredPod, resource: string, container: string): bigint | undefined {
  const counted = container === '' ? containers : containers.filter(({ name }) => name === container).slice(0, 1)
  if (counted.length === 0) return undefined
  let total = 0n
  for (const { usage } of counted) {
    const amount = usage[resource]
    if (amount === undefined) return undefined
    total += milliOf(amount)
  }
  return total
}
type MeasuredPod = Pick<PodMetrics, 'containers'>

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 }

/** `10s`, `1m0s`. */
function millisecondsOf(duration: string): number {
  let total = 0
  for (const [, amount, unit = ''] of duration.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g))
    total += Number(amount) * (units[unit] ?? 0)
  return total
}
