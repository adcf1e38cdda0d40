import { addFunctions, CelError, type Library } from './library.ts'

class SemverValue {
  readonly numbers: readonly [bigint, bigint, bigint]
  readonly prerelease: readonly string[]
  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    this.numbers = numbers
    this.prerelease = prerelease
  }
}

const grammar =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

/** `v1.02` is taken for `1.2.0`. */
function normalized(text: string): string {
  const [, core = '', rest = ''] = /^v?([0-9.]*)(.*)$/s.exec(text) ?? []
  const numbers = core.split('.').map(part => part.replace(/^0+(?=\d)/, ''))
  while (numbers.length < 3 && core !== '') numbers.push('0')
  return numbers.join('.') + rest
}

function parse(text: string, normalize = false): SemverValue | undefined {
  const match = grammar.exec(normalize ? normalized(text) : text)
  if (!match) return undefined
  const [, major = '', minor = '', patch = '', prerelease] = match
  return new SemverValue([BigInt(major), BigInt(minor), BigInt(patch)], prerelease?.split('.') ?? [])
}

function demand(text: string, normalize = false): SemverValue {
  const version = parse(text, normalize)
  if (!version) throw new CelError(`semver parse error: Invalid character(s) found in ${JSON.stringify(text)}`)
  return version
}

function compareIdentifiers(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (left && right) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
  if (left !== right) return left ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** Precedence by semver.org 2.0.0. */
function compare(a: SemverValue, b: SemverValue): number {
  for (const at of [0, 1, 2] as const) if (a.numbers[at] !== b.numbers[at]) return a.numbers[at] < b.numbers[at] ? -1 : 1
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length
  for (let at = 0; at < Math.min(a.prerelease.length, b.prerelease.length); at++) {
    const order = compareIdentifiers(a.prerelease[at] ?? '', b.prerelease[at] ?? '')
    if (order !== 0) return order
  }
  return Math.sign(a.prerelease.length - b.prerelease.length)
}

/** `semver('1.2.3')`. */
export const semvers: Library = env => {
  const type = 'kubernetes.Semver'
  env.registerType(type, { ctor: SemverValue, fields: {} })
  env.registerOperator(`${type} == ${type}`, (a: SemverValue, b: SemverValue) => compare(a, b) === 0)
  addFunctions(env, {
    [`semver(string): ${type}`]: (text: string) => demand(text),
    [`semver(string, bool): ${type}`]: demand,
    'isSemver(string): bool': (text: string) => parse(text) !== undefined,
    'isSemver(string, bool): bool': (text: string, normalize: boolean) => parse(text, normalize) !== undefined,
    [`${type}.isLessThan(${type}): bool`]: (a: SemverValue, b: SemverValue) => compare(a, b) < 0,
    [`${type}.isGreaterThan(${type}): bool`]: (a: SemverValue, b: SemverValue) => compare(a, b) > 0,
    [`${type}.compareTo(${type}): int`]: (a: SemverValue, b: SemverValue) => BigInt(Math.sign(compare(a, b))),
    [`${type}.major(): int`]: ({ numbers }: SemverValue) => numbers[0],
    [`${type}.minor(): int`]: ({ numbers }: SemverValue) => numbers[1],
    [`${type}.patch(): int`]: ({ numbers }: SemverValue) => numbers[2],
  })
}
