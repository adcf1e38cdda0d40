import { byteStream } from '../byte-stream.ts'
import type { ContainerConfig, ContainerState, ContainerStats, Sandbox } from '../runtime.ts'
import { behaviourOf, stagesOf } from './behaviour.ts'
import type { ContainerRecord, SandboxRecord } from './engine.ts'
import { imageIdOf } from './images.ts'
import { canRun } from './shell.ts'
import type { StageBook, Subject } from './stage-book.ts'

/** What a container's stages go by, and who they are for. */
export function subjectOf(node: Subject, sandbox: SandboxRecord, { name, image, role }: ContainerConfig): Subject {
  const { pod, labels, annotations } = sandbox
  return { ...node, pod, labels, annotations, container: name, image, role }
}

/** A container that has not started; of its configuration only what is asked for later is kept. */
export function containerRecord(
  id: string,
  sandbox: SandboxRecord,
  config: ContainerConfig,
  { createdAt, book, node }: { createdAt: number; book: StageBook; node: Subject },
): ContainerRecord {
  const { pod, name, role, attempt, image, labels, annotations, tty, resources, stopSignal, targetContainerId } = config
  const argv = [...(config.command ?? []), ...(config.args ?? [])]
  const behaviour = behaviourOf(name, annotations, sandbox.annotations)
  const own = stagesOf(annotations) ?? stagesOf(sandbox.annotations)
  return {
    id,
    sandboxId: sandbox.id,
    pod,
    name,
    role,
    attempt,
    state: 'created',
    image,
    imageId: imageIdOf(image),
    createdAt,
    startedAt: 0,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    user: userOf(config),
    labels,
    annotations,
    behaviour,
    use: behaviour.use,
    play: book.playFor(subjectOf(node, sandbox, config), own),
    command: argv.length > 0 && canRun(argv) ? argv : undefined,
    isTty: tty,
    stdin: config.stdin ? byteStream() : undefined,
    stdinOnce: config.stdinOnce,
    resources,
    output: undefined,
    timedLines: undefined,
    kill: undefined,
    rearm: undefined,
    stopping: undefined,
    changed: undefined,
    told: undefined,
    ...(stopSignal && { stopSignal }),
    ...(targetContainerId !== undefined && { targetContainerId }),
  }
}

/** Images here have no users of their own. A name is nobody that is known: as Docker has it, number 0. */
function userOf({ security }: ContainerConfig): ContainerState['user'] {
  const { runAsUser = 0, runAsGroup = 0, supplementalGroups } = security
  if (runAsUser === 0 && runAsGroup === 0 && supplementalGroups.length === 0) return root
  const groups = [...new Set([runAsGroup, ...supplementalGroups])].sort((a, b) => a - b)
  return { uid: runAsUser, gid: runAsGroup, supplementalGroups: groups }
}

const root = { uid: 0, gid: 0, supplementalGroups: [0] }

/** A copy, so that nobody outside holds a record that goes on changing; the same one for as long as it is true. */
export function sandboxOf(record: SandboxRecord): Sandbox {
  const { told } = record
  if (told && told.state === record.state && told.ip === record.ip) return told
  const { id, pod, attempt, state, ip, hostNetwork, createdAt, labels, annotations } = record
  return (record.told = { id, pod, attempt, state, ip, hostNetwork, createdAt, labels, annotations })
}

/** The same as `sandboxOf`, for a container. */
export function stateOf(container: ContainerRecord): ContainerState {
  const { told } = container
  if (told && isStillTrue(told, container)) return told.state
  const { id, sandboxId, pod, name, role, attempt, state, image, imageId, createdAt, labels, annotations } = container
  const { startedAt, finishedAt, exitCode, reason, message, resources, stopSignal, user } = container
  const copy = {
    ...{ id, sandboxId, pod, name, role, attempt, state, image, imageId, createdAt, labels, annotations },
    ...{ startedAt, finishedAt, exitCode, reason, message, resources: { ...resources } },
    ...(stopSignal && { stopSignal }),
    ...(user && state === 'running' && { user: { ...user, supplementalGroups: [...user.supplementalGroups] } }),
  }
  container.told = { state: copy, resources }
  return copy
}

function isStillTrue({ state: told, resources }: NonNullable<ContainerRecord['told']>, container: ContainerRecord): boolean {
  return (
    resources === container.resources &&
    told.state === container.state &&
    told.createdAt === container.createdAt &&
    told.startedAt === container.startedAt &&
    told.finishedAt === container.finishedAt
  )
}

/** What a container has used until a moment. Limits of processor and processes hold it back; one of memory ends it. */
export function usageOf(container: ContainerRecord, at: number): ContainerStats {
  const { id, pod, name, startedAt, use, resources, output } = container
  const { cpuQuotaInUs = 0, cpuPeriodInUs = 100_000, pidsLimit = 0 } = resources
  const lived = Math.max(0, at - startedAt)
  const mostCpu = cpuQuotaInUs > 0 ? (cpuQuotaInUs / cpuPeriodInUs) * 1000 : Number.POSITIVE_INFINITY
  const memory = Math.round(use.memory.at(lived))
  const logsInBytes = Math.round(use.logs?.at(lived) ?? output?.bytes ?? 0)
  const pids = Math.round(use.pids.at(lived))
  return {
    containerId: id,
    pod,
    name,
    cpuNanoCores: Math.round(Math.min(use.cpu.at(lived), mostCpu) * 1e6),
    cpuTotalNanoSeconds: Math.round(use.cpu.integral(lived, mostCpu) * 1000),
    memoryUsageInBytes: memory,
    memoryWorkingSetInBytes: memory,
    memoryRssInBytes: memory,
    pids: pidsLimit > 0 ? Math.min(pids, pidsLimit) : pids,
    filesystemInBytes: Math.round(use.disk.at(lived)) + logsInBytes,
    logsInBytes,
    inodes: Math.round(use.inodes.at(lived)),
  }
}
