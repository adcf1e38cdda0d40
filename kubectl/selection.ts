import { pathOf } from '../api/paths.ts'
import type { CallOptions, Target } from '../api/transport.ts'
import { UsageError } from './flags.ts'
import type { Resource, ResourceMap } from './resources.ts'

/** What a command line means by `pods`, `deploy,rs`, `pod web-1 web-2`, `pod/web-1 service/web`. */
export interface Selection {
  readonly resource: Resource
  /** Empty: all of them. */
  readonly names: readonly string[]
}

/** Reads the words after a verb. Throws a UsageError or "the server doesn't have a resource type". */
export function select(words: readonly string[], map: ResourceMap): Selection[] {
  const [first] = words
  if (first === undefined) throw new UsageError('you must name a resource type, such as `pods`, or `pod/NAME`')
  if (words.some(word => word.includes('/'))) {
    const selections = new Map<Resource, string[]>()
    for (const word of words) {
      const slash = word.indexOf('/')
      if (slash <= 0 || slash === word.length - 1) {
        throw new UsageError(
          'there is no need to specify a resource type as a separate argument when passing arguments in resource/name form',
        )
      }
      const resource = map.named(word.slice(0, slash))
      selections.set(resource, [...(selections.get(resource) ?? []), word.slice(slash + 1)])
    }
    return [...selections].map(([resource, names]) => ({ resource, names }))
  }
  const names = words.slice(1)
  const resources = [...new Set(first.split(',').flatMap(name => map.resolve(name)))]
  if (names.length > 0 && resources.length > 1) return resources.map(resource => ({ resource, names }))
  return resources.map(resource => ({ resource, names }))
}

/** A single object out of `TYPE/NAME` or `TYPE NAME`; a bare `NAME` is of the type that the verb is about. */
export function selectOne(words: readonly string[], map: ResourceMap, usual?: string): { resource: Resource; name: string } {
  const parts = words.length === 1 && usual && !words[0]?.includes('/') ? [usual, words[0] ?? ''] : words
  const [selection, ...others] = select(parts, map)
  const [name, ...names] = selection?.names ?? []
  if (!selection || name === undefined || others.length > 0 || names.length > 0)
    throw new UsageError('exactly one object must be named: TYPE/NAME')
  return { resource: selection.resource, name }
}

/** Which namespace, object and subresource; the namespace counts for namespaced resources only. */
export interface Place {
  readonly namespace?: string | undefined
  readonly name?: string
  readonly subresource?: string
}

/** A resource at a place, as calls and paths name it. */
export function targetOf({ group, version, resource, namespaced }: Resource, { namespace, name, subresource }: Place): Target {
  return {
    group,
    version,
    resource,
    ...(namespaced && namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  }
}

/** Where a resource, or one of its objects, is on the server. */
export function pathTo(resource: Resource, place: Place, options: CallOptions & Record<string, unknown> = {}): string {
  const path = pathOf(targetOf(resource, place))
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(options)) if (value !== undefined && value !== '') query.append(key, String(value))
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

/** `pod/web`, `deployment.apps/web`: how messages name an object. */
export function displayName(resource: Pick<Resource, 'singular' | 'kind' | 'group'>, name: string): string {
  const singular = resource.singular || resource.kind.toLowerCase()
  return `${resource.group ? `${singular}.${resource.group}` : singular}/${name}`
}
