import { setFlagsFromString } from 'node:v8'
import { posixClasses } from '../../../lib/go-reg-exp.ts'
import { addFunctions, CelError, type Library } from './library.ts'

/**
 * Patterns are RE2's: no look-around, no back-references, and time that is linear in the text. V8 has such an engine behind a flag;
 * what that cannot run (large counted repetitions) falls to the backtracking one, unless it could run away there.
 */
setFlagsFromString('--enable-experimental-regexp-engine')

const known = new Map<string, RegExp>()
const mostKnown = 500

/** A pattern ready to run; throws on what RE2 would refuse. The same one for the same text: reset `lastIndex` before use. */
function pattern(source: string): RegExp {
  let compiled = known.get(source)
  if (compiled) return compiled
  compiled = compile(source)
  if (known.size >= mostKnown) known.clear()
  known.set(source, compiled)
  return compiled
}

/** What follows looks at some patterns again from each of their characters. */
const longestPattern = 4096

function compile(source: string): RegExp {
  const illegal = (why: string) => new CelError(`Illegal regex: error parsing regexp: ${why}`)
  if (source.length > longestPattern) throw illegal('expression too large')
  const outsideClasses = source.replace(/\\[^0-9k]|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]/g, '')
  const lookAround = /\(\?(?:=|!|<=|<!)/.exec(outsideClasses)
  if (lookAround) throw illegal(`invalid or unsupported Perl syntax: \`${lookAround[0]}\``)
  const reference = /\\(?:[1-9]|k)/.exec(outsideClasses)
  if (reference) throw illegal(`invalid escape sequence: \`${reference[0]}\``)
  const { body, flags } = translate(source)
  try {
    return new RegExp(body, `${flags}gl`)
  } catch {
    // not for the linear engine, or no pattern at all
  }
  if (repeatsRepetitions(outsideClasses)) throw illegal('expression nests repetition operators too deeply')
  try {
    return new RegExp(body, `${flags}g`)
  } catch (error) {
    throw illegal(error instanceof Error ? error.message.replace(/^Invalid regular expression: \/.*\/\w*: /s, '') : String(error))
  }
}

/** What RE2 writes differently. */
function translate(source: string): { body: string; flags: string } {
  const leading = /^\(\?([ims]+)\)/.exec(source)
  const body = source
    .slice(leading?.[0].length ?? 0)
    .replace(/\[:(\w+):\]/g, (whole, name: string) => posixClasses[name] ?? whole)
    .replace(/\(\?P</g, '(?<')
    .replace(/(?<!\\)((?:\\\\)*)\\A/g, '$1^')
    .replace(/(?<!\\)((?:\\\\)*)\\z/g, '$1$')
  return { body, flags: leading?.[1] ?? '' }
}

/** Whether a repeated group holds another repetition: `(a+)+`, what backtracking engines run away on. */
const repeatsRepetitions = (source: string) => /\([^()]*[*+}][^()]*(?:\([^()]*\)[^()]*)*\)(?:[*+]|\{\d+,)/.test(source)

const matches = (text: string, source: string) => {
  const compiled = pattern(source)
  compiled.lastIndex = 0
  return compiled.test(text)
}

const find = (text: string, source: string) => {
  const compiled = pattern(source)
  compiled.lastIndex = 0
  return compiled.exec(text)?.[0] ?? ''
}

function findAll(text: string, source: string, limit = -1n): string[] {
  const found = text.match(pattern(source)) ?? []
  return limit < 0n ? found : found.slice(0, Number(limit))
}

/** Regular expressions. `matches` takes the place of the library's own, see `replaced` in compile.ts. */
export const regexes: Library = env =>
  addFunctions(env, {
    'string.re2matches(string): bool': matches,
    're2matches(string, string): bool': matches,
    'string.find(string): string': find,
    'string.findAll(string): list<string>': findAll,
    'string.findAll(string, int): list<string>': findAll,
  })
