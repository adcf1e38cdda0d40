/** A value as Go prints it with %v, which is how some of upstream's messages show it. */
export function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  if (value === null) return '<nil>'
  const fields = value as Record<string, unknown>
  const names = Object.keys(fields).sort()
  return `map[${names.map(name => `${name}:${goText(fields[name])}`).join(' ')}]`
}
