import type { KubeObject } from '../../api/transport.ts'
import type { Describer } from './around.ts'
import { page as newPage } from './page.ts'
import { annotations, goList, labels } from './parts.ts'

/** A rule of a Role or a ClusterRole. */
export interface Rule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[] | undefined
  readonly resources?: readonly string[] | undefined
  readonly resourceNames?: readonly string[] | undefined
  readonly nonResourceURLs?: readonly string[] | undefined
}

type Role = KubeObject & { readonly rules?: readonly Rule[] | null }

/** Roles and cluster roles: a line for each resource or path. */
export const describeRole: Describer<Role> = role => {
  const page = newPage()
  page.line(0, `Name:\t${role.metadata.name}`)
  labels(page, role)
  annotations(page, role.metadata.annotations)
  page.line(0, 'PolicyRule:')
  page.line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs')
  page.line(1, '---------\t-----------------\t--------------\t-----')
  for (const { resource, url, name, verbs } of compactRules(role.rules ?? [])) {
    page.line(1, [resource, goList(url), goList(name), goList(verbs)].join('\t'))
  }
  return page.text()
}

interface CompactRule {
  /** `deployments.apps/scale`; empty for a path. */
  readonly resource: string
  readonly url: readonly string[]
  readonly name: readonly string[]
  readonly verbs: string[]
}

/** Rules taken apart and put together again by what they are about, in upstream's order (k8s.io/kubectl/pkg/util/rbac). */
export function compactRules(rules: readonly Rule[]): CompactRule[] {
  const compact = new Map<string, CompactRule & { group: string; plain: string }>()
  for (const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } of rules) {
    const names = resourceNames.length > 0 ? resourceNames.map(name => [name]) : [[]]
    for (const group of apiGroups) {
      for (const plain of resources) {
        for (const name of names) {
          const key = JSON.stringify([group, plain, name])
          const known = compact.get(key)
          if (known) known.verbs.push(...verbs.filter(verb => !known.verbs.includes(verb)))
          else compact.set(key, { group, plain, resource: qualified(plain, group), url: [], name, verbs: [...verbs] })
        }
      }
    }
    for (const url of nonResourceURLs) {
      for (const verb of verbs) {
        compact.set(JSON.stringify([url, verb]), { group: '', plain: '', resource: '', url: [url], name: [], verbs: [verb] })
      }
    }
  }
  const key = ({ verbs, group, plain, name, url }: CompactRule & { group: string; plain: string }) =>
    `Verbs:${goList(verbs)},APIGroups:[${group}],Resources:[${plain}],ResourceNames:${goList(name)},NonResourceURLs:${goList(url)}`
  return [...compact.values()].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}

function qualified(resource: string, group: string): string {
  const [plain, subresource] = resource.split(/\/(.*)/)
  return `${plain}${group && `.${group}`}${subresource ? `/${subresource}` : ''}`
}

type Binding = KubeObject & {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[]
}

/** Role bindings and cluster role bindings. */
export const describeBinding: Describer<Binding> = binding => {
  const page = newPage()
  page.line(0, `Name:\t${binding.metadata.name}`)
  labels(page, binding)
  annotations(page, binding.metadata.annotations)
  page.line(0, 'Role:')
  page.line(1, `Kind:\t${binding.roleRef.kind}`)
  page.line(1, `Name:\t${binding.roleRef.name}`)
  page.line(0, 'Subjects:')
  page.line(1, 'Kind\tName\tNamespace')
  page.line(1, '----\t----\t---------')
  for (const { kind, name, namespace = '' } of binding.subjects ?? []) page.line(1, `${kind}\t${name}\t${namespace}`)
  return page.text()
}
