import type { Duplex } from 'node:stream'
import type { ContainerLogOptions, ExecOptions, ExecSession } from '../../api/node-agent.ts'
import type { Run } from '../../lib/run.ts'

/**
 * What a kubelet needs of a container runtime, shaped like CRI (k8s.io/cri-api). A runtime belongs to one node of one cluster and sees
 * only what that node made. All ids are the runtime's own. Everything a kubelet must know after a restart is kept in labels and annotations.
 * Failures are RuntimeErrors.
 */
export interface ContainerRuntime {
  readonly name: string
  /** Throws when the engine cannot be reached. */
  version(): Promise<{ name: string; version: string }>

  /** Creates and starts the infra container: the owner of the pod's network, IPC and UTS namespaces. */
  runSandbox(config: SandboxConfig): Promise<Sandbox>
  /** Stops the infra container and everything in it. Idempotent. */
  stopSandbox(id: string): Promise<void>
  /** Removes it and all of its containers. Idempotent. */
  removeSandbox(id: string): Promise<void>

  /** Creates, does not start. */
  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>
  startContainer(id: string): Promise<void>
  /** The stop signal, then SIGKILL after the grace period. Resolves when it has exited. Idempotent. */
  stopContainer(id: string, graceInSeconds: number): Promise<void>
  removeContainer(id: string): Promise<void>
  /** Changes limits of a running container. */
  updateResources(id: string, resources: LinuxResources): Promise<void>

  /** Everything of this node, running or not: the relist. One cheap call. */
  list(): Promise<{ sandboxes: Sandbox[]; containers: ContainerState[] }>
  /** One container with all that only an inspection tells (exit code, times, error). `undefined` when gone. */
  inspect(id: string): Promise<ContainerState | undefined>
  inspectSandbox(id: string): Promise<Sandbox | undefined>
  /** A hint that something changed and a relist is due; `undefined` pod: anything may have. Reconnects by itself until the signal aborts. */
  watchEvents(onEvent: (podUid: string | undefined) => void): Run

  images: ImageService
  logs(id: string, options: ContainerLogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>
  exec(id: string, options: ExecOptions): Promise<ExecSession>
  /** Runs to the end. A command that runs too long is killed and answers `timedOut`. */
  execSync(
    id: string,
    command: readonly string[],
    timeoutInMs: number,
  ): Promise<{ exitCode: number; output: string; timedOut: boolean }>
  attach(id: string, options: Omit<ExecOptions, 'command'>): Promise<ExecSession>
  /**
   * A TCP connection to a port in the sandbox's network: on its loopback address, or else on its own. Half-open, as far as the way there
   * allows. Rejects with a ConnectionRefused where nobody listens.
   */
  connect(sandboxId: string, port: number): Promise<Duplex>
  /** Usage of every running container of this node. */
  stats(): Promise<ContainerStats[]>
  /** Where images and writable layers live. */
  imageFilesystem(): Promise<FilesystemUsage>
  /** Tears down what `runSandbox` set up for the whole node (its network), once no pod is left. */
  cleanUp(): Promise<void>
}

export interface PodIdentity {
  namespace: string
  name: string
  uid: string
}

export interface SandboxConfig {
  pod: PodIdentity
  /** How many sandboxes this pod has had before. */
  attempt: number
  hostname: string
  labels: Record<string, string>
  annotations: Record<string, string>
  hostNetwork: boolean
  hostIPC: boolean
  hostPID: boolean
  /** resolv.conf; absent: the engine's own. */
  dns?: { servers: string[]; searches: string[]; options: string[] }
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIP: string }[]
  sysctls: Record<string, string>
  /** Parent cgroup of the sandbox and its containers; empty: the engine's default. */
  cgroupParent: string
}

export interface Sandbox {
  id: string
  pod: PodIdentity
  attempt: number
  state: 'ready' | 'notReady'
  /** Empty with host networking or while not ready. */
  ip: string
  /** Milliseconds since the epoch. */
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ContainerConfig {
  pod: PodIdentity
  name: string
  /** What kind of container it is in the pod. */
  role: 'init' | 'sidecar' | 'app' | 'ephemeral'
  image: string
  /** How many instances of this container there have been before. */
  attempt: number
  command?: readonly string[]
  args?: readonly string[]
  workingDir?: string
  env: readonly { name: string; value: string }[]
  mounts: readonly Mount[]
  labels: Record<string, string>
  annotations: Record<string, string>
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  /** Join the infra container's PID namespace. */
  sharePid: boolean
  /** Join another container's PID namespace (ephemeral containers). */
  targetContainerId?: string
  resources: LinuxResources
  security: SecurityConfig
  cgroupParent: string
}

export interface Mount {
  hostPath: string
  containerPath: string
  readOnly: boolean
  propagation?: 'private' | 'rslave' | 'rshared'
}

/** What goes to cgroups (semantics C10); absent: no limit. */
export interface LinuxResources {
  cpuShares?: number
  cpuQuotaInUs?: number
  cpuPeriodInUs?: number
  memoryLimitInBytes?: number
  oomScoreAdj?: number
  pidsLimit?: number
}

export interface SecurityConfig {
  runAsUser?: number
  runAsGroup?: number
  supplementalGroups: readonly number[]
  privileged: boolean
  readOnlyRootFilesystem: boolean
  allowPrivilegeEscalation: boolean
  addCapabilities: readonly string[]
  dropCapabilities: readonly string[]
  seccompProfile?: string
}

export interface ContainerState {
  id: string
  sandboxId: string
  pod: PodIdentity
  name: string
  role: ContainerConfig['role']
  attempt: number
  state: 'created' | 'running' | 'exited' | 'unknown'
  image: string
  /** The digest or id that the image resolved to. */
  imageId: string
  /** Milliseconds since the epoch; 0: never. */
  createdAt: number
  startedAt: number
  finishedAt: number
  exitCode: number
  /** `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun` (semantics C5). */
  reason: string
  message: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ImageService {
  /** `undefined` when it is not here. */
  status(image: string): Promise<ImageInfo | undefined>
  /** Resolves with the image's id. Throws a RuntimeError with the registry's words. */
  pull(
    image: string,
    auth?: { username: string; password: string; server?: string },
    onProgress?: (text: string) => void,
  ): Promise<string>
  list(): Promise<ImageInfo[]>
  remove(id: string): Promise<void>
}

export interface ImageInfo {
  id: string
  tags: string[]
  digests: string[]
  sizeInBytes: number
  /** The user the image runs as: a number, a name, or empty. */
  user: string
}

export interface ContainerStats {
  containerId: string
  pod: PodIdentity
  name: string
  cpuNanoCores: number
  cpuTotalNanoSeconds: number
  memoryUsageInBytes: number
  /** usage - inactive_file. */
  memoryWorkingSetInBytes: number
  memoryRssInBytes: number
  pids: number
  /** Writable layer plus logs; undefined when not measured. */
  filesystemInBytes?: number
  inodes?: number
}

export interface FilesystemUsage {
  capacityInBytes: number
  availableInBytes: number
  inodes: number
  inodesFree: number
}

/** Nobody listens on that port of the pod. `code` is what Node.js would say of a socket of its own. */
export class ConnectionRefused extends Error {
  readonly code = 'ECONNREFUSED'
  constructor(where: string, port: number) {
    super(
      `failed to connect to localhost:${port} inside namespace ${JSON.stringify(where)}, IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused`,
    )
    this.name = 'ConnectionRefused'
  }
}

export class RuntimeError extends Error {
  /** What kind of failure: decides the waiting reason the user sees. */
  readonly kind: 'unavailable' | 'notFound' | 'image' | 'create' | 'start' | 'other'
  constructor(kind: RuntimeError['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RuntimeError'
    this.kind = kind
  }
}
