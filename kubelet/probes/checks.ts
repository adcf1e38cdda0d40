import { connect } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { expand } from '../env/expand.ts'
import { goDuration } from '../names.ts'
import type { AnyContainer, Probe } from '../pod-types.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import { grpcCheck } from './grpc-check.ts'
import { httpCheck } from './http-check.ts'
import { connectionFault, httpUrl, portOf } from './http-get.ts'
import type { ProbeType } from './probe-state.ts'

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
  /** Which of its probes asks; absent: none of them. */
  readonly type?: ProbeType
}

/** Asks a container once whether it is well. Never rejects. */
export type Check = (probe: Probe, target: CheckTarget) => Promise<CheckResult>

const attempts = 3
const maxOutput = 10 * 1024

/** Exec, HTTP, TCP and gRPC checks (semantics C7, pkg/probe). A question that cannot be asked is asked three times. */
export function createCheck({ runtime, clock }: { runtime: ContainerRuntime; clock: Clock }): Check {
  const once = async (probe: Probe, target: CheckTarget): Promise<CheckResult> => {
    const timeoutInMs = (probe.timeoutSeconds || 1) * 1000
    if (probe.exec)
      return execCheck(runtime, commandOf(probe.exec.command ?? [], target.container), target.containerId, timeoutInMs)
    const limit = new AbortController()
    const cancel = clock.after(timeoutInMs, () => limit.abort())
    try {
      return await networkCheck({ probe, target, timeoutInMs, clock }, limit.signal)
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
  return { outcome: exitCode === 0 ? 'success' : 'failure', output: firstBytes(output) }
}

/** What a command says is kept up to 10 KiB (pkg/probe/exec). */
function firstBytes(output: string): string {
  return output.length <= maxOutput ? output : Buffer.from(output).subarray(0, maxOutput).toString()
}

function networkCheck(
  { probe, target, timeoutInMs, clock }: { probe: Probe; target: CheckTarget; timeoutInMs: number; clock: Clock },
  signal: AbortSignal,
): Promise<CheckResult> {
  const { httpGet, tcpSocket, grpc } = probe
  const { container, podIp } = target
  if (httpGet) {
    const url = httpUrl(httpGet, container, podIp)
    return httpCheck({ url, headers: httpGet.httpHeaders ?? [] }, signal)
  }
  if (tcpSocket) return tcpCheck(tcpSocket.host || podIp, portOf(tcpSocket.port, container), signal)
  if (grpc) return grpcCheck({ host: podIp, port: grpc.port, service: grpc.service, timeoutInMs }, clock, signal)
  throw new Error('missing probe handler')
}

function tcpCheck(host: string, port: number, signal: AbortSignal): Promise<CheckResult> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const answer = (result: CheckResult) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(result)
    }
    const onAbort = () =>
      answer({ outcome: 'failure', output: `dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}: i/o timeout` })
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connect', () => answer({ outcome: 'success', output: '' }))
    socket.on('error', error => {
      answer({ outcome: 'failure', output: connectionFault(error) })
    })
  })
}
