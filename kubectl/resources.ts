/** A resource as discovery tells of it: all that the command line needs to know of a kind. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** The plural: `pods`. */
  readonly resource: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** `status`, `scale`, ... */
  readonly subresources: readonly string[]
}

/** What the server serves, and how people may call it. */
export interface ResourceMap {
  readonly all: readonly Resource[]
  /** Each of them once, in the version that its group would rather have. */
  readonly preferred: readonly Resource[]
  /** `po`, `pod`, `pods`, `deployments.apps`, `deploy.v1.apps`. Throws when the server has no such resource. */
  named(name: string): Resource
  /** The resources that a name or a category (`all`) stands for. */
  resolve(name: string): readonly Resource[]
  /** The resource of a manifest. Throws when the server does not know the kind. */
  ofKind(apiVersion: string, kind: string): Resource
}

interface AggregatedDiscovery {
  items: {
    metadata?: { name?: string }
    versions: {
      version: string
      resources: {
        resource: string
        responseKind?: { kind: string; group?: string; version?: string }
        scope: 'Namespaced' | 'Cluster'
        singularResource?: string
        shortNames?: string[]
        categories?: string[]
        verbs: string[]
        subresources?: { subresource: string }[]
      }[]
    }[]
  }[]
}

/** `deployments.apps` as people write it, `pods` for the core group. */
export const qualifiedName = ({ resource, group }: Pick<Resource, 'resource' | 'group'>) =>
  group ? `${resource}.${group}` : resource

/** `v1`, `apps/v1`. */
export const apiVersionOf = ({ group, version }: Pick<Resource, 'group' | 'version'>) => (group ? `${group}/${version}` : version)

/** Discovery in one document for each of the two roots (apidiscovery.k8s.io/v2). */
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

/** Asks the server what it serves. `get` answers the decoded JSON of a path under an Accept header. */
export async function discover(get: (path: string, accept: string) => Promise<unknown>): Promise<ResourceMap> {
  const documents = (await Promise.all([get('/api', aggregated), get('/apis', aggregated)])) as AggregatedDiscovery[]
  return resourceMap(documents.flatMap(resourcesOf))
}

function resourcesOf(document: AggregatedDiscovery): Resource[] {
  return document.items.flatMap(item =>
    item.versions.flatMap(({ version, resources }) =>
      resources.map(entry => ({
        group: item.metadata?.name ?? '',
        version,
        kind: entry.responseKind?.kind ?? '',
        resource: entry.resource,
        singular: entry.singularResource ?? '',
        shortNames: entry.shortNames ?? [],
        categories: entry.categories ?? [],
        namespaced: entry.scope === 'Namespaced',
        verbs: entry.verbs,
        subresources: (entry.subresources ?? []).map(({ subresource }) => subresource),
      })),
    ),
  )
}

/** A map over known resources; the first one listed wins where names clash. */
export function resourceMap(all: readonly Resource[]): ResourceMap {
  const isCalled = (resource: Resource, name: string) =>
    [resource.resource, resource.singular, resource.kind.toLowerCase(), ...resource.shortNames].includes(name)

  const find = (name: string): Resource | undefined => {
    const [plain = '', ...rest] = name.toLowerCase().split('.')
    if (rest.length === 0) return all.find(resource => isCalled(resource, plain))
    const [version, ...group] = rest
    return (
      all.find(resource => isCalled(resource, plain) && resource.group === rest.join('.')) ??
      all.find(resource => isCalled(resource, plain) && resource.version === version && resource.group === group.join('.'))
    )
  }
  const named = (name: string): Resource => {
    const resource = find(name)
    if (!resource) throw new Error(`the server doesn't have a resource type "${name}"`)
    return resource
  }
  const preferred = [...new Map([...all].reverse().map(each => [qualifiedName(each), each])).values()].reverse()
  return {
    all,
    preferred,
    named,
    resolve(name) {
      const category = preferred.filter(resource => resource.categories.includes(name.toLowerCase()))
      return category.length > 0 ? category : [named(name)]
    },
    ofKind(apiVersion, kind) {
      const found = all.find(resource => resource.kind === kind && apiVersionOf(resource) === apiVersion)
      if (!found) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`)
      return found
    },
  }
}
