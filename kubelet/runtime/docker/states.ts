import type { ContainerInfo, ContainerInspectInfo } from 'dockerode'
import type { ContainerState, LinuxResources, Sandbox } from '../runtime.ts'
import { type Labels, ownLabel, readLabels } from './labels.ts'

/** Docker's zero time. */
const never = '0001-01-01T00:00:00Z'
const inMs = (time: string | undefined): number => (time === undefined || time === never ? 0 : Date.parse(time) || 0)

/** How a container ended, by Docker's word (semantics C5, Docker adapter). */
export function endOf(state: ContainerInspectInfo['State'], createdAt: number): Omit<ContainerState, keyof Identity> {
  const { ExitCode: exitCode, Error: message, OOMKilled, StartedAt, FinishedAt } = state
  const startedAt = inMs(StartedAt)
  const finishedAt = inMs(FinishedAt)
  if (state.Running) return { state: 'running', startedAt, finishedAt: 0, exitCode: 0, reason: '', message: '' }
  if (finishedAt !== 0) {
    const reason = OOMKilled ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error'
    // one that ends at once may have its end noted before its start
    return { state: 'exited', startedAt, finishedAt: Math.max(startedAt, finishedAt), exitCode, reason, message }
  }
  if (exitCode !== 0) {
    return { state: 'exited', startedAt: createdAt, finishedAt: createdAt, exitCode, reason: 'ContainerCannotRun', message }
  }
  return { state: 'created', startedAt: 0, finishedAt: 0, exitCode: 0, reason: '', message: '' }
}

type Identity = Pick<
  ContainerState,
  'id' | 'sandboxId' | 'pod' | 'name' | 'role' | 'attempt' | 'image' | 'imageId' | 'createdAt' | 'labels' | 'annotations'
>

function identityOf(id: string, imageId: string, labels: Labels): Identity {
  const read = readLabels(labels)
  return { ...read, id, sandboxId: labels[ownLabel.sandbox] ?? '', image: labels[ownLabel.image] ?? '', imageId }
}

/** All that an inspection tells. `imageRef` turns an image's id into the name of its digest. */
export function inspectedContainer(info: ContainerInspectInfo, imageRef: string): ContainerState {
  const identity = identityOf(info.Id, imageRef, info.Config.Labels)
  const { StopSignal: stopSignal } = info.Config as { StopSignal?: string }
  const resources = resourcesOf(info.HostConfig)
  return { ...identity, ...endOf(info.State, identity.createdAt), ...(stopSignal && { stopSignal }), resources }
}

/** Docker's 0, and -1 for processes, mean that there is no limit. */
function resourcesOf(config: ContainerInspectInfo['HostConfig']): LinuxResources {
  const { CpuShares, CpuQuota, CpuPeriod, Memory, OomScoreAdj, PidsLimit } = config
  return {
    ...(CpuShares && { cpuShares: CpuShares }),
    ...(CpuQuota && CpuQuota > 0 && { cpuQuotaInUs: CpuQuota, cpuPeriodInUs: CpuPeriod || 100_000 }),
    ...(Memory && { memoryLimitInBytes: Memory }),
    ...(OomScoreAdj && { oomScoreAdj: OomScoreAdj }),
    ...(PidsLimit && PidsLimit > 0 && { pidsLimit: PidsLimit }),
  }
}

/** What the list tells: no times, and of the end only the exit code. */
export function listedContainer(info: ContainerInfo): ContainerState {
  const state = info.State === 'running' || info.State === 'paused' ? 'running' : info.State === 'created' ? 'created' : 'exited'
  const [, exitCode] = /^Exited \((\d+)\)/.exec(info.Status) ?? []
  return {
    ...identityOf(info.Id, info.ImageID, info.Labels),
    ...{ state, startedAt: 0, finishedAt: 0, exitCode: Number(exitCode ?? 0), reason: '', message: '' },
  }
}

export function listedSandbox({ Id, State, Labels: labels, NetworkSettings, HostConfig }: ContainerInfo): Sandbox {
  return { ...sandboxOf(Id, labels, State === 'running', NetworkSettings?.Networks), hostNetwork: isHost(HostConfig) }
}

export function inspectedSandbox({ Id, State, Config, NetworkSettings, HostConfig }: ContainerInspectInfo): Sandbox {
  return { ...sandboxOf(Id, Config.Labels, State.Running, NetworkSettings?.Networks), hostNetwork: isHost(HostConfig) }
}

const isHost = ({ NetworkMode }: { NetworkMode?: string }): boolean => NetworkMode === 'host'

function sandboxOf(
  id: string,
  labels: Labels,
  isReady: boolean,
  networks: Record<string, { IPAddress?: string }> | undefined,
): Sandbox {
  const { pod, attempt, createdAt, labels: plain, annotations } = readLabels(labels)
  const [network] = Object.values(networks ?? {})
  const ip = isReady ? (network?.IPAddress ?? '') : ''
  const state = isReady ? 'ready' : 'notReady'
  const isWarm = labels[ownLabel.warm] !== undefined
  return { id, pod, attempt, createdAt, labels: plain, annotations, state, ip, ...(isWarm && { isWarm }) }
}
