import { type AnyKind, apiVersionOf, type Subresource } from '../api/kind.ts'

/** One entry of an APIResourceList. `group` and `version` only where the kind is of another group than the list. */
export interface ApiResource {
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly group?: string
  readonly version?: string
  readonly kind: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

/** What a subresource takes and gives; absent: the kind itself. */
const bodies: Partial<Record<Subresource, { group?: string; version?: string; kind: string }>> = {
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  binding: { kind: 'Binding' },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
  exec: { kind: 'PodExecOptions' },
  attach: { kind: 'PodAttachOptions' },
  portforward: { kind: 'PodPortForwardOptions' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
}

/** What `proxy` gives depends on whose it is. */
const optionsOfProxy = ({ kind }: AnyKind) => ({ kind: `${kind}ProxyOptions` })
const everyMethod = ['create', 'delete', 'get', 'patch', 'update'] as const

const subresourceVerbs: Record<Subresource, readonly string[]> = {
  status: ['get', 'patch', 'update'],
  scale: ['get', 'patch', 'update'],
  finalize: ['update'],
  binding: ['create'],
  eviction: ['create'],
  token: ['create'],
  log: ['get'],
  exec: ['create', 'get'],
  attach: ['create', 'get'],
  portforward: ['create', 'get'],
  proxy: everyMethod,
  ephemeralcontainers: ['get', 'patch', 'update'],
  resize: ['get', 'patch', 'update'],
  approval: ['get', 'patch', 'update'],
}

/** The plain discovery documents, by path: `/api`, `/apis`, `/apis/apps`, `/api/v1`, `/apis/apps/v1`, ... */
export function discoveryDocuments(kinds: readonly AnyKind[]): Map<string, object> {
  const resources = new Map<string, ApiResource[]>()
  const add = (groupVersion: string, resource: ApiResource) => {
    const list = resources.get(groupVersion)
    if (list) list.push(resource)
    else resources.set(groupVersion, [resource])
  }
  for (const kind of kinds) for (const resource of resourcesOf(kind)) add(apiVersionOf(kind), resource)

  const documents = new Map<string, object>()
  const groups = new Map<string, string[]>()
  for (const [groupVersion, list] of resources) {
    const [group] = groupVersion.includes('/') ? groupVersion.split('/') : ['']
    groups.set(group ?? '', [...(groups.get(group ?? '') ?? []), groupVersion])
    const path = group ? `/apis/${groupVersion}` : `/api/${groupVersion}`
    documents.set(path, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: list })
  }
  const named = [...groups].filter(([group]) => group !== '').map(([group, versions]) => groupDocument(group, versions))
  for (const group of named) documents.set(`/apis/${group.name}`, { kind: 'APIGroup', apiVersion: 'v1', ...group })
  documents.set('/api', { kind: 'APIVersions', versions: groups.get('') ?? [], serverAddressByClientCIDRs: [] })
  documents.set('/apis', { kind: 'APIGroupList', apiVersion: 'v1', groups: named })
  return documents
}

function groupDocument(name: string, groupVersions: readonly string[]) {
  const versions = groupVersions
    .map(groupVersion => ({ groupVersion, version: groupVersion.slice(name.length + 1) }))
    .sort((a, b) => compareVersions(a.version, b.version))
  return { name, versions, preferredVersion: versions[0] }
}

function resourcesOf(kind: AnyKind): ApiResource[] {
  const { plural, singular, namespaced, shortNames, categories } = kind
  const own: ApiResource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  }
  const below = kind.subresources.map(name => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind: kind.kind,
    ...(name === 'proxy' ? optionsOfProxy(kind) : bodies[name]),
    verbs: subresourceVerbs[name],
  }))
  return [own, ...below.sort((a, b) => (a.name < b.name ? -1 : 1))]
}

const versionPattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/

/** Best first: stable before beta before alpha, newer before older, then other names (k8s.io/apimachinery/pkg/version). */
export function compareVersions(a: string, b: string): number {
  const [rankOfA, rankOfB] = [rankOf(a), rankOf(b)]
  const differing = rankOfA.findIndex((part, at) => part !== rankOfB[at])
  return differing < 0 ? (a < b ? -1 : a > b ? 1 : 0) : (rankOfB[differing] ?? 0) - (rankOfA[differing] ?? 0)
}

function rankOf(version: string): readonly number[] {
  const [, major, stage, minor] = versionPattern.exec(version) ?? []
  if (major === undefined) return [-1]
  return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor ?? 0)]
}
