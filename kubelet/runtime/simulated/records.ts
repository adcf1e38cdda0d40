import type { ContainerConfig, ContainerState, ContainerStats, Sandbox } from '../runtime.ts'
import { behaviourOf } from './behaviour.ts'
import type { ContainerRecord, SandboxRecord } from './engine.ts'
import { imageIdOf } from './images.ts'
import { canRun } from './shell.ts'

/** A container that has not started; of its configuration only what is asked for later is kept. */
export function containerRecord(id: string, sandbox: SandboxRecord, config: ContainerConfig, createdAt: number): ContainerRecord {
  const { pod, name, role, attempt, image, labels, annotations, tty, resources } = config
  const argv = [...(config.command ?? []), ...(config.args ?? [])]
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
    labels,
    annotations,
    behaviour: behaviourOf(name, annotations, sandbox.annotations),
    command: argv.length > 0 && canRun(argv) ? argv : undefined,
    isTty: tty,
    memoryLimitInBytes: resources.memoryLimitInBytes,
    output: undefined,
    kill: undefined,
    changed: undefined,
  }
}

/** A copy, so that nobody outside holds a record that goes on changing. */
export function sandboxOf({ id, pod, attempt, state, ip, createdAt, labels, annotations }: SandboxRecord): Sandbox {
  return { id, pod, attempt, state, ip, createdAt, labels, annotations }
}

export function stateOf(container: ContainerRecord): ContainerState {
  const { id, sandboxId, pod, name, role, attempt, state, image, imageId, createdAt, labels, annotations } = container
  const { startedAt, finishedAt, exitCode, reason, message } = container
  return {
    ...{ id, sandboxId, pod, name, role, attempt, state, image, imageId, createdAt, labels, annotations },
    ...{ startedAt, finishedAt, exitCode, reason, message },
  }
}

export function usageOf({ id, pod, name, startedAt, behaviour }: ContainerRecord, now: number): ContainerStats {
  const { cpuInMillicores, memoryInBytes } = behaviour
  return {
    containerId: id,
    pod,
    name,
    cpuNanoCores: cpuInMillicores * 1e6,
    cpuTotalNanoSeconds: cpuInMillicores * 1000 * (now - startedAt),
    memoryUsageInBytes: memoryInBytes,
    memoryWorkingSetInBytes: memoryInBytes,
    memoryRssInBytes: memoryInBytes,
    pids: 1,
    filesystemInBytes: 0,
    inodes: 0,
  }
}
