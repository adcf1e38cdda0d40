import type { Shape } from '../../api/shape.ts'

/**
 * Whether JSON text sets no field twice: it has as many keys as the value that came of it (`countKeys`). Costs a few microseconds; says
 * no now and then without need (text within text, blanks before colons), never yes without reason.
 */
export function looksUnique(text: string, keysOfValue: number): boolean {
  let keys = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    const before = text.charCodeAt(at - 1)
    if (before === quote) keys++
    else if (before <= blank) return false // this may be a key as well
  }
  return keys === keysOfValue
}

const quote = 0x22
/** No control character can be anywhere else in JSON. */
const blank = 0x20

/** How many keys the maps in a value have; not a number: it is nested deeper than `levels`. */
export function countKeys(value: unknown, levels: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (levels === 0) return Number.NaN
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item, levels - 1)
    return count
  }
  for (const key in value) {
    count++
    const child = (value as Record<string, unknown>)[key]
    if (typeof child === 'object') count += countKeys(child, levels - 1)
  }
  return count
}

/** As many as upstream tells (sigs.k8s.io/json, maxStrictErrors). */
const mostTold = 100

/**
 * The fields that JSON text sets more than once, by their paths, in order, each told once. `text` has been parsed before. With a
 * shape only what the kind knows counts: what is unknown is told as such, and free JSON is not looked into.
 */
export function duplicateFields(text: string, shape: Shape | undefined): string[] {
  const found = new Set<string>()
  let at = 0

  function next(): string {
    blanks.lastIndex = at
    blanks.test(text)
    at = blanks.lastIndex
    return text[at] ?? ''
  }

  function token(pattern: RegExp): string {
    pattern.lastIndex = at
    const start = at
    if (!pattern.test(text)) throw new SyntaxError('the text is no JSON')
    at = pattern.lastIndex
    return text.slice(start, at)
  }

  function value(known: Shape | 'skip' | undefined, path: string): void {
    const first = next()
    if (first === '{') object(known, path)
    else if (first === '[') list(known, path)
    else token(first === '"' ? quoted : bare)
  }

  function object(known: Shape | 'skip' | undefined, path: string): void {
    const seen = new Set<string>()
    at++
    while (next() !== '}') {
      if (text[at] === ',') {
        at++
        next()
      }
      const key = JSON.parse(token(quoted)) as string
      const field = below(known, key)
      const fieldPath = path === '' ? key : `${path}.${key}`
      if (seen.has(key) && field !== 'skip' && found.size < mostTold) found.add(fieldPath)
      seen.add(key)
      next()
      at++ // the colon
      value(field, fieldPath)
    }
    at++
  }

  function list(known: Shape | 'skip' | undefined, path: string): void {
    const item = known === undefined || known === 'skip' ? known : (known.item ?? 'skip')
    at++
    for (let index = 0; next() !== ']'; index++) {
      if (text[at] === ',') at++
      value(item, `${path}[${index}]`)
    }
    at++
  }

  value(shape, '')
  return [...found]
}

const blanks = /[ \t\r\n]*/y
const quoted = /"(?:[^"\\]|\\.)*"/y
const bare = /[^\s,\]}]+/y

/** What is known of a field of a value of which `known` is known; `undefined`: anything may be there. */
function below(known: Shape | 'skip' | undefined, key: string): Shape | 'skip' | undefined {
  if (known === undefined || known === 'skip') return known
  if (known.type === 'object') return leaf(known.fields.get(key))
  return known.type === 'map' ? leaf(known.item) : 'skip'
}

/** A free value is a field like any other; what is inside of it is nobody's business. */
const leaf = (shape: Shape | undefined): Shape | 'skip' => shape ?? 'skip'
