import { readFile } from 'node:fs/promises'
import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import type { ContainerConfig, LinuxResources, Mount, SandboxConfig, SecurityConfig } from '../runtime.ts'
import { containerLabels, hasTrait, type Labels, type Owner, sandboxLabels } from './labels.ts'
import { pauseImage } from './pause-image.ts'

/** The kubelet's own log limits (containerLogMaxSize, containerLogMaxFiles). */
const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } }

/** What Docker is told to make an infra container. `network`: the node's network, unused with host networking. */
export function sandboxOptions(
  owner: Owner,
  config: SandboxConfig,
  { network, oomScoreAdj, createdAt }: { network: string; oomScoreAdj: number; createdAt: number },
): ContainerCreateOptions {
  const { hostNetwork, hostIPC, hostPID, dns, cgroupParent } = config
  const ports = hostNetwork ? [] : config.portMappings
  const nameOf = (mapping: (typeof ports)[number]) => `${mapping.containerPort}/${mapping.protocol.toLowerCase()}`
  const bindings: NonNullable<HostConfig['PortBindings']> = {}
  for (const mapping of ports) {
    const bound = (bindings[nameOf(mapping)] ??= []) as { HostIp: string; HostPort: string }[]
    bound.push({ HostIp: mapping.hostIP, HostPort: String(mapping.hostPort) })
  }
  return {
    Image: pauseImage,
    ...(hostNetwork ? {} : { Hostname: config.hostname }),
    Labels: sandboxLabels(owner, config, createdAt),
    ExposedPorts: Object.fromEntries(ports.map(mapping => [nameOf(mapping), {}])),
    HostConfig: {
      NetworkMode: hostNetwork ? 'host' : network,
      UTSMode: hostNetwork ? 'host' : '',
      IpcMode: hostIPC ? 'host' : 'shareable',
      PidMode: hostPID ? 'host' : '',
      PortBindings: bindings,
      Sysctls: config.sysctls,
      Dns: dns?.servers ?? [],
      DnsSearch: dns?.searches ?? [],
      DnsOptions: dns?.options ?? [],
      OomScoreAdj: oomScoreAdj,
      CpuShares: 2,
      CgroupParent: cgroupParent,
      RestartPolicy: { Name: 'no' },
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}

/** What the container shares with its pod. */
export interface ContainerSurroundings {
  sandboxId: string
  sandboxLabels: Labels
  allowsNegativeOomScore: boolean
  /** The image's user, asked for only when the group is set and the user is not. */
  imageUser: string
  createdAt: number
}

/** What Docker is told to make a container of a pod. */
export async function containerOptions(
  owner: Owner,
  config: ContainerConfig,
  { sandboxId, sandboxLabels: traits, allowsNegativeOomScore, imageUser, createdAt }: ContainerSurroundings,
): Promise<ContainerCreateOptions> {
  const { resources, security, stdin } = config
  const infra = `container:${sandboxId}`
  const pid = config.targetContainerId !== undefined ? `container:${config.targetContainerId}` : config.sharePid ? infra : ''
  return {
    Image: config.image,
    Labels: containerLabels(owner, sandboxId, config, createdAt),
    Entrypoint: config.command && [...config.command],
    Cmd: config.args && [...config.args],
    WorkingDir: config.workingDir,
    Env: config.env.map(({ name, value }) => `${name}=${value}`),
    User: userOf(security, imageUser),
    Tty: config.tty,
    OpenStdin: stdin,
    StdinOnce: stdin && config.stdinOnce,
    HostConfig: {
      NetworkMode: infra,
      IpcMode: hasTrait(traits, 'hostIPC') ? 'host' : infra,
      UTSMode: hasTrait(traits, 'hostNetwork') ? 'host' : '',
      PidMode: hasTrait(traits, 'hostPID') ? 'host' : pid,
      Mounts: config.mounts.map(bindMount),
      ...limits(resources),
      OomScoreAdj: Math.max(resources.oomScoreAdj ?? 0, allowsNegativeOomScore ? -1000 : 0),
      CgroupParent: config.cgroupParent,
      Privileged: security.privileged,
      ReadonlyRootfs: security.readOnlyRootFilesystem,
      CapAdd: [...security.addCapabilities],
      CapDrop: [...security.dropCapabilities],
      GroupAdd: security.supplementalGroups.map(String),
      SecurityOpt: await securityOptions(security),
      RestartPolicy: { Name: 'no' },
      LogConfig: logConfig,
    },
  }
}

/** Private is Docker's own default, which gives way where it must: the machine's root folder cannot be mounted so. */
function bindMount({ hostPath, containerPath, readOnly, propagation = 'private' }: Mount) {
  const mount = { Type: 'bind' as const, Source: hostPath, Target: containerPath, ReadOnly: readOnly }
  return propagation === 'private' ? mount : { ...mount, BindOptions: { Propagation: propagation } }
}

/** Absent limits stay away, so that an update changes only what it names (semantics C10). */
export function limits(resources: LinuxResources) {
  const { cpuShares, cpuQuotaInUs, cpuPeriodInUs, memoryLimitInBytes, pidsLimit } = resources
  return {
    ...(cpuShares !== undefined && { CpuShares: cpuShares }),
    ...(cpuQuotaInUs !== undefined && { CpuQuota: cpuQuotaInUs, CpuPeriod: cpuPeriodInUs ?? 100_000 }),
    ...(memoryLimitInBytes !== undefined && { Memory: memoryLimitInBytes, MemorySwap: memoryLimitInBytes }),
    ...(pidsLimit !== undefined && { PidsLimit: pidsLimit }),
  }
}

function userOf({ runAsUser, runAsGroup }: SecurityConfig, imageUser: string): string | undefined {
  const user = runAsUser === undefined ? imageUser.split(':')[0] || '0' : String(runAsUser)
  if (runAsGroup !== undefined) return `${user}:${runAsGroup}`
  return runAsUser === undefined ? undefined : user
}

/** `runtime/default` and none given are Docker's own profile; `localhost/<path>` is read from this machine. */
async function securityOptions({ allowPrivilegeEscalation, privileged, seccompProfile = '' }: SecurityConfig): Promise<string[]> {
  const options: string[] = []
  if (!allowPrivilegeEscalation && !privileged) options.push('no-new-privileges')
  if (/^unconfined$/i.test(seccompProfile)) options.push('seccomp=unconfined')
  const [, path] = /^localhost\/(.+)$/i.exec(seccompProfile) ?? []
  if (path !== undefined) options.push(`seccomp=${await readFile(path, 'utf8')}`)
  return options
}
