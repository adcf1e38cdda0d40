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
  /** Whether it heeds `recursiveReadOnly`; absent: no. */
  readonly supportsRecursiveReadOnly?: boolean
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
  /** What there is of one pod. Absent: that is no cheaper than everything. */
  listPod?(podUid: string): Promise<{ sandboxes: Sandbox[]; containers: ContainerState[] }>
  /** One container with all that only an inspection tells (exit code, times, error). `undefined` when gone. */
  inspect(id: string): Promise<ContainerState | undefined>
  inspectSandbox(id: string): Promise<Sandbox | undefined>
  /**
   * A hint that something changed and a relist is due; `undefined` pod: anything may have. Reconnects by itself until the signal
   * aborts. `onLink` hears whether hints can be relied on now, each time that changes.
   */
  watchEvents(onEvent: (podUid: string | undefined) => void, onLink?: (isUp: boolean) => void): Run

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
  /**
   * Where this node's cgroups belong, or why the kubelet cannot make any (the engine is elsewhere). Absent: this runtime has none.
   * Throws when the engine cannot be reached.
   */
  cgroups?(): Promise<CgroupSeat | { readonly reason: string }>
  /** What has gone over the network of each pod that has one of its own, by pod uid. Absent: nobody can tell. */
  networkStats?(): Promise<ReadonlyMap<string, readonly InterfaceStats[]>>
  /** Where images and writable layers live. */
  imageFilesystem(): Promise<FilesystemUsage>
  /** How many inodes a container's writable layer has. Walks through it: for when inodes are short. Absent: nobody can tell. */
  writableInodes?(id: string): Promise<number>
  /** What it can do beyond running containers; found out once. Absent: nothing of all that. */
  features?(): Promise<RuntimeFeatures>
  /** Removes what it made for itself and a kill has left behind; called now and then. Absent: there is no such thing. */
  tidy?(): Promise<void>
  /** Keeps sandboxes ready for pods to come. Absent: makes each when its pod comes. */
  readonly keepWarm?: Run
  /** Tears down what `runSandbox` set up for the whole node (its network), once no pod is left. */
  cleanUp(): Promise<void>
}

export interface RuntimeFeatures {
  /** Whether the kernel below enforces AppArmor profiles, SELinux labels. */
  appArmor: boolean
  seLinux: boolean
  /** Whether it can leave out the groups that an image gives its user (supplementalGroupsPolicy). */
  supplementalGroupsPolicy: boolean
  /** Whether a pod can have user IDs of its own (hostUsers: false). */
  userNamespaces: boolean
  /** What the handler of a RuntimeClass may be. */
  handlers: readonly string[]
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
  /** What runs the pod instead of the engine's default: the handler of its RuntimeClass. */
  runtimeHandler?: string
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
  /** It ran before the pod came: its own cgroup is not where the pod's are. */
  isWarm?: boolean
  /** Whether it lives in the node's network; absent: the runtime cannot tell. */
  hostNetwork?: boolean
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
  /** Instead of the image's: `SIGUSR1`. */
  stopSignal?: string
  env: readonly { name: string; value: string }[]
  mounts: readonly Mount[]
  /** Devices of the node that it may use. */
  devices?: readonly DeviceMapping[]
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
  /** With readOnly: what is mounted below it is read-only too. Only asked of runtimes that say they can. */
  recursiveReadOnly?: boolean
}

export interface DeviceMapping {
  hostPath: string
  containerPath: string
  /** Of read, write and make a node: `mrw`. */
  permissions: string
}

/** Who makes cgroups on this engine, of which kind, and below which one the pods of this node belong. */
export interface CgroupSeat {
  readonly driver: 'cgroupfs' | 'systemd'
  readonly version: 1 | 2
  /** Names from the top, without the `kubepods` that comes below: `['wherry', '<cluster>', '<node>']`. */
  readonly root: readonly string[]
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
  /** At most one of the two is set; neither: root, or what the image says. */
  runAsUser?: number
  runAsUsername?: string
  runAsGroup?: number
  supplementalGroups: readonly number[]
  /** Strict: none but these. Otherwise those that the image gives its user come on top. */
  supplementalGroupsPolicy?: 'Merge' | 'Strict'
  privileged: boolean
  readOnlyRootFilesystem: boolean
  allowPrivilegeEscalation: boolean
  /** With or without `CAP_`; `ALL`. */
  addCapabilities: readonly string[]
  dropCapabilities: readonly string[]
  /** `RuntimeDefault`, `Unconfined`, or `localhost/` and a file on the node. Absent: `RuntimeDefault`. */
  seccompProfile?: string
  /** The same with the name of a profile that the node's kernel knows; absent: the runtime's own. */
  appArmorProfile?: string
  /** Nothing of /proc is hidden or read-only. */
  unmasksProc?: boolean
  seLinuxOptions?: { user?: string; role?: string; type?: string; level?: string }
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
  /** Who its first process was when it had just started; absent: unknown, or it never ran. */
  user?: { uid: number; gid: number; supplementalGroups: number[] }
  /** The signal that stops it, by its name: SIGTERM. Absent: nobody has chosen one. */
  stopSignal?: string
  /** Its limits as they are now, which only an inspection tells; absent: unknown. */
  resources?: LinuxResources
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
  /** Removes a name of an image, or an image by its id; with its last name the image goes. Fails while a container uses it. Idempotent. */
  remove(image: string): Promise<void>
  /** The ids of images that any container of the engine was made from, also those of others. Absent: there are no others. */
  inUse?(): Promise<ReadonlySet<string>>
  /** Lays an image's files out in an empty folder of this machine. Absent: it has none. */
  unpack?(id: string, folder: string): Promise<void>
}

export interface ImageInfo {
  id: string
  tags: string[]
  digests: string[]
  sizeInBytes: number
  /** The user the image runs as: a number, a name, or empty. */
  user: string
  /** Never to be removed. */
  pinned?: boolean
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
  /** Absent: not known. */
  swapInBytes?: number
  pageFaults?: number
  majorPageFaults?: number
  /** Writable layer plus logs; undefined when not measured. */
  filesystemInBytes?: number
  /** Of that, its logs. */
  logsInBytes?: number
  inodes?: number
}

/** Since the interface was made. */
export interface InterfaceStats {
  readonly name: string
  readonly rxBytes: number
  readonly rxErrors: number
  readonly txBytes: number
  readonly txErrors: number
}

export interface FilesystemUsage {
  capacityInBytes: number
  availableInBytes: number
  inodes: number
  inodesFree: number
  /** The number of the device, to tell one file system from another; absent where there is no such thing. */
  device?: number
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
