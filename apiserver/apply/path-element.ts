/**
 * One step of a path in a field set, as it is written there: `f:spec` a field, `k:{"name":"web"}` an item of a keyed list,
 * `v:"tcp"` a value of a set, `i:0` a place in a list. Keys and values are JSON with sorted properties, so that equal steps are
 * equal text (sigs.k8s.io/structured-merge-diff, fieldpath/serialize-pe.go).
 */
export type PathElement = string

/** The field set's own mark for "this node itself". */
export const self = '.'

/** The step into a field. */
export const fieldElement = (name: string): PathElement => `f:${name}`
/** The step to an item of a set. */
export const valueElement = (value: unknown): PathElement => `v:${JSON.stringify(value)}`

/** `keys` in any order. */
export function keyElement(keys: readonly (readonly [string, unknown])[]): PathElement {
  const sorted = keys.length < 2 ? keys : [...keys].sort(([a], [b]) => (a < b ? -1 : 1))
  return `k:{${sorted.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
}

/** The field that a step names; undefined if it is another kind of step. */
export const fieldOf = (element: PathElement): string | undefined => (element.startsWith('f:') ? element.slice(2) : undefined)

/** A step in its one spelling; undefined if it is of no kind that is known; throws what is wrong with it. */
export function canonicalElement(text: string): PathElement | undefined {
  if (text.length < 2) throw new Error('key must be 2 characters long:')
  if (text[1] !== ':') throw new Error(`missing colon: ${text}`)
  const content = text.slice(2)
  switch (text[0]) {
    case 'f':
      return text
    case 'v':
      return valueElement(JSON.parse(content))
    case 'k':
      return keyElement(Object.entries(JSON.parse(content) as object))
    case 'i': {
      const index = Number(content)
      if (!Number.isInteger(index)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(content)}: invalid syntax`)
      return `i:${index}`
    }
    case undefined:
    default:
      return undefined
  }
}

const kinds = 'fkvi'
/** By code units: upstream's bytes differ from that only beyond the basic plane. */
const compareText = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1)

/** The order in which a field set lists its steps: fields, keys, values, places; numbers by their size. */
export function compareElements(a: PathElement, b: PathElement): number {
  if (a === b) return 0
  const kind = a[0] ?? ''
  if (kind !== b[0]) return kinds.indexOf(kind) - kinds.indexOf(b[0] ?? '')
  if (kind === 'f') return a < b ? -1 : 1
  if (kind === 'i') return Number(a.slice(2)) - Number(b.slice(2))
  const left: unknown = JSON.parse(a.slice(2))
  const right: unknown = JSON.parse(b.slice(2))
  return kind === 'v' ? compareValues(left, right) : compareKeys(left as object, right as object)
}

function compareKeys(a: object, b: object): number {
  const left = Object.entries(a)
  const right = Object.entries(b)
  for (const [at, [name, value]] of left.entries()) {
    const other = right[at]
    if (!other) return 1
    const difference = compareText(name, other[0]) || compareValues(value, other[1])
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

const ranks = ['number', 'string', 'boolean', 'object']

function compareValues(a: unknown, b: unknown): number {
  const type = typeof a
  if (type !== typeof b) return ranks.indexOf(type) - ranks.indexOf(typeof b)
  if (type === 'string') return compareText(a as string, b as string)
  return type === 'object' ? 0 : Number(a) - Number(b)
}

/** A path as people read it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join('')
}

/** A step as people read it. */
export function elementText(element: PathElement): string {
  const content = element.slice(2)
  switch (element[0]) {
    case 'f':
      return `.${content}`
    case 'v':
      return `[=${content}]`
    case 'k':
      return `[${Object.entries(JSON.parse(content) as object)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`
    case undefined:
    default:
      return `[${content}]`
  }
}
