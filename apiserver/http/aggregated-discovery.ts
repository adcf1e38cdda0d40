/** What the plain discovery documents say, as far as it goes into the aggregated ones. */
interface GroupList {
  readonly groups: readonly {
    readonly name: string
    readonly versions: readonly { readonly version: string; readonly groupVersion: string }[]
  }[]
}

interface ResourceList {
  readonly resources: readonly Resource[]
}

interface Resource {
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly kind: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly group?: string
  readonly version?: string
}

/**
 * All of `/api` or `/apis` in one document (k8s.io/api/apidiscovery), put together from the plain ones. `at` answers those by path.
 */
export function aggregatedDiscovery(root: '/api' | '/apis', version: 'v2' | 'v2beta1', at: (path: string) => unknown): object {
  const groups =
    root === '/api'
      ? [
          {
            name: '',
            versions: (at('/api') as { versions: string[] }).versions.map(name => ({ version: name, groupVersion: name })),
          },
        ]
      : (at('/apis') as GroupList).groups
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name && { name }), creationTimestamp: null },
      versions: versions.map(entry => ({
        version: entry.version,
        resources: resourcesOf(name, entry.version, at(`${root}/${entry.groupVersion}`) as ResourceList),
        freshness: 'Current',
      })),
    })),
  }
}

function resourcesOf(group: string, version: string, { resources }: ResourceList): object[] {
  const responseKind = (resource: Resource) => ({
    group: resource.group ?? group,
    version: resource.version ?? version,
    kind: resource.kind,
  })
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map(resource => {
      const { name, namespaced, singularName, verbs, shortNames, categories } = resource
      const below = resources.filter(other => other.name.startsWith(`${name}/`))
      return {
        resource: name,
        responseKind: responseKind(resource),
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singularName,
        verbs,
        ...(shortNames && { shortNames }),
        ...(categories && { categories }),
        ...(below.length > 0 && {
          subresources: below.map(other => ({
            subresource: other.name.slice(name.length + 1),
            responseKind: responseKind(other),
            verbs: other.verbs,
          })),
        }),
      }
    })
}
