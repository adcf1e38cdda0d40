import type { FlagSpecs, ParsedArgs } from './flags.ts'
import type { Io } from './io.ts'
import type { Session } from './session.ts'

/** One verb: its help and what it does. Registered in `commands.ts`. */
export interface Command {
  readonly name: string
  readonly aliases?: readonly string[]
  /** After the program's name: `get TYPE [NAME...] [flags]`. */
  readonly usage: string
  readonly summary: string
  readonly examples?: readonly string[]
  /** Own flags; the global ones come along. */
  readonly flags: FlagSpecs
  /** Answers the exit code. Throws ApiErrors, UsageErrors, ManifestErrors and plain Errors, which `main` tells the user. */
  readonly run: (context: CommandContext) => Promise<number>
}

export interface CommandContext extends ParsedArgs<FlagSpecs> {
  readonly io: Io
  /** Connects on first use. */
  readonly session: () => Promise<Session>
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
}

/** Reads flags by their declared types; a flag that was not given is undefined. */
export const flag = {
  text: (context: Pick<CommandContext, 'flags'>, name: string) => context.flags[name] as unknown as string | undefined,
  on: (context: Pick<CommandContext, 'flags'>, name: string) => (context.flags[name] as unknown) === true,
  /** Whether it was given at all, and if so its value. */
  maybe: (context: Pick<CommandContext, 'flags'>, name: string) => context.flags[name] as unknown as boolean | undefined,
  number: (context: Pick<CommandContext, 'flags'>, name: string) => context.flags[name] as unknown as number | undefined,
  list: (context: Pick<CommandContext, 'flags'>, name: string) => (context.flags[name] as unknown as string[] | undefined) ?? [],
}

/** Flags that every verb takes. */
export const globalFlags = {
  namespace: { type: 'string', short: 'n', help: 'The namespace to work in' },
  kubeconfig: { type: 'string', help: 'The kubeconfig file to use' },
  context: { type: 'string', help: 'The context of the kubeconfig to use' },
  server: { type: 'string', short: 's', help: 'The address of the API server', hidden: true },
  as: { type: 'string', help: 'The user to act as', placeholder: 'USER' },
  'as-group': { type: 'list', help: 'With --as: a group to act as a member of', placeholder: 'GROUP' },
  'as-uid': { type: 'string', help: 'With --as: the uid of that user', placeholder: 'UID' },
  cluster: { type: 'string', help: 'The cluster of the kubeconfig to use', hidden: true },
  token: { type: 'string', help: 'The bearer token to show', hidden: true },
  'request-timeout': { type: 'string', help: 'How long to wait for one request', hidden: true },
  help: { type: 'bool', short: 'h', help: 'This text' },
} as const satisfies FlagSpecs
