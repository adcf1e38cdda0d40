import type { Pod } from '../api/core/pod.ts'
import type { PlacementVerdict } from '../api/placement/placement-verdict.ts'
import type { Transport } from '../api/transport.ts'

/** What a command sees of the world: given by the entry, or by a test. */
export interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Whether standard output is a terminal: colours, redrawing. */
  readonly isTerminal: boolean
  /** The terminal's width in columns. */
  readonly columns: number
  readonly rows: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** All of standard input as text. */
  readonly readStdin: () => Promise<string>
  /** Standard input as it comes, for exec; raw when it is a terminal. */
  readonly stdin: NodeJS.ReadStream | undefined
  /** Calls back with the terminal's columns and rows, now and whenever they change; answers how to stop. Absent: no terminal. */
  readonly onResize?: (callback: (columns: number, rows: number) => void) => () => void
  /** Bytes as they are, for what is no text. Absent: they are decoded as UTF-8 and go to `out` and `err`. */
  readonly writeBytes?: (chunk: Uint8Array, to: 'out' | 'err') => void
  /** The kubeconfig of a running Wherry cluster, if there is one. */
  readonly runningKubeconfig: () => string | undefined
  /** Of this program: `0.1.0`. */
  readonly version?: string
  /** `linux/amd64`. */
  readonly platform?: string
  readonly homeDir: string
  /** Asks a scheduler where pods would go, one after the other. Absent: there is none to ask. */
  readonly whatIf?: (transport: Transport, pods: readonly Pod[]) => Promise<readonly PlacementVerdict[]>
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}
