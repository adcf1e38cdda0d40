import { bell } from '../../../lib/bell.ts'
import { RuntimeError } from '../runtime.ts'
import type { ContainerRecord, NodeRecords, SimulatedEngine } from './engine.ts'
import { run } from './shell.ts'

/** Tells everyone who waits that something happened to this container. */
export function announce(node: NodeRecords, container: { pod: { uid: string }; changed?: ContainerRecord['changed'] }): void {
  container.changed?.ring()
  for (const listener of node.listeners) listener(container.pod.uid)
}

/** Starts a container and lets it live as its behaviour says. Throws a RuntimeError when the behaviour is not to start. */
export async function start(engine: SimulatedEngine, node: NodeRecords, container: ContainerRecord): Promise<void> {
  const { clock } = engine
  const { behaviour, createdAt } = container
  if (container.state !== 'created') return
  if (behaviour.startAfterInMs > 0) await clock.sleep(behaviour.startAfterInMs)
  if (container.state !== 'created') return
  if (behaviour.startError !== undefined) {
    const message = behaviour.startError
    Object.assign(container, { state: 'exited', startedAt: createdAt, finishedAt: createdAt, exitCode: 128 })
    Object.assign(container, { reason: 'ContainerCannotRun', message })
    announce(node, container)
    throw new RuntimeError('start', message)
  }
  container.state = 'running'
  container.startedAt = clock.now()
  live(engine, node, container)
  announce(node, container)
}

function live(engine: SimulatedEngine, node: NodeRecords, container: ContainerRecord): void {
  const { clock } = engine
  const { behaviour } = container
  let cancel: (() => void) | undefined
  const end = (exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error') => {
    if (container.state !== 'running') return
    cancel?.()
    container.kill = undefined
    Object.assign(container, { state: 'exited', finishedAt: clock.now(), exitCode, reason })
    announce(node, container)
  }
  container.kill = end
  if (isOverLimit(container)) {
    cancel = clock.after(0, () => end(137, 'OOMKilled'))
  } else if (behaviour.runForInMs !== undefined) {
    cancel = clock.after(behaviour.runForInMs, () => end(behaviour.exitCode))
  } else if (container.command) {
    const stop = new AbortController()
    cancel = () => stop.abort()
    void runMain(engine, node, container, container.command, stop.signal).then(status => end(status))
  }
}

function runMain(
  engine: SimulatedEngine,
  node: NodeRecords,
  container: ContainerRecord,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const { clock } = engine
  return run(argv, {
    clock,
    signal,
    hostname: node.sandboxes.get(container.sandboxId)?.hostname ?? '',
    stdin: nothing(),
    out: text => print(container, clock.now(), 'stdout', text),
    err: text => print(container, clock.now(), 'stderr', text),
  })
}

async function* nothing(): AsyncIterable<Uint8Array> {}

export function isOverLimit({ behaviour, memoryLimitInBytes }: ContainerRecord): boolean {
  return memoryLimitInBytes !== undefined && behaviour.memoryInBytes > memoryLimitInBytes
}

/** Resolves when the container has ended, at the latest after the grace period. */
export async function stop(engine: SimulatedEngine, container: ContainerRecord, graceInMs: number): Promise<void> {
  const { stopAfterInMs } = container.behaviour
  if (container.state !== 'running') return
  if (stopAfterInMs === 0 && graceInMs > 0) return container.kill?.(0, 'Completed')
  container.changed ??= bell()
  const cancel = engine.clock.after(Math.min(stopAfterInMs, graceInMs), () => {
    if (stopAfterInMs <= graceInMs && graceInMs > 0) container.kill?.(0, 'Completed')
    else container.kill?.(137, 'Error')
  })
  while (container.state === 'running') await container.changed.wait()
  cancel()
}

/** Adds to what the container printed and wakes whoever follows. */
function print(container: ContainerRecord, at: number, stream: 'stdout' | 'stderr', text: string): void {
  container.output ??= []
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) container.output.push({ at, stream, text: line })
  container.changed?.ring()
}
