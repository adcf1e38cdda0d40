/** What is to be set and what removed: the words `color=blue size-` of label, annotate and set env. */
export interface Changes {
  readonly set: ReadonlyMap<string, string>
  readonly remove: readonly string[]
}

/** Splits a line's words into those that name objects and the changes that follow them. `what` is `label` or `annotation`. */
export function splitChanges(words: readonly string[], what: string): { names: string[]; changes: Changes } {
  const isChange = (word: string) => word.includes('=') || (word.endsWith('-') && word !== '-')
  const first = words.findIndex(isChange)
  const names = first < 0 ? [...words] : words.slice(0, first)
  const rest = first < 0 ? [] : words.slice(first)
  const stray = rest.find(word => !isChange(word))
  if (stray !== undefined) throw new Error(`all resources must be specified before ${what} changes: ${stray}`)
  return { names, changes: changesOf(rest, what) }
}

/** Reads the changes themselves. Throws at a key that is both set and removed. */
export function changesOf(words: readonly string[], what: string): Changes {
  const set = new Map<string, string>()
  const remove: string[] = []
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals === 0) throw new Error(`invalid ${what} spec: ${word}`)
    if (equals > 0) set.set(word.slice(0, equals), word.slice(equals + 1))
    else remove.push(word.slice(0, -1))
  }
  const both = remove.filter(key => set.has(key))
  if (both.length > 0) throw new Error(`can not both modify and remove ${a(what)} in the same command`)
  return { set, remove }
}

const a = (word: string) => (/^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`)

/** The entries after the changes. */
export function changed(entries: Readonly<Record<string, string>>, { set, remove }: Changes): Record<string, string> {
  const kept = Object.entries(entries).filter(([key]) => !remove.includes(key))
  return { ...Object.fromEntries(kept), ...Object.fromEntries(set) }
}

/** The changes as a merge patch. */
export function mergePatchOf({ set, remove }: Changes): Record<string, string | null> {
  return { ...Object.fromEntries(set), ...Object.fromEntries(remove.map(key => [key, null])) }
}
