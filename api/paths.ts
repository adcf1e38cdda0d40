import type { Target } from './transport.ts'

/** The path of a resource's collection, object or subresource: `/apis/apps/v1/namespaces/ns/deployments/web/scale`. */
export function pathOf({ group, version, resource, namespace, name, subresource }: Target): string {
  const parts = group ? ['apis', group, version] : ['api', version]
  if (namespace !== undefined && resource !== 'namespaces') parts.push('namespaces', namespace)
  parts.push(resource)
  if (name !== undefined) parts.push(name)
  if (subresource) parts.push(...subresource.split('/'))
  return `/${parts.map(encodeURIComponent).join('/')}`
}

/** The target that a path names, or `undefined` when the path is not about a resource (discovery, health, ...). */
export function parsePath(path: string): Target | undefined {
  let parts = path.split('/')
  if (path.includes('%')) parts = parts.map(decodeURIComponent)
  parts.shift()
  if (parts.at(-1) === '') parts.pop()
  const [root] = parts
  const offset = root === 'api' ? 2 : root === 'apis' ? 3 : -1
  if (offset < 0 || parts.length <= offset) return undefined
  const group = root === 'apis' ? (parts[1] ?? '') : ''
  const version = parts[offset - 1] ?? ''
  const rest = parts.slice(offset)
  if (rest[0] === 'namespaces' && rest.length > 2 && !(namespaceSubresources.has(rest[2] ?? '') && rest.length === 3)) {
    const [, namespace, resource, name, ...subresource] = rest
    return target(group, version, resource, namespace, name, subresource)
  }
  const [resource, name, ...subresource] = rest
  return target(group, version, resource, undefined, name, subresource)
}

const namespaceSubresources = new Set(['status', 'finalize'])

function target(
  group: string,
  version: string,
  resource = '',
  namespace?: string,
  name?: string,
  subresource: string[] = [],
): Target {
  const found: Target = { group, version, resource }
  if (namespace !== undefined) found.namespace = namespace
  if (name !== undefined) found.name = name
  if (subresource.length > 0) found.subresource = subresource.join('/')
  return found
}
