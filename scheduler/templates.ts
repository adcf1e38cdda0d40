import type { Plugin } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/**
 * Pods of one template share their work: what plugins found out about a node, looking at nothing but the node and what they declare to
 * look at of a pod, is good for the next pod of that sort until the node changes.
 */
export interface Templates {
  /** What those of a profile's plugins that declare it know for a pod like this. */
  of(pod: PodInfo, plugins: readonly Plugin[]): Template
}

export interface Template {
  /** A column of numbers or of answers, made when it is asked for first; as long as there are slots. */
  numbers(name: string): Numbers
  answers(name: string): Answers
}

/** One number per node, with the generation of the node it is about; both by slot. */
export interface Numbers {
  generations: Int32Array
  values: Float64Array
}

/** One answer per node, with the generation of the node it is about and who was nominated to it; all by slot. */
export interface Answers {
  readonly generations: number[]
  readonly values: unknown[]
  readonly besides: unknown[]
  /** The generations of the nodes of which nothing bad was said. */
  good: Int32Array
}

/** How many are kept; those not asked for longest make room. One for five thousand nodes takes some 300 KB. */
const capacity = 32

/** `slots`: how many there are by now. */
export function templates(slots: () => number): Templates {
  const kept = new Map<string, Template>()
  const ids = new Map<Plugin, number>()
  const profiles = new WeakMap<readonly Plugin[], { readonly id: string; readonly sharing: readonly Plugin[] }>()
  const idOf = (plugin: Plugin) => {
    const id = ids.get(plugin) ?? ids.size
    ids.set(plugin, id)
    return id
  }
  const profileOf = (plugins: readonly Plugin[]) => {
    let profile = profiles.get(plugins)
    if (!profile) {
      profile = { id: plugins.map(idOf).join(), sharing: plugins.filter(({ looksAt }) => looksAt) }
      profiles.set(plugins, profile)
    }
    return profile
  }
  let latest: { readonly pod: PodInfo; readonly plugins: readonly Plugin[]; readonly template: Template } | undefined
  const find = (pod: PodInfo, plugins: readonly Plugin[]): Template => {
    const { id, sharing } = profileOf(plugins)
    const looks: unknown[] = [id, pod.priority]
    for (const plugin of sharing) looks.push(plugin.looksAt?.(pod))
    const key = JSON.stringify(looks)
    const known = kept.get(key)
    if (known && kept.size < capacity) return known
    const one = known ?? template(slots)
    kept.delete(key)
    kept.set(key, one)
    const [oldest] = kept.keys()
    if (kept.size > capacity && oldest !== undefined) kept.delete(oldest)
    return one
  }
  return {
    of(pod, plugins) {
      if (latest?.pod !== pod || latest.plugins !== plugins) latest = { pod, plugins, template: find(pod, plugins) }
      return latest.template
    },
  }
}

function template(slots: () => number): Template {
  const numbers = new Map<string, Numbers>()
  const answers = new Map<string, Answers>()
  return {
    numbers(name) {
      let column = numbers.get(name)
      if (!column || column.generations.length < slots()) {
        column = longer(column, slots())
        numbers.set(name, column)
      }
      return column
    },
    answers(name) {
      let column = answers.get(name)
      if (!column) {
        column = { generations: [], values: [], besides: [], good: new Int32Array(0) }
        answers.set(name, column)
      }
      if (column.good.length < slots()) {
        const good = new Int32Array(slots() * 2).fill(-1)
        good.set(column.good)
        column.good = good
      }
      for (let i = column.generations.length; i < slots(); i++) {
        column.generations.push(-1)
        column.values.push(undefined)
        column.besides.push(undefined)
      }
      return column
    },
  }
}

function longer(column: Numbers | undefined, slots: number): Numbers {
  const generations = new Int32Array(slots * 2).fill(-1)
  const values = new Float64Array(slots * 2)
  if (column) {
    generations.set(column.generations)
    values.set(column.values)
  }
  return { generations, values }
}

/** What a column says of a node; otherwise `work` is done and kept. */
export function once<T>(column: Answers, node: NodeInfo, beside: unknown, work: (node: NodeInfo) => T): T {
  const { slot, generation } = node
  if (slot < 0) return work(node)
  if (column.generations[slot] === generation && column.besides[slot] === beside) return column.values[slot] as T
  const answer = work(node)
  column.generations[slot] = generation
  column.besides[slot] = beside
  column.values[slot] = answer
  return answer
}
