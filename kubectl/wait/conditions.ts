import type { KubeObject } from '../../api/transport.ts'
import { valuesAt } from '../../lib/json-path.ts'

/** What `wait --for` waits for. */
export type Wanted =
  | { readonly type: 'create' }
  | { readonly type: 'delete' }
  | { readonly type: 'condition'; readonly name: string; readonly status: string }
  /** Without a value, anything there will do. */
  | { readonly type: 'jsonpath'; readonly path: string; readonly value?: string }

/** Reads `--for`. Throws an Error in kubectl's words. */
export function parseWanted(text: string): Wanted {
  const lower = text.toLowerCase()
  if (lower === 'create' || lower === 'delete') return { type: lower }
  if (text.startsWith('condition=')) {
    const [name = '', status = 'true'] = text.slice('condition='.length).split(/=(.*)/)
    return { type: 'condition', name, status }
  }
  if (text.startsWith('jsonpath=')) return parseJsonPathWish(text.slice('jsonpath='.length))
  throw new Error(`unrecognized condition: "${text}"`)
}

function parseJsonPathWish(text: string): Wanted {
  // `==` is a comparison inside the expression.
  const [expression = '', value, ...more] = text.split(/(?<!=)=(?!=)/)
  if (more.length > 0) {
    throw new Error(
      "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
    )
  }
  const path = expression.replace(/^'|'$/g, '')
  if (path === '') throw new Error('jsonpath expression cannot be empty')
  const match = /^\{?(.*?)\}?$/.exec(path)?.[1] ?? ''
  if (/[{}]/.test(match))
    throw new Error(`unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`)
  const relaxed = /^[.[$@]/.test(match) ? match : `.${match}`
  if (value === undefined) return { type: 'jsonpath', path: relaxed }
  const bare = value.replace(/^['"]+|['"]+$/g, '')
  if (bare === '') {
    throw new Error("jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3")
  }
  return { type: 'jsonpath', path: relaxed, value: bare }
}

interface WithConditions {
  readonly metadata: KubeObject['metadata']
  readonly status?: {
    readonly observedGeneration?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly observedGeneration?: number }[]
  }
}

/** Whether an object is as wanted. A condition that was found out for an earlier generation does not count. Throws when it cannot be told. */
export function isAsWanted(object: KubeObject, wanted: Wanted): boolean {
  switch (wanted.type) {
    case 'create':
      return true
    case 'delete':
      return false
    case 'condition': {
      const { metadata, status } = object as WithConditions
      const condition = status?.conditions?.find(({ type }) => type.toLowerCase() === wanted.name.toLowerCase())
      if (!condition) return false
      const observed = condition.observedGeneration ?? status?.observedGeneration
      if (observed !== undefined && metadata.generation !== undefined && observed < metadata.generation) return false
      return condition.status.toLowerCase() === wanted.status.toLowerCase()
    }
    case 'jsonpath': {
      const found = valuesAt(wanted.path, object)
      if (found.length > 1) throw new Error('given jsonpath expression matches more than one value')
      if (found.length === 0) return false
      if (wanted.value === undefined) return true
      const [value] = found
      if (typeof value === 'object' && value !== null) {
        throw new Error('jsonpath leads to a nested object or list which is not supported')
      }
      return String(value).trim() === wanted.value.trim()
    }
  }
}
