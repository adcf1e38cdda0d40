import { Pod } from '../../api/core/pod.ts'
import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import { type LabelRequirement, matchesLabels, type Selector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Index, ListerOf } from '../../client/controller.ts'

const noValues: readonly string[] = []
const drawer = (namespace = '', key: string, value: string) => `${namespace}\n${key}=${value}`
/** Where the selectors of a namespace are filed that name no label and value which must be there. */
const anywhere = (namespace = '') => `${namespace}\n`

/** How many counts are kept before counting starts over. */
const mostCounts = 10_000

/** Between pods and those of a kind that select them, without looking at all of either. */
export interface SelectorIndex<K extends AnyKind> {
  /** To be declared by whoever uses it, together with `podsByLabel` for `podsOf`. */
  readonly index: Index
  /** Those of the object's namespace whose selector matches its labels. */
  selecting(lister: ListerOf, object: { metadata: Pick<KubeObject['metadata'], 'namespace' | 'labels'> }): readonly ObjectOf<K>[]
  /** The pods of its namespace that one selects. */
  podsOf(lister: ListerOf, selecting: ObjectOf<K>): readonly Pod[]
}

/**
 * Files those of a kind under one label that their selector demands: of several, the one that fewest others are filed under, or all
 * parts of an application would be in one drawer. There is one such index per kind.
 */
export function selectorIndex<K extends AnyKind>(kind: K, read: (object: ObjectOf<K>) => Selector): SelectorIndex<K> {
  const name = 'selector'
  const known = new WeakMap<object, Selector>()
  const selectorOf = (object: ObjectOf<K>): Selector => {
    let selector = known.get(object as object)
    if (!selector) known.set(object as object, (selector = read(object)))
    return selector
  }
  const counts = new Map<string, number>()
  const chosen = new WeakMap<object, LabelRequirement | 'none'>()

  function handleOf(object: KubeObject, selector: readonly LabelRequirement[]): LabelRequirement | undefined {
    const before = chosen.get(object)
    if (before) return before === 'none' ? undefined : before
    const crowd = ({ key, values }: LabelRequirement) => counts.get(drawer(object.metadata.namespace, key, values[0] ?? '')) ?? 0
    const demands = selector.filter(({ operator }) => operator === '=' || operator === 'in')
    const handle = demands.reduce<LabelRequirement | undefined>(
      (best, each) => (best && crowd(best) <= crowd(each) ? best : each),
      undefined,
    )
    chosen.set(object, handle ?? 'none')
    if (counts.size >= mostCounts) counts.clear()
    if (handle) counts.set(drawer(object.metadata.namespace, handle.key, handle.values[0] ?? ''), crowd(handle) + 1)
    return handle
  }

  const values = (object: KubeObject): readonly string[] => {
    const { namespace } = object.metadata
    const selector = selectorOf(object as ObjectOf<K>)
    if (selector === 'nothing') return noValues
    const handle = handleOf(object, selector)
    return handle ? handle.values.map(value => drawer(namespace, handle.key, value)) : [anywhere(namespace)]
  }

  return {
    index: { kind, name, values },
    selecting(lister, { metadata: { namespace, labels = {} } }) {
      const all = lister(kind)
      if (all.size === 0) return []
      const matches = (each: ObjectOf<K>) => matchesLabels(selectorOf(each), labels)
      const found = (all.by(name, anywhere(namespace)) as readonly ObjectOf<K>[]).filter(matches)
      for (const key in labels) {
        const filed = all.by(name, drawer(namespace, key, labels[key] ?? '')) as readonly ObjectOf<K>[]
        for (const each of filed) if (matches(each)) found.push(each)
      }
      return found
    },
    podsOf(lister, object) {
      const selector = selectorOf(object)
      if (selector === 'nothing') return []
      const { namespace } = (object as KubeObject).metadata
      const pods = lister(Pod)
      const handle = handleOf(object, selector)
      if (!handle) return pods.list(namespace).filter(pod => matchesLabels(selector, pod.metadata.labels))
      const candidates = [...new Set(handle.values)].flatMap(value =>
        pods.by(podsByLabel.name, drawer(namespace, handle.key, value)),
      )
      return selector.length === 1 ? candidates : candidates.filter(pod => matchesLabels(selector, pod.metadata.labels))
    },
  }
}

/** Files pods under each of their labels. */
export const podsByLabel: Index = {
  kind: Pod,
  name: 'label',
  values({ metadata: { namespace, labels } }) {
    const values: string[] = []
    for (const key in labels) values.push(drawer(namespace, key, labels[key] ?? ''))
    return values
  },
}
