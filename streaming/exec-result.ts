import type { Status } from '../api/errors.ts'

/** How a command has ended. `message` says what went wrong if it never ran. */
export interface ExecResult {
  readonly exitCode: number
  readonly message?: string
}

/** What the Status on the error channel says about a command's end. */
export function resultOf(text: string): ExecResult {
  let status: Partial<Status>
  try {
    status = JSON.parse(text) as Partial<Status>
  } catch {
    return { exitCode: -1, message: text }
  }
  if (status.status === 'Success') return { exitCode: 0 }
  const exit = status.details?.causes?.find(cause => cause.reason === 'ExitCode')
  if (exit) return { exitCode: Number(exit.message) }
  return { exitCode: -1, message: status.message ?? 'the command failed' }
}
