import type { Clock } from '../../lib/clock.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { type Check, createCheck } from './checks.ts'

/**
 * For simulated nodes, whose containers nobody can connect to: a probe over the network asks the container through exec instead, and so
 * gets the answer that its behaviour is to give.
 */
export function execOnlyCheck({ runtime, clock }: { runtime: ContainerRuntime; clock: Clock }): Check {
  const check = createCheck({ runtime, clock })
  return (probe, target) => {
    if (probe.exec) return check(probe, target)
    const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, ...rest } = probe
    return check({ ...rest, exec: { command: ['wherry-probe'] } }, target)
  }
}
