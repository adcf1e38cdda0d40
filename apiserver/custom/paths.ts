/** The value at a simple path such as `.spec.size`; undefined if there is none. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object
  for (const name of steps(path)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/** Sets the value at a simple path, and makes the objects on the way that are missing. */
export function setValueAt(object: object, path: string, value: unknown): void {
  const names = steps(path)
  const last = names.pop() ?? ''
  let at = object as Record<string, unknown>
  for (const name of names) {
    if (!Object.hasOwn(at, name) || typeof at[name] !== 'object' || at[name] === null) setOwn(at, name, {})
    at = at[name] as Record<string, unknown>
  }
  setOwn(at, last, value)
}

/** A path may name `__proto__`, which is a name like any other. */
function setOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
}

const steps = (path: string): string[] => path.replace(/^\./, '').split('.')
