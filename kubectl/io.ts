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
  /** The kubeconfig of a running Wherry cluster, if there is one. */
  readonly runningKubeconfig: () => string | undefined
  readonly homeDir: string
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}
