import { type CommandContext, flag } from '../command.ts'
import type { FlagSpecs } from '../flags.ts'
import type { Generator } from './generator.ts'

const ruleFlags = {
  verb: { type: 'list', help: 'What may be done: get,list,watch' },
  resource: { type: 'list', help: 'With what: pods,deployments.apps/scale' },
  'resource-name': { type: 'list', help: 'Only with objects of these names' },
} as const satisfies FlagSpecs

const subjectFlags = {
  user: { type: 'list', help: 'A user that it is granted to' },
  group: { type: 'list', help: 'A group that it is granted to' },
  serviceaccount: { type: 'list', help: 'A service account that it is granted to: NAMESPACE:NAME' },
  clusterrole: { type: 'string', help: 'The cluster role that is granted' },
} as const satisfies FlagSpecs

const words = (context: CommandContext, name: string) => flag.list(context, name).flatMap(list => list.split(','))

/** One rule for each API group among the resources, in kubectl's order, and one for all paths. */
async function rulesOf(context: CommandContext) {
  const verbs = [...new Set(words(context, 'verb'))]
  const urls = [...new Set(words(context, 'non-resource-url'))]
  const resources = words(context, 'resource')
  if (verbs.length === 0) throw new Error('at least one verb must be specified')
  if (resources.length === 0 && urls.length === 0) throw new Error('at least one resource must be specified')
  if (urls.length > 0) refuseBadPaths(verbs, urls)
  const byGroup = new Map<string, string[]>()
  if (resources.length > 0) {
    const map = await (await context.session()).resources()
    for (const word of resources) {
      const [name = '', subresource] = word.split('/')
      const { group, resource } = map.named(name)
      byGroup.set(group, [...(byGroup.get(group) ?? []), subresource ? `${resource}/${subresource}` : resource])
    }
  }
  const resourceNames = flag.list(context, 'resource-name')
  const rules = [...byGroup].map(([group, names]) => ({
    apiGroups: [group],
    ...(resourceNames.length > 0 && { resourceNames }),
    resources: names,
    verbs,
  }))
  return [...rules, ...(urls.length > 0 ? [{ nonResourceURLs: urls, verbs }] : [])]
}

const pathVerbs = ['get', 'post', 'put', 'delete', 'patch', 'head', 'options', '*']

function refuseBadPaths(verbs: readonly string[], urls: readonly string[]): void {
  const unknown = verbs.find(verb => !pathVerbs.includes(verb))
  if (unknown !== undefined) throw new Error(`invalid verb: '${unknown}' for nonResourceURL`)
  for (const url of urls) {
    if (url !== '*' && !url.startsWith('/')) throw new Error('nonResourceURL should start with /')
    if (url.slice(0, -1).includes('*')) throw new Error("nonResourceURL only supports wildcard matches when '*' is at the end")
  }
}

const subjectGroup = 'rbac.authorization.k8s.io'

function subjectsOf(context: CommandContext) {
  return [
    ...flag.list(context, 'user').map(name => ({ apiGroup: subjectGroup, kind: 'User', name })),
    ...flag.list(context, 'group').map(name => ({ apiGroup: subjectGroup, kind: 'Group', name })),
    ...flag.list(context, 'serviceaccount').map(text => {
      const [namespace, name, ...rest] = text.split(':')
      if (!namespace || !name || rest.length > 0) throw new Error('serviceaccount must be <namespace>:<name>')
      return { kind: 'ServiceAccount', name, namespace }
    }),
  ]
}

const apiVersion = 'rbac.authorization.k8s.io/v1'

export const role: Generator = {
  name: 'role',
  usage: 'role NAME --verb=VERB --resource=RESOURCE [--resource-name=NAME]',
  flags: ruleFlags,
  make: async (context, name) => ({ apiVersion, kind: 'Role', metadata: { name }, rules: await rulesOf(context) }),
}

export const clusterRole: Generator = {
  name: 'clusterrole',
  usage: 'clusterrole NAME (--verb=VERB --resource=RESOURCE|--non-resource-url=PATH | --aggregation-rule=LABELS)',
  flags: {
    ...ruleFlags,
    'non-resource-url': { type: 'list', help: 'With which paths: /healthz,/logs/*' },
    'aggregation-rule': { type: 'list', help: 'Add up the cluster roles with these labels: a=b' },
  },
  async make(context, name) {
    const labels = words(context, 'aggregation-rule').map((pair): [string, string] => {
      const [key = '', value] = pair.split(/=(.*)/)
      if (value === undefined) throw new Error(`malformed pair, expect string=string`)
      return [key, value]
    })
    const own = ['verb', 'resource', 'resource-name', 'non-resource-url'].flatMap(each => words(context, each))
    if (labels.length === 0) return { apiVersion, kind: 'ClusterRole', metadata: { name }, rules: await rulesOf(context) }
    if (own.length > 0) {
      throw new Error('aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames')
    }
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: Object.fromEntries(labels) }] }
    return { aggregationRule, apiVersion, kind: 'ClusterRole', metadata: { name }, rules: [] }
  },
}

export const roleBinding: Generator = {
  name: 'rolebinding',
  usage: 'rolebinding NAME --role=ROLE|--clusterrole=ROLE [--user=USER] [--group=GROUP] [--serviceaccount=NAMESPACE:NAME]',
  flags: { ...subjectFlags, role: { type: 'string', help: 'The role that is granted' } },
  make(context, name) {
    const granted = flag.text(context, 'role')
    const clusterGranted = flag.text(context, 'clusterrole')
    if (!granted === !clusterGranted) throw new Error('exactly one of clusterrole or role must be specified')
    const roleRef = { apiGroup: subjectGroup, kind: granted ? 'Role' : 'ClusterRole', name: granted || clusterGranted }
    return { apiVersion, kind: 'RoleBinding', metadata: { name }, roleRef, subjects: subjectsOf(context) }
  },
}

export const clusterRoleBinding: Generator = {
  name: 'clusterrolebinding',
  usage: 'clusterrolebinding NAME --clusterrole=ROLE [--user=USER] [--group=GROUP] [--serviceaccount=NAMESPACE:NAME]',
  flags: subjectFlags,
  make(context, name) {
    const clusterGranted = flag.text(context, 'clusterrole')
    if (!clusterGranted) throw new Error('required flag(s) "clusterrole" not set')
    const roleRef = { apiGroup: subjectGroup, kind: 'ClusterRole', name: clusterGranted }
    return { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects: subjectsOf(context) }
  },
}
