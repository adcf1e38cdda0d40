import { UsageError } from './flags.ts'

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of a span as Go writes it: `90s`, `1h30m`, `1.5s`, `-1s`, `0`. Throws a UsageError that names the flag. */
export function parseDuration(flag: string, text: string): number {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/.exec(text) ?? []
  const factor = sign === '-' ? -1 : 1
  if (rest === '0') return 0
  const parts = [...rest.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  if (rest === '' || parts.map(([all]) => all).join('') !== rest) {
    const why = /^\d+(\.\d*)?$/.test(rest) ? `missing unit in duration "${text}"` : `invalid duration "${text}"`
    throw new UsageError(`invalid argument "${text}" for "--${flag}" flag: time: ${why}`)
  }
  return factor * parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0), 0)
}
