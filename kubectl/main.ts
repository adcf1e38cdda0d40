import { type Command, globalFlags } from './command.ts'
import { commands } from './commands.ts'
import { complaint } from './complaint.ts'
import { type FlagSpec, parseArguments } from './flags.ts'
import { helpOf } from './help-page.ts'
import type { Io } from './io.ts'
import { openSession, type Session } from './session.ts'

/** The verb that a command line asks for; undefined when there is none by that name. */
export function findCommand(name: string): Command | undefined {
  return commands.find(command => command.name === name || command.aliases?.includes(name))
}

/** Runs one command line, without the program's name. Answers the exit code; never throws. */
export async function main(args: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  const { name, rest } = splitVerb(args)
  const command = findCommand(name)
  if (!command) {
    io.err(`error: unknown command "${name}" for "wherry"\nRun 'wherry help' for the list.\n`)
    return 1
  }
  let session: Promise<Session> | undefined
  try {
    const specs = { ...globalFlags, ...command.flags }
    const parsed = parseArguments(rest, specs)
    if (parsed.flags.help && command.name !== 'help') {
      io.out(helpOf(command))
      return 0
    }
    const { namespace, kubeconfig, context, cluster, server, token, as, 'as-group': asGroups, 'as-uid': asUid } = parsed.flags
    const options = { namespace, kubeconfig, context, cluster, server, token, as, asGroups, asUid }
    const open = () => (session ??= openSession(options, io))
    const code = await command.run({ ...parsed, io, session: open, signal })
    return signal.aborted ? 130 : code
  } catch (error) {
    if (signal.aborted) return 130
    io.err(`${complaint(error, { verb: command.name })}\n`)
    return 1
  } finally {
    await session?.then(
      open => open.close(),
      () => undefined,
    )
  }
}

/** The verb and what is left of the line. Global flags may stand before it: `wherry -n web get pods`. */
function splitVerb(args: readonly string[]): { name: string; rest: string[] } {
  const specs = Object.entries<FlagSpec>(globalFlags)
  let i = 0
  for (; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (!arg.startsWith('-')) break
    const found = specs.find(([name, { short }]) => arg === `--${name}` || arg === `-${short}`)
    if (found && found[1].type !== 'bool') i++
  }
  return { name: args[i] ?? 'help', rest: [...args.slice(0, i), ...args.slice(i + 1)] }
}
