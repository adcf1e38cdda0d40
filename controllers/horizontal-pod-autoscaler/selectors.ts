import type { Pod } from '../../api/core/pod.ts'
import { type LabelRequirements, matchesLabels } from '../../api/selectors.ts'

/** Which pods each autoscaler counts as its own, by the keys of the autoscalers. */
export interface SelectorBook {
  set(key: string, namespace: string, selector: LabelRequirements): void
  forget(key: string): void
  /** The autoscalers of the namespace that count any of these pods as theirs, in the order of the alphabet. */
  selecting(namespace: string, pods: readonly Pod[]): readonly string[]
}

interface Entry {
  readonly drawer: string
  readonly selector: LabelRequirements
}

/** Selectors are kept under a label that they demand, so that nobody compares each pod with all of them. */
export function selectorBook(): SelectorBook {
  const drawers = new Map<string, Map<string, LabelRequirements>>()
  const entries = new Map<string, Entry>()
  const drawerOf = (namespace: string, label = '', value = '') => `${namespace}\n${label}\n${value}`

  function forget(key: string): void {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    const drawer = drawers.get(entry.drawer)
    drawer?.delete(key)
    if (drawer?.size === 0) drawers.delete(entry.drawer)
  }

  return {
    forget,
    set(key, namespace, selector) {
      forget(key)
      const demand = selector.find(({ operator, values }) => (operator === '=' || operator === 'in') && values.length === 1)
      const drawer = drawerOf(namespace, demand?.key, demand?.values[0])
      entries.set(key, { drawer, selector })
      const known = drawers.get(drawer)
      if (known) known.set(key, selector)
      else drawers.set(drawer, new Map([[key, selector]]))
    },
    selecting(namespace, pods) {
      const found = new Set<string>()
      for (const { metadata } of pods) {
        // No label: that drawer holds the selectors that demand none.
        for (const [label, value] of [['', ''] as const, ...Object.entries(metadata.labels ?? {})]) {
          const drawer = drawers.get(drawerOf(namespace, label, value))
          for (const [key, selector] of drawer ?? []) if (matchesLabels(selector, metadata.labels)) found.add(key)
        }
      }
      return [...found].sort()
    },
  }
}
