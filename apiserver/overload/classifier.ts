import type { UserInfo } from '../../api/user.ts'
import type { FlowAttributes, FlowRule, FlowSchemaLike, FlowSubject, PathFlowRule, ResourceFlowRule } from './configuration.ts'

/** Whether a schema is about a request (k8s.io/apiserver/pkg/util/flowcontrol/rule.go). */
export function matchesSchema({ spec }: FlowSchemaLike, user: UserInfo, attributes: FlowAttributes): boolean {
  return (spec.rules ?? []).some(rule => matchesRule(rule, user, attributes))
}

function matchesRule(
  { subjects, resourceRules = [], nonResourceRules = [] }: FlowRule,
  user: UserInfo,
  attributes: FlowAttributes,
) {
  if (!subjects.some(subject => matchesSubject(subject, user))) return false
  if (attributes.path === undefined) return resourceRules.some(rule => matchesResource(rule, attributes))
  const { verb, path } = attributes
  return nonResourceRules.some(rule => matchesPath(rule, verb, path))
}

function matchesSubject(subject: FlowSubject, { name, groups }: UserInfo): boolean {
  if (subject.user) return subject.user.name === '*' || subject.user.name === name
  if (subject.group) return subject.group.name === '*' || groups.includes(subject.group.name)
  const account = subject.serviceAccount
  if (!account) return false
  const prefix = `system:serviceaccount:${account.namespace}:`
  return account.name === '*' ? name.startsWith(prefix) : name === prefix + account.name
}

function matchesResource(rule: ResourceFlowRule, { verb, group, resource, subresource, namespace }: FlowAttributes): boolean {
  const full = subresource ? `${resource}/${subresource}` : resource
  if (!has(rule.verbs, verb) || !has(rule.resources, full) || !has(rule.apiGroups, group)) return false
  return namespace ? has(rule.namespaces ?? [], namespace) : rule.clusterScope === true
}

function matchesPath({ verbs, nonResourceURLs }: PathFlowRule, verb: string, path: string): boolean {
  if (!has(verbs, verb)) return false
  return nonResourceURLs.some(url => {
    if (url === '*' || url === path) return true
    const prefix = url.endsWith('*') ? url.slice(0, -1) : url
    return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
  })
}

const has = (list: readonly string[], value: string) => list.includes(value) || list.includes('*')

/** What tells the flows of a schema apart, for this request. */
export function distinguisher({ spec }: FlowSchemaLike, user: UserInfo, { namespace = '' }: FlowAttributes): string {
  switch (spec.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name
    case 'ByNamespace':
      return namespace
    case undefined:
    default:
      return ''
  }
}
