import { ApiError, type StatusCause } from '../api/errors.ts'
import { UsageError } from './flags.ts'

export interface ComplaintOptions {
  /** The verb whose help page is worth a look after a mistake on the command line. */
  readonly verb?: string
  /** What was tried, and with which file: `error when creating "web.yaml"`. */
  readonly doing?: string
  /** `web.yaml:8:12`, where a field stands in the file that the object came from. */
  readonly placeOf?: (field: string) => string | undefined
}

/** What went wrong, in kubectl's words: one line, or a first one and then one for each thing that is wrong with an object. */
export function complaint(error: unknown, options: ComplaintOptions = {}): string {
  if (error instanceof UsageError) {
    return options.verb ? `error: ${error.message}\nSee 'wherry ${options.verb} --help' for usage.` : `error: ${error.message}`
  }
  if (!(error instanceof ApiError)) return `error: ${error instanceof Error ? error.message : String(error)}`
  const { reason, message = '', details } = error.status
  // Only an error of the connection has a cause; the server's come as a Status.
  if (reason === 'ServiceUnavailable' && error.cause !== undefined) return unreachable(message)
  if (reason === 'Unauthorized') return `error: You must be logged in to the server (${message})`
  if (reason === 'Invalid' && details) return invalid(error, options)
  const prefix = options.doing ? `${options.doing}: ` : ''
  return `Error from server${reason ? ` (${reason})` : ''}: ${prefix}${message}`
}

function unreachable(message: string): string {
  const refused = /^The connection to the server (\S+) was refused/.exec(message)
  if (!refused || !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/.test(refused[1] ?? '')) return message
  return `${refused[0]} - is the cluster running? Start it with: wherry up`
}

/** `The Pod "web" is invalid: ...`: every cause, each with the place of its field. */
function invalid({ status }: ApiError, { placeOf = () => undefined }: ComplaintOptions): string {
  const { kind = '', name = '', causes = [] } = status.details ?? {}
  const subject = kind || name ? `The ${kind} ${JSON.stringify(name)} is invalid` : 'The request is invalid'
  if (causes.length === 0) return `${subject}: ${status.message ?? ''}`
  const texts = [...new Set(causes.map(cause => textOf(cause, placeOf)))]
  return texts.length === 1 ? `${subject}: ${texts[0]}` : `${subject}: ${texts.map(text => `\n* ${text}`).join('')}`
}

function textOf({ field = '', message = '' }: StatusCause, placeOf: (field: string) => string | undefined): string {
  const place = field && placeOf(field)
  return `${field ? `${field}: ` : ''}${message}${place ? ` (${place})` : ''}`
}
