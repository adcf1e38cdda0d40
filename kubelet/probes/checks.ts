import { connect } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { expand } from '../env/expand.ts'
import { goDuration } from '../names.ts'
import type { AnyContainer, Probe } from '../pod-types.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import { grpcCheck } from './grpc-check.ts'
import { httpCheck } from './http-check.ts'

/** `error`: the question could not be asked, which says nothing about the container. */
export interface CheckResult {
  readonly outcome: 'success' | 'failure' | 'error'
  readonly output: string
  readonly warning?: string
}

export interface CheckTarget {
  readonly container: AnyContainer
  readonly containerId: string
  readonly podIp: string
}

/** Asks a container once whether it is well. Never rejects. */
export type Check = (probe: Probe, target: CheckTarget) => Promise<CheckResult>

const attempts = 3

/** Exec, HTTP, TCP and gRPC checks (semantics C7, pkg/probe). A question that cannot be asked is asked three times. */
export function createCheck({ runtime, clock }: { runtime: ContainerRuntime; clock: Clock }): Check {
  const once = async (probe: Probe, target: CheckTarget): Promise<CheckResult> => {
    const timeoutInMs = (probe.timeoutSeconds || 1) * 1000
    if (probe.exec)
      return execCheck(runtime, commandOf(probe.exec.command ?? [], target.container), target.containerId, timeoutInMs)
    const limit = new AbortController()
    const cancel = clock.after(timeoutInMs, () => limit.abort())
    try {
      return await networkCheck(probe, target, limit.signal)
    } finally {
      cancel()
    }
  }
  return async (probe, target) => {
    for (let attempt = 1; ; attempt++) {
      const result = await once(probe, target).catch(
        (error: unknown): CheckResult => ({ outcome: 'error', output: messageOf(error) }),
      )
      if (result.outcome !== 'error' || attempt === attempts) return result
    }
  }
}

/** Probes expand only what is literally in env. */
function commandOf(command: readonly string[], container: AnyContainer): string[] {
  const values = new Map((container.env ?? []).filter(one => !one.valueFrom).map(one => [one.name, one.value ?? '']))
  return command.map(text => expand(text, name => values.get(name)))
}

async function execCheck(
  runtime: ContainerRuntime,
  command: string[],
  containerId: string,
  timeoutInMs: number,
): Promise<CheckResult> {
  const { exitCode, output, timedOut } = await runtime.execSync(containerId, command, timeoutInMs)
  if (timedOut)
    return { outcome: 'failure', output: `command timed out: "${command.join(' ')}" timed out after ${goDuration(timeoutInMs)}` }
  return { outcome: exitCode === 0 ? 'success' : 'failure', output }
}

function networkCheck(
  { httpGet, tcpSocket, grpc }: Probe,
  { container, podIp }: CheckTarget,
  signal: AbortSignal,
): Promise<CheckResult> {
  if (httpGet) {
    const url = httpUrl(httpGet, container, podIp)
    return httpCheck({ url, headers: httpGet.httpHeaders ?? [] }, signal)
  }
  if (tcpSocket) return tcpCheck(tcpSocket.host || podIp, portOf(tcpSocket.port, container), signal)
  if (grpc) return grpcCheck({ host: podIp, port: grpc.port, service: grpc.service }, signal)
  throw new Error('missing probe handler')
}

/** The URL of an httpGet action; the host is the pod unless another is given. */
export function httpUrl(
  { scheme, host, path, port }: { scheme: string; host?: string | undefined; path: string; port: string | number },
  container: AnyContainer,
  podIp: string,
): URL {
  const to = host || podIp
  const base = `${scheme.toLowerCase()}://${to.includes(':') ? `[${to}]` : to}:${portOf(port, container)}`
  return new URL(path.startsWith('/') ? path : `/${path}`, base)
}

function portOf(port: string | number, container: AnyContainer): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find(one => one.name === port)?.containerPort
  const number = named ?? Number(port)
  if (!(number > 0 && number < 65_536)) throw new Error(`couldn't find port: ${port} in container ${container.name}`)
  return number
}

function tcpCheck(host: string, port: number, signal: AbortSignal): Promise<CheckResult> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const answer = (result: CheckResult) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(result)
    }
    const onAbort = () => answer({ outcome: 'failure', output: `dial tcp ${host}:${port}: i/o timeout` })
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connect', () => answer({ outcome: 'success', output: '' }))
    socket.on('error', error => {
      const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
      const why = refused ? 'connect: connection refused' : error.message
      answer({ outcome: 'failure', output: `dial tcp ${host}:${port}: ${why}` })
    })
  })
}
