import type { StreamKind } from '../../streaming/upgrade.ts'
import { Refused, send } from './answer.ts'
import { refuseCheckpoint, runCommand } from './commands.ts'
import type { KubeletServerConfig } from './config.ts'
import { containerLogs } from './container-logs.ts'
import { nodeLogs } from './node-logs.ts'
import { decoded, type Host, type Visit } from './visit.ts'

type Handler = (visit: Visit, host: Host, config: KubeletServerConfig) => Promise<void>

interface Route {
  /** Absent: any. */
  readonly methods?: readonly string[]
  /** `:name` stands for one part, `*` for all that is left, if anything. */
  readonly path: string
  /** What becomes of requests that want to be streams; the others are refused. */
  readonly stream?: StreamKind
  readonly handle: Handler
  /** What of it is for the debugging handlers only. */
  readonly isDebugging?: true
}

const page: Handler = async ({ response, path, query }, { agent }) => {
  const answer = await agent.serve?.(path, query)
  if (!answer) throw new Refused(404, '404: Page Not Found')
  send(response, { code: answer.status, body: answer.body, contentType: answer.contentType })
}

const disabled =
  (text: string): Handler =>
  async () => {
    throw new Refused(405, `${text}\n`)
  }

const notUpgraded: Handler = async () => {
  throw new Refused(500, 'Upgrade request required\n')
}

const read = ['GET']
const anyStream = ['GET', 'POST']

/** The paths of a kubelet (pkg/kubelet/server/server.go), the more particular ones first. */
const routes: readonly Route[] = [
  { path: '/healthz', handle: page },
  { path: '/healthz/:check', handle: page },
  { path: '/pods', methods: read, handle: page },
  { path: '/stats/summary', methods: [...anyStream], handle: page },
  { path: '/metrics', handle: page },
  { path: '/metrics/cadvisor', handle: page },
  { path: '/metrics/resource', handle: page },
  { path: '/metrics/probes', handle: page },
  { path: '/configz', handle: page },
  { path: '/runningpods', methods: read, handle: page, isDebugging: true },
  { path: '/containerLogs/:namespace/:pod/:container', methods: read, handle: containerLogs, isDebugging: true },
  { path: '/deletedLogs/:namespace/:pod', methods: read, handle: page, isDebugging: true },
  { path: '/run/:namespace/:pod/:container', methods: ['POST'], handle: runCommand, isDebugging: true },
  { path: '/run/:namespace/:pod/:uid/:container', methods: ['POST'], handle: runCommand, isDebugging: true },
  ...(['exec', 'attach'] as const).flatMap(kind => [
    streamRoute(kind, `/${kind}/:namespace/:pod/:container`),
    streamRoute(kind, `/${kind}/:namespace/:pod/:uid/:container`),
  ]),
  streamRoute('portforward', '/portForward/:namespace/:pod'),
  streamRoute('portforward', '/portForward/:namespace/:pod/:uid'),
  { path: '/logs/*', methods: read, handle: (visit, _host, { logsDir }) => nodeLogs(visit, logsDir), isDebugging: true },
  { path: '/checkpoint/:namespace/:pod/:container', methods: ['POST'], handle: refuseCheckpoint },
  { path: '/debug/pprof/*', handle: disabled('profiling endpoint is disabled.'), isDebugging: true },
  { path: '/debug/flags/*', handle: disabled('flags endpoint is disabled.') },
]

function streamRoute(stream: StreamKind, path: string): Route {
  return { path, methods: anyStream, stream, handle: notUpgraded, isDebugging: true }
}

/** What is to be done about a request. */
export interface Match {
  readonly stream?: StreamKind
  readonly handle: Handler
  readonly parameters: Readonly<Record<string, string>>
}

const refuse =
  (code: number, text: string): Handler =>
  async () => {
    throw new Refused(code, text)
  }

/** `undefined`: no path begins like that, which is told to anybody; everything else takes leave. */
export function routeOf(
  method: string,
  path: string,
  { debuggingHandlers }: Pick<KubeletServerConfig, 'debuggingHandlers'>,
): Match | undefined {
  const parts = path.split('/').filter((part, i, all) => i > 0 && (part !== '' || i < all.length - 1))
  const matching = routes.flatMap(route => {
    const parameters = parametersOf(route.path, parts)
    return parameters ? [{ route, parameters }] : []
  })
  const [first] = matching
  if (!first) {
    const isOurs = routes.some(route => route.path.split('/')[1] === parts[0])
    return isOurs ? { handle: refuse(404, '404: Page Not Found'), parameters: {} } : undefined
  }
  if (first.route.isDebugging && !debuggingHandlers) {
    return { handle: disabled('Debug endpoints are disabled.'), parameters: {} }
  }
  const found = matching.find(({ route: { methods } }) => !methods || methods.includes(method))
  if (!found) return { handle: refuse(405, '405: Method Not Allowed'), parameters: {} }
  const { route, parameters } = found
  return { handle: route.handle, parameters, ...(route.stream && { stream: route.stream }) }
}

function parametersOf(pattern: string, parts: readonly string[]): Record<string, string> | undefined {
  const names = pattern.split('/').slice(1)
  const isOpen = names.at(-1) === '*'
  if (isOpen ? parts.length < names.length - 1 : parts.length !== names.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [i, name] of names.entries()) {
    const part = parts[i] ?? ''
    if (name === '*') break
    if (name.startsWith(':')) parameters[name.slice(1)] = decoded(part)
    else if (name !== part) return undefined
  }
  return parameters
}
