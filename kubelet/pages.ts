import { Pod } from '../api/core/pod.ts'
import { apiVersionOf } from '../api/kind.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import { type HealthChecks, health } from './pages/health.ts'
import { metricContentType } from './pages/metric-text.ts'
import type { PageAnswer, PageSources } from './pages/page.ts'
import type { KubeletServerConfig } from './server/config.ts'

interface Options extends PageSources {
  /** How the kubelet serves; absent: only through the API server. */
  readonly server?: Partial<KubeletServerConfig> | undefined
  /** Where, if that was left open. */
  readonly port?: (() => number | undefined) | undefined
}

type Page = (query: URLSearchParams) => PageAnswer | Promise<PageAnswer>

/** What a kubelet tells about itself by HTTP (pkg/kubelet/server), for its own server and for requests through the API server's proxy. */
export function kubeletPages(options: Options): NonNullable<NodeAgent['serve']> {
  const { activePods, problems, config, server, port } = options
  const checks: HealthChecks = {
    ping: () => undefined,
    log: () => undefined,
    syncloop: () => problems().join('; ') || undefined,
  }
  const metrics = (text: string): PageAnswer => ({ text, contentType: metricContentType })
  // Whoever is never asked for figures never loads what makes them.
  const pages: Readonly<Record<string, Page>> = {
    '/pods': () => podList(activePods()),
    '/runningpods': () => podList(runningPods(options)),
    '/stats/summary': async query => {
      const { summary } = await import('./pages/summary.ts')
      return { json: await summary(options, { onlyCpuAndMemory: query.get('only_cpu_and_memory') === 'true' }) }
    },
    '/metrics': async () => metrics((await import('./pages/own-metrics.ts')).ownMetrics(options)),
    '/metrics/probes': async () => metrics((await import('./pages/own-metrics.ts')).probeMetrics(options)),
    '/metrics/resource': async () => metrics(await (await import('./pages/resource-metrics.ts')).resourceMetrics(options)),
    '/metrics/cadvisor': async () => metrics(await (await import('./pages/cadvisor.ts')).cadvisorMetrics(options)),
    '/configz': async () => ({ json: (await import('./pages/configz.ts')).configz(config, server, port?.()) }),
  }
  return async (path, query) => {
    const page = path.length > 1 ? path.replace(/\/+$/, '') : path
    const isHealth = page === '/healthz' || page.startsWith('/healthz/')
    const answer = isHealth ? health(checks, page, query) : Object.hasOwn(pages, page) ? await pages[page]?.(query) : undefined
    if (!answer) return undefined
    const { status = 200, text, json, contentType = 'text/plain; charset=utf-8' } = answer
    if (text !== undefined) return { status, contentType, body: text }
    return { status, contentType: 'application/json', body: JSON.stringify(json) }
  }
}

function podList(pods: readonly unknown[]): PageAnswer {
  const type = { kind: Pod.kind, apiVersion: apiVersionOf(Pod) }
  return {
    json: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.map(pod => ({ ...type, ...(pod as object) })) },
  }
}

/** What the runtime knows to run, as pods without much in them. */
function runningPods({ activePods, view }: PageSources): object[] {
  return activePods().flatMap(({ metadata, spec }) => {
    const running = view.get(metadata.uid).containers.filter(({ state }) => state === 'running')
    if (running.length === 0) return []
    const containers = running.map(({ name, image }) => ({ name, image, resources: {} }))
    const { name, namespace, uid } = metadata
    return [{ metadata: { name, namespace, uid }, spec: { nodeName: spec.nodeName, containers }, status: {} }]
  })
}
