import type { Duplex } from 'node:stream'

/** What the API server asks of a node's kubelet, and the shapes that exec and logs have on every leg of the way. */

export interface ContainerLogOptions {
  container?: string
  follow?: boolean
  previous?: boolean
  timestamps?: boolean
  tailLines?: number
  limitBytes?: number
  sinceSeconds?: number
  /** RFC 3339. */
  sinceTime?: string
  /** Absent: both, in the order they were written. */
  stream?: 'All' | 'Stdout' | 'Stderr'
}

export interface ExecOptions {
  command: readonly string[]
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/** A command running in a container, or an attachment to its main process. */
export interface ExecSession {
  readonly stdout: AsyncIterable<Uint8Array>
  /** Empty with a TTY. */
  readonly stderr: AsyncIterable<Uint8Array>
  /** Resolves when the bytes are taken over. */
  write(chunk: Uint8Array): Promise<void>
  /** Ends the command's standard input. */
  closeStdin(): void
  resize(columns: number, rows: number): void
  /** Resolves when the command has ended. `message` says what went wrong if it never ran (exit code 126, 127, or -1). */
  readonly done: Promise<{ exitCode: number; message?: string }>
  /** Hangs up: kills the command. */
  close(): void
}

export interface ContainerTarget {
  namespace: string
  name: string
  uid: string
  container: string
}

/** A kubelet as the API server sees it. Errors are ApiErrors with the texts of semantics C17. */
export interface NodeAgent {
  /** Who follows a log that may stay silent for long is given an empty chunk first: from there on nothing is refused any more. */
  logs(target: ContainerTarget, options: ContainerLogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>
  exec(target: ContainerTarget, options: ExecOptions): Promise<ExecSession>
  attach(target: ContainerTarget, options: Omit<ExecOptions, 'command'>): Promise<ExecSession>
  /**
   * A TCP connection to a port on the pod's loopback address, or else on its own; may stay half open. Rejects with the texts of a kubelet
   * and, where nobody listens, with the code ECONNREFUSED.
   */
  connect?(target: Omit<ContainerTarget, 'container'>, port: number): Promise<Duplex>
  /** What the pods of the node use now, for metrics. */
  stats?(): Promise<readonly PodUsage[]>
  /** Answers what a kubelet does by HTTP: health, its pods, figures. `undefined`: there is nothing at that path. */
  serve?(path: string, query: URLSearchParams): Promise<NodeAnswer | undefined>
  /** Its own HTTPS server, which requests are carried to as they are; absent: only `serve` answers. */
  door?(): Promise<NodeDoor>
}

/** The server of a node. */
export interface NodeDoor {
  /** `address:port`, as errors name it. */
  readonly host: string
  /** A connection that is encrypted already, and on which the API server has shown who it is. */
  connect(): Promise<Duplex>
}

/** What the running containers of a pod use. */
export interface PodUsage {
  readonly namespace: string
  readonly name: string
  readonly containers: readonly ContainerUsage[]
}

/** What a running container uses. */
export interface ContainerUsage {
  readonly name: string
  readonly cpuNanoCores: number
  readonly memoryWorkingSetInBytes: number
}

/** An answer of a node to a request that was passed on. */
export interface NodeAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** The ports of a pod, for port-forward. */
export interface PodConnections {
  readonly name: string
  /** A TCP connection to a port on the pod's own loopback address. Half-open: each side ends what it says by itself. */
  connect(port: number): Promise<Duplex>
}
