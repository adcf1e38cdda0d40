/**
 * What strict decoding finds in a body, in the order in which it stands there: fields that nobody knows (as decoding words them), and
 * fields that are set more than once (sigs.k8s.io/json). What YAML's own parser has found comes first.
 */
export function strictErrors(body: unknown, unknown: readonly string[], duplicates: readonly string[]): string[] {
  const lines = duplicates.filter(isFromYaml)
  const texts = new Map(unknown.map(text => [pathIn(text), text]))
  const repeated = duplicates.filter(path => !isFromYaml(path))
  if (repeated.length === 0) return [...lines, ...unknown]
  const found: string[] = []
  const open = new Set(repeated)
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return
    const isList = Array.isArray(value)
    for (const [key, child] of Object.entries(value)) {
      const childPath = isList ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
      const text = texts.get(childPath)
      if (text !== undefined) {
        found.push(text)
        continue // in what is unknown nothing else can be wrong
      }
      if (open.has(childPath)) found.push(duplicateField(childPath))
      visit(child, childPath)
    }
  }
  visit(body, '')
  return [...lines, ...found]
}

/** Whether a duplicate was found when YAML was read, and so is told before all others. */
export const isFromYaml = (duplicate: string) => duplicate.startsWith('yaml: ')
/** What is said of a field that stands there twice. */
export const duplicateField = (path: string) => `duplicate field ${JSON.stringify(path)}`

/** The path in `unknown field "spec.x"`. */
function pathIn(text: string): string {
  const quoted = text.slice(text.indexOf('"'))
  return JSON.parse(quoted) as string
}
