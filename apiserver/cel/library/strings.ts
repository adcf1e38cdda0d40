import { addFunctions, addNamespace, CelError, type Library } from './library.ts'

const outOfRange = (index: bigint) => new CelError(`index out of range: ${index}`)

function charAt(text: string, index: bigint): string {
  const points = [...text]
  if (index < 0n || index > points.length) throw outOfRange(index)
  return points[Number(index)] ?? ''
}

/** Replaces up to so many occurrences; a negative number: all. */
function replace(text: string, from: string, to: string, limit = -1n): string {
  if (limit < 0n) return text.replaceAll(from, () => to)
  let result = text
  let at = 0
  for (let done = 0n; done < limit; done++) {
    const found = result.indexOf(from, at)
    if (found < 0) break
    result = result.slice(0, found) + to + result.slice(found + from.length)
    at = found + to.length + (from === '' ? 1 : 0)
    if (at > result.length) break
  }
  return result
}

const clause = /%(?:\.(\d+))?([a-zA-Z%])/g

/** `'%s is %d'.format([a, b])`. */
function format(text: string, args: readonly unknown[]): string {
  let next = 0
  return text.replace(clause, (_whole, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%'
    if (next >= args.length) throw new CelError(`index ${next} out of range`)
    return formatOne(verb, args[next++], precision === undefined ? undefined : Number(precision))
  })
}

function formatOne(verb: string, value: unknown, precision: number | undefined): string {
  const number = typeof value === 'bigint' || typeof value === 'number'
  switch (verb) {
    case 's':
      return show(value)
    case 'd':
      if (number) return String(value)
      break
    case 'f':
      if (number) return Number(value).toFixed(precision ?? 6)
      break
    case 'e':
      if (number)
        return Number(value)
          .toExponential(precision ?? 6)
          .replace(/e([+-])(\d)$/, 'e$10$2')
      break
    case 'b':
      if (typeof value === 'bigint' || typeof value === 'boolean') return BigInt(value).toString(2)
      break
    case 'o':
      if (typeof value === 'bigint') return value.toString(8)
      break
    case 'x':
    case 'X': {
      const text =
        typeof value === 'bigint'
          ? value.toString(16)
          : typeof value === 'string'
            ? Buffer.from(value).toString('hex')
            : undefined
      if (text !== undefined) return verb === 'x' ? text : text.toUpperCase()
      break
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`)
  }
  throw new CelError(`error during formatting: ${verb} clause cannot be used on this type`)
}

/** What `%s` says: lists and maps as CEL writes them, keys sorted. */
function show(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (value instanceof Date) return value.toISOString().replace(/\.?0*Z$/, 'Z')
  if (typeof value === 'object' && value.constructor === Object) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([name, field]) => `${name}: ${show(field)}`).join(', ')}}`
  }
  return String(value)
}

const quoted: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
const quote = (text: string) => `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, char => quoted[char] ?? char)}"`

/** The strings extension (cel-go ext.Strings, version 2) as far as the library lacks it or does otherwise. */
export const strings: Library = env => {
  const namespace = addNamespace(env, 'strings')
  addFunctions(env, {
    'string.charAt(int): string': charAt,
    'string.replace(string, string): string': replace,
    'string.replace(string, string, int): string': replace,
    'string.reverse(): string': (text: string) => [...text].reverse().join(''),
    'string.asciiLower(): string': (text: string) => text.replace(/[A-Z]/g, char => char.toLowerCase()),
    'string.asciiUpper(): string': (text: string) => text.replace(/[a-z]/g, char => char.toUpperCase()),
    'string.format(list<dyn>): string': format,
    [`${namespace}.quote(string): string`]: (_: unknown, text: string) => quote(text),
  })
}
