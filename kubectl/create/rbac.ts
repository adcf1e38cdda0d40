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

/** One rule for each API group among the resources, in kubectl's order. */
async function rulesOf(context: CommandContext) {
  const verbs = [...new Set(words(context, 'verb'))]
  if (verbs.length === 0) throw new Error('at least one verb must be specified')
  const map = await (await context.session()).resources()
  const byGroup = new Map<string, string[]>()
  for (const word of words(context, 'resource')) {
    const [name = '', subresource] = word.split('/')
    const { group, resource } = map.named(name)
    byGroup.set(group, [...(byGroup.get(group) ?? []), subresource ? `${resource}/${subresource}` : resource])
  }
  if (byGroup.size === 0) throw new Error('at least one resource must be specified')
  const resourceNames = flag.list(context, 'resource-name')
  return [...byGroup].map(([group, resources]) => ({
    apiGroups: [group],
    ...(resourceNames.length > 0 && { resourceNames }),
    resources,
    verbs,
  }))
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
const roleGenerator = (kind: 'Role' | 'ClusterRole'): Generator => ({
  name: kind.toLowerCase(),
  usage: `${kind.toLowerCase()} NAME --verb=VERB --resource=RESOURCE [--resource-name=NAME]`,
  flags: ruleFlags,
  make: async (context, name) => ({ apiVersion, kind, metadata: { name }, rules: await rulesOf(context) }),
})

export const role = roleGenerator('Role')
export const clusterRole = roleGenerator('ClusterRole')

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
