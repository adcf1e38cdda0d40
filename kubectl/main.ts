import { ApiError } from '../api/errors.ts'
import { type Command, globalFlags } from './command.ts'
import { commands } from './commands.ts'
import { describeFlags, parseArguments, UsageError } from './flags.ts'
import type { Io } from './io.ts'
import { openSession, type Session } from './session.ts'

/** The verb that a command line asks for; undefined when there is none by that name. */
export function findCommand(name: string): Command | undefined {
  return commands.find(command => command.name === name || command.aliases?.includes(name))
}

/** Runs one command line, without the program's name. Answers the exit code; never throws. */
export async function main(args: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  const [name = 'help', ...rest] = args
  const command = findCommand(name)
  if (!command) {
    io.err(`error: unknown command "${name}" for "wherry"\nRun 'wherry help' for the list.\n`)
    return 1
  }
  let session: Promise<Session> | undefined
  try {
    const specs = { ...globalFlags, ...command.flags }
    const parsed = parseArguments(rest, specs)
    if (parsed.flags.help) {
      io.out(helpOf(command))
      return 0
    }
    const { namespace, kubeconfig, context, server } = parsed.flags
    const open = () => (session ??= openSession({ namespace, kubeconfig, context, server }, io))
    return await command.run({ ...parsed, io, session: open, signal })
  } catch (error) {
    if (signal.aborted) return 130
    io.err(`${complaint(error, command)}\n`)
    return 1
  } finally {
    await session?.then(
      open => open.close(),
      () => undefined,
    )
  }
}

/** What went wrong, in one line, as kubectl would say it. */
function complaint(error: unknown, command: Command): string {
  if (error instanceof UsageError) return `error: ${error.message}\nSee 'wherry ${command.name} --help' for usage.`
  if (!(error instanceof ApiError)) return `error: ${error instanceof Error ? error.message : String(error)}`
  const { reason = 'InternalError', code } = error.status
  if (code === 0 || reason === 'ServiceUnavailable') return error.message
  if (reason === 'Invalid') return error.message.startsWith('The ') ? error.message : `The ${error.message}`
  return `Error from server (${reason}): ${error.message}`
}

/** A command's help page. */
export function helpOf(command: Command): string {
  const examples = command.examples?.length ? `\nExamples:\n${command.examples.map(line => `  ${line}\n`).join('')}` : ''
  const own = Object.keys(command.flags).length > 0 ? `\nFlags:\n${describeFlags(command.flags)}` : ''
  return `${command.summary}\n\nUsage:\n  wherry ${command.usage}\n${examples}${own}\nGlobal flags:\n${describeFlags(globalFlags)}`
}
