/** Where an object carries what it was last applied from, so that the next application knows what was dropped since. */
export const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

type Json = Record<string, unknown>

/** The object with the annotation that says what it was applied from: itself, without the annotation. */
export function withLastApplied(object: Json): Json {
  const bare = withoutLastApplied(object)
  const { annotations } = bare.metadata
  return { ...bare, metadata: { ...bare.metadata, annotations: { ...annotations, [lastApplied]: lastAppliedText(bare) } } }
}

/** The object without that annotation, but always with annotations: so others compare it. */
export function withoutLastApplied(object: Json): Json & { metadata: Json & { annotations: Json } } {
  const metadata = (object.metadata ?? {}) as Json
  const { [lastApplied]: _, ...annotations } = (metadata.annotations ?? {}) as Json
  return { ...object, metadata: { ...metadata, annotations } }
}

/** What an object was last applied from; undefined when it never was, or when that cannot be read. */
export function lastAppliedOf(object: unknown): Json | undefined {
  const text = (object as { metadata?: { annotations?: Record<string, string> } }).metadata?.annotations?.[lastApplied]
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** JSON as Go's encoder writes it (encoding/json): sorted keys, `<`, `>` and `&` escaped, a newline at the end. Others compare these texts. */
export function lastAppliedText(object: unknown): string {
  const escaped = JSON.stringify(sorted(object)).replace(
    /[<>&\u2028\u2029]/g,
    letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${escaped}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]))
}
