import type { Stage } from '../../../api/simulation/stages.ts'
import { signalNumbers } from '../../../api/simulation/stages.ts'
import { bell } from '../../../lib/bell.ts'
import { RuntimeError } from '../runtime.ts'
import type { Use } from './behaviour.ts'
import { curveOf } from './curve.ts'
import type { ContainerRecord, NodeRecords, SimulatedEngine } from './engine.ts'
import type { LogLimits, TimedLine } from './log-buffer.ts'
import { print } from './logs.ts'
import { run } from './shell.ts'

/** Tells everyone who waits that something happened to this container. */
export function announce(node: NodeRecords, container: { pod: { uid: string }; changed?: ContainerRecord['changed'] }): void {
  container.changed?.ring()
  for (const listener of node.listeners) listener(container.pod.uid)
}

/** How a failure that a stage asks for is thrown. */
export function failureOf({ fail }: Stage, otherwise: RuntimeError['kind']): RuntimeError | undefined {
  return fail && new RuntimeError(fail.kind ?? otherwise, fail.message)
}

/** Starts a container and lets it live as stages and its behaviour say. Throws a RuntimeError when it is not to start. */
export async function start(
  engine: SimulatedEngine,
  node: NodeRecords,
  container: ContainerRecord,
  limits: LogLimits,
): Promise<void> {
  const { clock } = engine
  const { behaviour, createdAt } = container
  if (container.state !== 'created') return
  const turn = container.play?.next('start')
  const delayInMs = turn ? turn.delayInMs : behaviour.startAfterInMs
  if (delayInMs > 0) await clock.sleep(delayInMs)
  if (container.state !== 'created') return
  const failure = turn ? failureOf(turn.stage, 'start') : ownFailure(node, container)
  if (failure) {
    const { message } = failure
    Object.assign(container, { state: 'exited', startedAt: createdAt, finishedAt: createdAt, exitCode: 128 })
    Object.assign(container, { reason: 'ContainerCannotRun', message })
    announce(node, container)
    throw failure
  }
  container.state = 'running'
  container.startedAt = clock.now()
  live(engine, node, container, limits)
  announce(node, container)
}

function ownFailure(node: NodeRecords, { behaviour, targetContainerId }: ContainerRecord): RuntimeError | undefined {
  if (behaviour.startError !== undefined) return new RuntimeError('start', behaviour.startError)
  if (targetContainerId === undefined || node.containers.get(targetContainerId)?.state === 'running') return undefined
  return new RuntimeError('start', `cannot join the processes of a container that does not run: ${targetContainerId}`)
}

/** How a container ends by itself. */
interface Ending {
  readonly afterInMs: number
  readonly exitCode: number
  readonly reason?: string | undefined
  readonly message?: string | undefined
}

function live(engine: SimulatedEngine, node: NodeRecords, container: ContainerRecord, limits: LogLimits): void {
  const { clock } = engine
  const { behaviour } = container
  const plan = planOf(container)
  container.use = plan.use
  container.timedLines = plan.lines
  const cancels: (() => void)[] = []
  let cancelOom: (() => void) | undefined
  const end = (exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error', message = '') => {
    if (container.state !== 'running') return
    for (const cancel of cancels) cancel()
    cancelOom?.()
    container.kill = container.rearm = undefined
    container.stdin?.end()
    Object.assign(container, { state: 'exited', finishedAt: clock.now(), exitCode, reason, message })
    if (reason === 'OOMKilled') tellKernelLog(node, container)
    announce(node, container)
  }
  container.kill = end
  container.rearm = () => {
    cancelOom?.()
    const limit = container.resources.memoryLimitInBytes
    if (limit === undefined || limit <= 0) return
    const lived = clock.now() - container.startedAt
    const at = container.use.memory.firstAbove(limit, lived)
    if (at !== undefined) cancelOom = clock.after(at - lived, () => end(137, 'OOMKilled'))
  }
  container.rearm()
  const { ending } = plan
  if (ending) cancels.push(clock.after(ending.afterInMs, () => end(ending.exitCode, ending.reason, ending.message)))
  else if (behaviour.runForInMs !== undefined) cancels.push(clock.after(behaviour.runForInMs, () => end(behaviour.exitCode)))
  if (container.command && behaviour.runForInMs === undefined) {
    const stop = new AbortController()
    cancels.push(() => stop.abort(ended))
    void runMain(engine, node, container, container.command, { signal: stop.signal, limits }).then(status => end(status))
  }
}

/** Made once: `abort` would make a new one, with a stack, for each of many thousand containers. */
const ended = new Error('the container has ended')

/** What the stages for a running container add up to: of each thing the first that says something. */
function planOf({ play, behaviour }: ContainerRecord): { ending?: Ending; use: Use; lines?: TimedLine[] } {
  if (!play) return { use: behaviour.use }
  let ending: Ending | undefined
  const use: { -readonly [name in keyof Use]?: Use[name] } = {}
  const lines: TimedLine[] = []
  const names = ['memory', 'cpu', 'pids', 'disk', 'inodes', 'logs'] as const
  play.each('running', (stage, take) => {
    const news = names.filter(name => stage.use?.[name] && !use[name])
    const endsIt = !ending && (stage.exit !== undefined || stage.oom === true)
    if (news.length === 0 && !endsIt && !stage.log && !stage.use?.volumes) return
    const turn = take()
    if (!turn) return
    for (const name of news) use[name] = curveOf(stage.use?.[name] ?? [], stage)
    for (const [name, points] of Object.entries(stage.use?.volumes ?? {}))
      use.volumes = { [name]: curveOf(points, stage), ...use.volumes }
    for (const { at = 0, every, text, stream = 'stdout' } of stage.log ?? [])
      lines.push({ at, every, stream, text: Buffer.from(`${text}\n`).toString('latin1') })
    if (endsIt) ending = endingOf(stage, turn.delayInMs)
  })
  return { ...(ending && { ending }), use: { ...behaviour.use, ...use }, ...(lines.length > 0 && { lines }) }
}

function endingOf({ exit, oom }: Stage, afterInMs: number): Ending {
  if (oom) return { afterInMs, exitCode: 137, reason: 'OOMKilled' }
  const number = exit?.signal === undefined ? undefined : signalNumbers[exit.signal.replace(/^SIG/, '')]
  const exitCode = number === undefined ? (exit?.code ?? 0) : 128 + number
  return { afterInMs, exitCode, reason: exit?.reason, message: exit?.message }
}

function runMain(
  engine: SimulatedEngine,
  node: NodeRecords,
  container: ContainerRecord,
  argv: readonly string[],
  { signal, limits }: { signal: AbortSignal; limits: LogLimits },
): Promise<number> {
  const { clock } = engine
  return run(argv, {
    clock,
    signal,
    hostname: node.sandboxes.get(container.sandboxId)?.hostname ?? '',
    stdin: container.stdin ?? nothing(),
    out: chunk => print(container, clock.now(), 'stdout', chunk, limits),
    err: chunk => print(container, clock.now(), container.isTty ? 'stdout' : 'stderr', chunk, limits),
  })
}

async function* nothing(): AsyncIterable<Uint8Array> {}

/** As Linux tells of it (mm/oom_kill.c). */
function tellKernelLog(node: NodeRecords, { pod, id, name }: ContainerRecord): void {
  if (!node.kernelLog) return
  const cgroup = `/kubepods/pod${pod.uid}/${id}`
  const pid = node.nextPid++
  node.kernelLog.push(
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=${id},mems_allowed=0,oom_memcg=${cgroup},task_memcg=${cgroup},task=${name},pid=${pid},uid=0`,
    `Memory cgroup out of memory: Killed process ${pid} (${name})`,
  )
}

const normal = (signal: string) => signal.replace(/^SIG/, '')

/** Resolves when the container has ended, at the latest after the grace period. The stop signal counts once, whoever sends it again. */
export async function stop(engine: SimulatedEngine, container: ContainerRecord, graceInMs: number): Promise<void> {
  const { clock } = engine
  if (container.state !== 'running') return
  if (graceInMs <= 0) return container.kill?.(137, 'Error')
  container.stopping ??= stoppingOf(container, clock.now())
  const { at, exitCode, reason } = container.stopping
  const endsInMs = at - clock.now()
  if (endsInMs <= 0) return container.kill?.(exitCode, reason ?? (exitCode === 0 ? 'Completed' : 'Error'))
  container.changed ??= bell()
  const cancel = clock.after(Math.min(endsInMs, graceInMs), () => {
    if (endsInMs <= graceInMs) container.kill?.(exitCode, reason ?? (exitCode === 0 ? 'Completed' : 'Error'))
    else container.kill?.(137, 'Error')
  })
  while (container.state === 'running') await container.changed.wait()
  cancel()
}

function stoppingOf(
  { play, stopSignal = 'SIGTERM', behaviour }: ContainerRecord,
  now: number,
): NonNullable<ContainerRecord['stopping']> {
  const isMeant = ({ signal }: Stage) => signal === undefined || normal(signal) === normal(stopSignal)
  const turn = play?.next('stop', isMeant)
  if (!turn) return { at: now + behaviour.stopAfterInMs, exitCode: 0 }
  if (turn.stage.ignore) return { at: Number.POSITIVE_INFINITY, exitCode: 137 }
  const { exitCode, reason } = endingOf(turn.stage, turn.delayInMs)
  return { at: now + turn.delayInMs, exitCode, reason }
}
