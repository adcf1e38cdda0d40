import type { Clock } from '../../lib/clock.ts'

/** Runtime trouble makes the node not ready after this long; a relist that hangs for longer is named. */
const runtimeDownAfterMs = 30_000
const relistUnhealthyAfterMs = 180_000

/** Why the node cannot be Ready because of its runtime, in upstream's words (pkg/kubelet/pleg, pkg/kubelet/runtime.go). */
export function runtimeProblems(lastSuccessAt: number | undefined, clock: Clock): string[] {
  if (lastSuccessAt === undefined) return ['container runtime is down', 'PLEG is not healthy: pleg has yet to be successful']
  const silentForMs = clock.monotonic() - lastSuccessAt
  return [
    ...(silentForMs > runtimeDownAfterMs ? ['container runtime is down'] : []),
    ...(silentForMs > relistUnhealthyAfterMs
      ? [`PLEG is not healthy: pleg was last seen active ${Math.trunc(silentForMs / 1000)}s ago; threshold is 3m0s`]
      : []),
  ]
}
