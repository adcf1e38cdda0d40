import { isIP } from 'node:net'
import { parseArgs } from 'node:util'

/** A mistake of the user's: told in one line, without a stack. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** What a set of flags says that take a text each, as written. */
export type Texts<Name extends string> = { readonly [name in Name]?: string | undefined }

type FlagTable = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>

/** What flags of a table may say. */
export type Values<Table extends FlagTable> = {
  readonly [flag in keyof Table]?: (Table[flag]['type'] extends 'boolean' ? boolean : string) | undefined
}

/** The table of flags that take a text each. */
export function textFlags<Name extends string>(names: readonly Name[]) {
  return Object.fromEntries(names.map(name => [name, { type: 'string' }])) as {
    readonly [name in Name]: { readonly type: 'string' }
  }
}

/** Those of the flags that were given; undefined: none was. */
export function given<Name extends string>(names: readonly Name[], values: Texts<Name>): Texts<Name> | undefined {
  const found = names.filter(name => values[name] !== undefined)
  return found.length === 0 ? undefined : (Object.fromEntries(found.map(name => [name, values[name]])) as Texts<Name>)
}

/** A whole number from `least` (default 0) to `most` (default: any). Throws a UsageError. */
export function wholeNumber(flag: string, text: string, { least = 0, most = Infinity } = {}): number {
  const number = Number(text)
  if (/^-?\d+$/.test(text) && number >= least && number <= most) return number
  const range = most === Infinity ? `, ${least} or more` : ` from ${least} to ${most}`
  throw new UsageError(`--${flag} must be a whole number${range}, not "${text}"`)
}

/** Throws a UsageError. */
export function truth(flag: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new UsageError(`--${flag} must be true or false, not "${text}"`)
  return text === 'true'
}

/** Throws a UsageError. */
export function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  const name = names.find(candidate => candidate === text)
  if (name === undefined) throw new UsageError(`--${flag} must be one of ${names.join(', ')}, not "${text}"`)
  return name
}

/** An IP address. Throws a UsageError. */
export function address(flag: string, text: string): string {
  if (!isIP(text)) throw new UsageError(`--${flag} must be an IP address, not "${text}"`)
  return text
}

/** A duration such as `90s`, `5m` or `1h30m`, in milliseconds. Throws a UsageError. */
export function parseDuration(flag: string, text: string): number {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text))
    throw new UsageError(`--${flag} must be a duration such as 30s or 5m, not "${text}"`)
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g))
    total += Number(amount) * units[unit as keyof typeof units]
  return total
}

/** parseArgs with its errors told as ours. */
export function parseFlags<const Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error))
  }
}
