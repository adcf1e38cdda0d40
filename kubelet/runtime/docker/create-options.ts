import { readFile } from 'node:fs/promises'
import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import {
  type ContainerConfig,
  type DeviceMapping,
  type LinuxResources,
  type Mount,
  RuntimeError,
  type SandboxConfig,
  type SecurityConfig,
} from '../runtime.ts'
import type { ImageUsers } from './image-users.ts'
import { containerLabels, hasTrait, type Labels, type Owner, ownLabel, sandboxLabels } from './labels.ts'
import { pauseImage } from './pause-image.ts'

/** How long a container's log may be (containerLogMaxSize, containerLogMaxFiles). */
export interface LogLimits {
  readonly maxBytes: number
  /** Including the one that is written to. */
  readonly maxFiles: number
}

export const defaultLogLimits: LogLimits = { maxBytes: 10 * 2 ** 20, maxFiles: 5 }

/**
 * Docker's own format keeps bytes as they are, where JSON turns what is no UTF-8 into question marks; but only who reads the files himself
 * gets long lines out of it unharmed (log-files.ts).
 */
const logConfig = ({ maxBytes, maxFiles }: LogLimits, readsLogFiles: boolean) => {
  const Config = { 'max-size': String(maxBytes), 'max-file': String(maxFiles) }
  return readsLogFiles ? { Type: 'local', Config: { ...Config, compress: 'false' } } : { Type: 'json-file', Config }
}

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
      ...runtimeOf(config.runtimeHandler),
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}

const runtimeOf = (handler: string | undefined): Pick<HostConfig, 'Runtime'> => (handler ? { Runtime: handler } : {})

/** What the container shares with its pod. */
export interface ContainerSurroundings {
  sandboxId: string
  sandboxLabels: Labels
  allowsNegativeOomScore: boolean
  /** What the image says about users, where that matters (needsImageUsers). */
  users?: ImageUsers | undefined
  createdAt: number
  logLimits?: LogLimits
  /** Whether this process can read the engine's files. */
  readsLogFiles?: boolean
}

/** What Docker is told to make a container of a pod. */
export async function containerOptions(
  owner: Owner,
  config: ContainerConfig,
  { sandboxId, sandboxLabels: traits, allowsNegativeOomScore, users, createdAt, logLimits, readsLogFiles }: ContainerSurroundings,
): Promise<ContainerCreateOptions> {
  const { resources, security, stdin } = config
  const infra = `container:${sandboxId}`
  const identity = identityOf(security, users)
  const pid = config.targetContainerId !== undefined ? `container:${config.targetContainerId}` : config.sharePid ? infra : ''
  return {
    Image: config.image,
    Labels: containerLabels(owner, sandboxId, config, createdAt),
    Entrypoint: config.command && [...config.command],
    Cmd: config.args && [...config.args],
    WorkingDir: config.workingDir,
    StopSignal: config.stopSignal,
    Env: config.env.map(({ name, value }) => `${name}=${value}`),
    User: identity.user,
    Healthcheck: { Test: ['NONE'] }, // the image may bring one, which nobody asked for
    Tty: config.tty,
    OpenStdin: stdin,
    StdinOnce: stdin && config.stdinOnce,
    HostConfig: {
      NetworkMode: infra,
      IpcMode: hasTrait(traits, 'hostIPC') ? 'host' : infra,
      UTSMode: hasTrait(traits, 'hostNetwork') ? 'host' : '',
      PidMode: hasTrait(traits, 'hostPID') ? 'host' : pid,
      Mounts: config.mounts.map(bindMount),
      ...(config.devices && { Devices: config.devices.map(deviceMapping) }),
      ...limits(resources),
      OomScoreAdj: Math.max(resources.oomScoreAdj ?? 0, allowsNegativeOomScore ? -1000 : 0),
      CgroupParent: config.cgroupParent,
      Privileged: security.privileged,
      ReadonlyRootfs: security.readOnlyRootFilesystem,
      CapAdd: [...security.addCapabilities],
      CapDrop: [...security.dropCapabilities],
      GroupAdd: identity.groups.map(String),
      SecurityOpt: await securityOptions(security),
      ...(security.unmasksProc && { MaskedPaths: [], ReadonlyPaths: [] }),
      ...runtimeOf(traits[ownLabel.handler]),
      RestartPolicy: { Name: 'no' },
      LogConfig: logConfig(logLimits ?? defaultLogLimits, readsLogFiles ?? false),
    },
  }
}

function deviceMapping({ hostPath, containerPath, permissions }: DeviceMapping) {
  return { PathOnHost: hostPath, PathInContainer: containerPath, CgroupPermissions: permissions }
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

/** Who a container runs as and the groups it is in besides: what it was told, over what its image says. */
export interface Identity {
  /** Docker's `user:group`; absent: as Docker finds it in the image. */
  readonly user?: string
  readonly groups: readonly number[]
}

/**
 * Docker gives a user the groups that the image lists it in if, and only if, no group is named with it. So both what Kubernetes calls
 * Merge and what it calls Strict can be had: by leaving the group out, or by naming it and adding to it what the image says.
 */
export function identityOf(security: SecurityConfig, users: ImageUsers | undefined): Identity {
  const { runAsUser, runAsUsername, runAsGroup, supplementalGroups, supplementalGroupsPolicy } = security
  const user = runAsUser ?? runAsUsername
  const ofImage = users?.groupsOf(user ?? 0)
  const isStrict = supplementalGroupsPolicy === 'Strict'
  const groups = [...new Set([...supplementalGroups, ...(isStrict || runAsGroup === undefined ? [] : (ofImage?.groups ?? []))])]
  for (const gid of supplementalGroups) {
    const other = users?.groupNamed(gid)
    if (other !== undefined)
      throw new RuntimeError('create', `the image has a group ${other} that is named "${gid}": group ${gid} cannot be had in it`)
  }
  if (runAsGroup === undefined && !isStrict) return { groups, ...(user !== undefined && { user: String(user) }) }
  return { groups, user: `${user ?? 0}:${runAsGroup ?? ofImage?.gid ?? 0}` }
}

/** Whether it matters what the image says about users: only where groups are asked for. */
export const needsImageUsers = ({ runAsGroup, supplementalGroups, supplementalGroupsPolicy }: SecurityConfig): boolean =>
  runAsGroup !== undefined || supplementalGroups.length > 0 || supplementalGroupsPolicy === 'Strict'

/** Profiles of seccomp are files of this machine; those of AppArmor the kernel knows. Without a word Docker's own apply. */
async function securityOptions(security: SecurityConfig): Promise<string[]> {
  const { allowPrivilegeEscalation, seccompProfile = '', appArmorProfile = '', seLinuxOptions = {} } = security
  const options: string[] = []
  if (!allowPrivilegeEscalation) options.push('no-new-privileges')
  if (seccompProfile === 'Unconfined') options.push('seccomp=unconfined')
  const [, path] = /^localhost\/(.+)$/.exec(seccompProfile) ?? []
  if (path !== undefined) options.push(`seccomp=${await readProfile(path)}`)
  if (appArmorProfile === 'Unconfined') options.push('apparmor=unconfined')
  const [, name] = /^localhost\/(.+)$/.exec(appArmorProfile) ?? []
  if (name !== undefined) options.push(`apparmor=${name}`)
  for (const field of ['user', 'role', 'type', 'level'] as const) {
    if (seLinuxOptions[field]) options.push(`label=${field}:${seLinuxOptions[field]}`)
  }
  return options
}

async function readProfile(path: string): Promise<string> {
  const refuse = (why: string, cause: unknown) =>
    new RuntimeError('create', `cannot load seccomp profile "${path}": ${why}`, { cause })
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw refuse(`open ${path}: ${cause.code === 'ENOENT' ? 'no such file or directory' : cause.message}`, cause)
  })
  try {
    return JSON.stringify(JSON.parse(text))
  } catch (cause) {
    throw refuse('it is no JSON', cause)
  }
}
