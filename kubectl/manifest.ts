import { type Document, isMap, isScalar, LineCounter, type Pair, parseAllDocuments } from 'yaml'

/** One object out of a file, and where it and each of its fields stand in it. */
export interface ManifestObject {
  readonly value: Record<string, unknown>
  /** The file's name, or `STDIN`. */
  readonly source: string
  /** Where a field such as `spec.containers[0].image` stands; the nearest parent that is there when the field is not. */
  at(path: string): { line: number; column: number }
}

/** A file that is no YAML, or holds something other than objects: `web.yaml:8:12: what is wrong`. */
export class ManifestError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ManifestError'
  }
}

/**
 * The YAML that Kubernetes reads (sigs.k8s.io/yaml): YAML 1.1 without timestamps and base-60 numbers, with `0o17`.
 */
const dialect = {
  version: '1.1',
  merge: true,
  prettyErrors: false,
  customTags: (tags: unknown[]) => [
    ...tags
      .filter(tag => !['timestamp', 'binary', 'intTime', 'floatTime'].includes(tagName(tag)) && !/TIME/.test(tagFormat(tag)))
      .map(withDigits),
    octal,
  ],
} as const

const tagName = (tag: unknown) =>
  typeof tag === 'string' ? tag : String((tag as { tag?: string }).tag ?? '').replace('tag:yaml.org,2002:', '')
const tagFormat = (tag: unknown) =>
  typeof tag === 'object' && tag !== null ? String((tag as { format?: string }).format ?? '') : ''
/** The parser's own tests take `e1` and `.` for numbers, and make NaN of them. */
function withDigits(tag: unknown): unknown {
  if (tagName(tag) !== 'float' || typeof tag !== 'object' || /inf/i.test(String((tag as { test?: RegExp }).test))) return tag
  const number = '[-+]?(?:[0-9][0-9_]*(?:\\.[0-9_]*)?|\\.[0-9][0-9_]*)'
  return { ...tag, test: new RegExp(tagFormat(tag) === 'EXP' ? `^${number}[eE][-+]?[0-9]+$` : `^(?=[^.]*\\.)${number}$`) }
}

const octal = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  format: 'OCT',
  test: /^0o[0-7]+$/,
  resolve: (text: string) => Number(text),
}

/** Every object of a text: documents, JSON, and the items of a List. Throws a ManifestError that names file, line and column. */
export function readManifest(text: string, source: string): ManifestObject[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { ...dialect, lineCounter: lines } as never)
  if (!Array.isArray(documents)) return []
  return documents.flatMap(document => objectsOf(document, lines, source))
}

/** The value of a text that holds just one, whatever it is. Throws a ManifestError that names source, line and column. */
export function parseValue(text: string, source: string): unknown {
  const lines = new LineCounter()
  const [document, ...others] = parseAllDocuments(text, { ...dialect, lineCounter: lines } as never) as Document.Parsed[]
  if (!document) return null
  refuseFaults(document, lines, source)
  if (others.length > 0) throw new ManifestError(`${source}: there must be one document, not ${others.length + 1}`)
  return document.toJS({ maxAliasCount: 100 })
}

function refuseFaults(document: Document.Parsed, lines: LineCounter, source: string): void {
  const [fault] = document.errors
  if (!fault) return
  const { line, col } = lines.linePos(fault.pos[0])
  throw new ManifestError(`${source}:${line}:${col}: ${fault.message.split('\n')[0]}`)
}

function objectsOf(document: Document.Parsed, lines: LineCounter, source: string): ManifestObject[] {
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  refuseFaults(document, lines, source)
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  if (value === null || value === undefined) return []
  const start = place(document.contents?.range?.[0] ?? 0)
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new ManifestError(
      `${source}:${start.line}:${start.column}: this is ${Array.isArray(value) ? 'a list' : `"${String(value)}"`}, not an object`,
    )
  }
  const at = (path: string) => positionOf(document, path, place) ?? start
  const object = value as Record<string, unknown>
  if (String(object.kind).endsWith('List') && Array.isArray(object.items)) {
    return object.items.map((item: Record<string, unknown>, i) => ({
      value: item,
      source,
      at: path => at(`items[${i}]${path ? `.${path}` : ''}`),
    }))
  }
  return [{ value: object, source, at }]
}

/** `spec.containers[0].image` or `metadata.labels[a.b/c]` as steps. */
export function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)].map(([, name, inside]) =>
    name !== undefined ? name : /^\d+$/.test(inside ?? '') ? Number(inside) : (inside ?? ''),
  )
}

/** The value of a field by its path; undefined when it is not there. */
export function fieldAt(value: unknown, path: string): unknown {
  let at = value
  for (const step of stepsOf(path)) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}

/** Every field of a value, those above before those below, with paths as `at` takes them. */
export function fieldsOf(value: unknown, path = ''): { path: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return []
  const stepTo = (key: string) => {
    if (Array.isArray(value)) return `${path}[${key}]`
    return /[.[\]]/.test(key) ? `${path}[${key}]` : path ? `${path}.${key}` : key
  }
  return Object.entries(value).flatMap(([key, child]) => [{ path: stepTo(key), value: child }, ...fieldsOf(child, stepTo(key))])
}

function positionOf(document: Document.Parsed, path: string, place: (offset: number) => { line: number; column: number }) {
  const steps = stepsOf(path)
  for (let length = steps.length; length > 0; length--) {
    const wanted = steps.slice(0, length)
    const parent = length === 1 ? document.contents : document.getIn(wanted.slice(0, -1), true)
    if (isMap(parent)) {
      const pair = parent.items.find((item: Pair) => isScalar(item.key) && item.key.value === wanted.at(-1))
      const range = pair && isScalar(pair.key) ? pair.key.range : undefined
      if (range) return place(range[0])
    }
    const node = document.getIn(wanted, true) as { range?: [number, number, number] } | undefined
    if (node?.range) return place(node.range[0])
  }
  return undefined
}
