import type { Clock } from '../../lib/clock.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { probeCommand } from '../runtime/simulated/commands.ts'
import { type Check, createCheck } from './checks.ts'

/**
 * For simulated nodes, whose containers nobody can connect to: a probe over the network asks the container through exec instead, and so
 * gets the answer that its behaviour is to give. A simulated container is told which probe it is that asks.
 */
export function execOnlyCheck({ runtime, clock }: { runtime: ContainerRuntime; clock: Clock }): Check {
  const check = createCheck({ runtime, clock })
  return async (probe, target) => {
    const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, exec, ...rest } = probe
    if (exec && runtime.name !== 'simulated') return check(probe, target)
    const asking = [probeCommand, ...(target.type ? [target.type] : [])]
    const command = exec ? [...asking, '--', ...(exec.command ?? [])] : asking
    const result = await check({ ...rest, exec: { command } }, target)
    return exec ? { ...result, output: result.output.replace(`${asking.join(' ')} -- `, '') } : result
  }
}
