import { type Logger, pino } from 'pino'

/** A constant sentence plus fields: `log.warn({ err, retryInMs }, 'reconcile failed')`. */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** JSON lines on standard error, so that standard output stays the command's own. */
export function createLog(level: LogLevel, destination: NodeJS.WritableStream = process.stderr): Log {
  return pino({ level, base: null, formatters: { level: label => ({ level: label }) } }, destination as never)
}

/** For tests and libraries that were given nothing to log to. */
export const silentLog: Log = pino({ level: 'silent' })
