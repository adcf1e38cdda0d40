/**
 * Flags as kubectl takes them (github.com/spf13/pflag): `--name=value`, `--name value`, `-n value`, `-nvalue`, `-n=value`, `-it`, `--watch=false`,
 * `--` ends the flags. Flags and words may be mixed.
 */
export interface FlagSpec {
  readonly type: 'bool' | 'string' | 'int' | 'list'
  readonly short?: string
  readonly help: string
  /** What the flag alone means when it may stand without a value (`--cascade`, `--dry-run`). */
  readonly bare?: string
  readonly placeholder?: string
  readonly hidden?: boolean
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>

type ValueOf<Spec extends FlagSpec> = Spec['type'] extends 'bool'
  ? boolean
  : Spec['type'] extends 'int'
    ? number
    : Spec['type'] extends 'list'
      ? string[]
      : string

export type FlagValues<Specs extends FlagSpecs> = { -readonly [Name in keyof Specs]?: ValueOf<Specs[Name]> }

export interface ParsedArgs<Specs extends FlagSpecs> {
  readonly flags: FlagValues<Specs>
  /** The words that are no flags. */
  readonly words: string[]
  /** What came after `--`; undefined when there was none. */
  readonly afterDash?: string[]
}

/** A mistake on the command line: told in one line, exit code 1. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

const truths: Readonly<Record<string, boolean>> = { true: true, t: true, '1': true, false: false, f: false, '0': false }

function convert(name: string, spec: FlagSpec, text: string): string | number | boolean {
  const refuse = (why: string) => new UsageError(`invalid argument "${text}" for "--${name}" flag: ${why}`)
  switch (spec.type) {
    case 'bool': {
      const value = truths[text.toLowerCase()]
      if (value === undefined) throw refuse('it is either true or false')
      return value
    }
    case 'int':
      if (!/^[+-]?\d+$/.test(text)) throw refuse('it must be a whole number')
      return Number(text)
    case 'string':
    case 'list':
      return text
  }
}

/** Sorts a command line into flags and words. Throws a UsageError that names the flag. */
export function parseArguments<const Specs extends FlagSpecs>(args: readonly string[], specs: Specs): ParsedArgs<Specs> {
  const flags: Record<string, string | number | boolean | string[]> = {}
  const words: string[] = []
  const byShort = new Map(Object.entries(specs).flatMap(([name, spec]) => (spec.short ? [[spec.short, name] as const] : [])))
  const set = (name: string, text: string) => {
    const spec = specs[name]
    if (!spec) throw new UsageError(`unknown flag: --${name}`)
    const value = convert(name, spec, text)
    if (spec.type === 'list') flags[name] = [...((flags[name] as string[] | undefined) ?? []), String(value)]
    else flags[name] = value
  }
  const bareValue = (spec: FlagSpec) => spec.bare ?? (spec.type === 'bool' ? 'true' : undefined)

  let i = 0
  const valueAfter = (shown: string, inArgument: string | undefined): string => {
    const text = inArgument ?? args[++i]
    if (text === undefined) throw new UsageError(`flag needs an argument: ${shown}`)
    return text
  }
  for (; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') return { flags: flags as FlagValues<Specs>, words, afterDash: args.slice(i + 1) }
    if (arg.startsWith('--')) {
      const equals = arg.indexOf('=')
      const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals)
      const spec = specs[name]
      if (!spec) throw new UsageError(`unknown flag: --${name}`)
      const bare = equals < 0 ? bareValue(spec) : undefined
      set(name, bare ?? valueAfter(`--${name}`, equals < 0 ? undefined : arg.slice(equals + 1)))
    } else if (arg.startsWith('-') && arg.length > 1) parseShort(arg)
    else words.push(arg)
  }
  return { flags: flags as FlagValues<Specs>, words }

  function parseShort(arg: string): void {
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at] as string
      const name = byShort.get(letter)
      const spec = name === undefined ? undefined : specs[name]
      if (name === undefined || !spec) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`)
      const rest = arg.slice(at + 1)
      if (rest.startsWith('=')) return set(name, rest.slice(1))
      const bare = bareValue(spec)
      if (bare !== undefined) set(name, bare)
      else return set(name, valueAfter(`'${letter}' in ${arg}`, rest || undefined))
    }
  }
}

/** The flags as a help page lists them. */
export function describeFlags(specs: FlagSpecs): string {
  const rows = Object.entries(specs)
    .filter(([, spec]) => !spec.hidden)
    .map(([name, spec]) => {
      const value = spec.type === 'bool' ? '' : ` ${spec.placeholder ?? spec.type}`
      return [`  ${spec.short ? `-${spec.short}, ` : '    '}--${name}${value}`, spec.help] as const
    })
  const width = Math.max(...rows.map(([left]) => left.length)) + 3
  return rows.map(([left, help]) => `${left.padEnd(width)}${help}\n`).join('')
}
