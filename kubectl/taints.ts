/** A taint as a node carries it (v1 Taint). */
export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
  readonly timeAdded?: string
}

export interface TaintChanges {
  readonly set: readonly Taint[]
  /** Without an effect: all of this key. */
  readonly remove: readonly { readonly key: string; readonly effect?: string }[]
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** Splits words into the type and names of nodes, and the taints that follow them. */
export function splitTaints(words: readonly string[]): { names: string[]; specs: string[] } {
  const isSpec = (word: string) => /[=:]/.test(word) || (word.endsWith('-') && word !== '-')
  const first = words.findIndex(isSpec)
  return first < 0 ? { names: [...words], specs: [] } : { names: words.slice(0, first), specs: words.slice(first) }
}

/** Reads `key=value:Effect`, `key:Effect`, `key:Effect-`, `key-` (k8s.io/kubectl/pkg/cmd/taint/utils.go). */
export function parseTaints(specs: readonly string[]): TaintChanges {
  const set: Taint[] = []
  const remove: { key: string; effect?: string }[] = []
  for (const spec of specs) {
    if (spec.endsWith('-')) {
      const [key = '', effect, ...rest] = spec.slice(0, -1).split(':')
      if (rest.length > 0 || key === '') throw new Error(`invalid taint spec: ${spec}`)
      if (effect) checkEffect(effect)
      remove.push({ key: key.split('=')[0] ?? '', ...(effect && { effect }) })
      continue
    }
    const taint = parseTaint(spec)
    if (set.some(other => other.key === taint.key && other.effect === taint.effect)) {
      throw new Error(`duplicated taints with the same key and effect: ${taint.key}:${taint.effect}`)
    }
    set.push(taint)
  }
  const both = remove.find(({ key, effect }) => set.some(taint => taint.key === key && (!effect || taint.effect === effect)))
  if (both) throw new Error(`can not both modify and remove the following taint(s) in the same command: ${both.key}`)
  return { set, remove }
}

function parseTaint(spec: string): Taint {
  const [left = '', effect, ...rest] = spec.split(':')
  const [key = '', value, ...more] = left.split('=')
  if (key === '' || rest.length > 0 || more.length > 0) throw new Error(`invalid taint spec: ${spec}`)
  if (!effect) throw new Error(`invalid taint spec: ${spec}, it needs an effect: ${left}:NoSchedule`)
  checkEffect(effect)
  return { key, ...(value && { value }), effect }
}

function checkEffect(effect: string): void {
  if (!effects.includes(effect))
    throw new Error(`invalid taint effect: ${effect}, unsupported taint effect; it is one of ${effects.join(', ')}`)
}

const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect

/** A node's taints after the changes. Throws at one that is there already, unless it may be overwritten, and at one to remove that is not. */
export function applyTaints(
  node: string,
  current: readonly Taint[],
  { set, remove }: TaintChanges,
  mayOverwrite: boolean,
): { taints: Taint[]; outcome: string } {
  const there = set.filter(taint => current.some(old => isSame(old, taint)))
  if (there.length > 0 && !mayOverwrite) {
    throw new Error(
      `node ${node} already has ${there.map(taintText).join(', ')} taint(s) with same effect(s) and --overwrite is false`,
    )
  }
  const isRemoved = (taint: Taint) => remove.some(({ key, effect }) => taint.key === key && (!effect || taint.effect === effect))
  for (const { key, effect } of remove) {
    if (!current.some(taint => taint.key === key && (!effect || taint.effect === effect))) {
      throw new Error(`taint ${JSON.stringify(effect ? `${key}:${effect}` : key)} not found`)
    }
  }
  const kept = current.filter(old => !isRemoved(old) && !set.some(taint => isSame(old, taint)))
  // When a taint was added says how long pods may still tolerate it: an unchanged one keeps its time.
  const fresh = set.map(taint => current.find(old => isSame(old, taint) && (old.value ?? '') === (taint.value ?? '')) ?? taint)
  return {
    taints: [...fresh, ...kept],
    outcome: there.length > 0 || (set.length > 0 && remove.length > 0) ? 'modified' : set.length > 0 ? 'tainted' : 'untainted',
  }
}

const taintText = ({ key, effect }: Taint) => `${key}:${effect}`
