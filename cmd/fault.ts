const verbsWithHelp = ['server', 'agent', 'controller-manager', 'scheduler']

/** What went wrong with a verb, in one line for the user: mistakes and known troubles without a stack. */
export function fault(error: unknown, verb = 'up'): string {
  // By its name: each verb is a bundle of its own, with a class of its own.
  if (error instanceof Error && error.name === 'UsageError')
    return `error: ${error.message}\nRun 'wherry ${verbsWithHelp.includes(verb) ? verb : 'up'} --help' for the flags.`
  if (!(error instanceof Error)) return `error: ${String(error)}`
  const root = rootOf(error)
  if (isErrno(root, 'EADDRINUSE')) return `error: port ${String(root.port)} is in use; choose another with --port, or --port 0`
  if (isErrno(root, 'EACCES', 'EPERM')) return `error: no permission: ${root.message}`
  if (isErrno(root, 'ENOSPC')) return `error: the disk is full: ${root.message}`
  return `error: ${error.message}`
}

function rootOf(error: Error): Error {
  return error.cause instanceof Error ? rootOf(error.cause) : error
}

function isErrno(error: Error, ...codes: string[]): error is NodeJS.ErrnoException & { port?: number } {
  return 'code' in error && codes.includes(String(error.code))
}
