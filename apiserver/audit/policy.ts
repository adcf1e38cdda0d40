import type { UserInfo } from '../../api/user.ts'
import type { RequestAttributes } from '../http/attributes.ts'

/** How much is told of a request, from nothing to everything. */
const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
/** How much is written down about a request; each level holds what those before it do. */
export type Level = (typeof levels)[number]

/** When something is told of a request. */
export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
/** How far a request has come. ResponseStarted is for those that go on for long, watches above all. */
export type Stage = (typeof stages)[number]

interface Rule {
  readonly level: Level
  readonly users: readonly string[]
  readonly userGroups: readonly string[]
  readonly verbs: readonly string[]
  readonly resources: readonly GroupResources[]
  readonly namespaces: readonly string[]
  readonly nonResourceURLs: readonly string[]
  readonly omitStages: readonly Stage[]
  readonly omitManagedFields: boolean | undefined
}

interface GroupResources {
  readonly group: string
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

/** Which requests are written down, and how much of them (audit.k8s.io/v1 Policy). */
export interface Policy {
  readonly rules: readonly Rule[]
  readonly omitStages: readonly Stage[]
  readonly omitManagedFields: boolean
}

/** What is to be written down about one request. */
export interface Extent {
  readonly level: Level
  readonly omitStages: readonly Stage[]
  readonly omitManagedFields: boolean
}

/** The first rule that matches decides; without one nothing is written (k8s.io/apiserver/pkg/audit/policy/checker.go). */
export function extentOf(policy: Policy, user: UserInfo | undefined, attributes: RequestAttributes): Extent {
  const { omitStages, omitManagedFields } = policy
  const rule = policy.rules.find(each => matches(each, user, attributes))
  if (!rule) return { level: 'None', omitStages, omitManagedFields }
  return {
    level: rule.level,
    omitStages: [...omitStages, ...rule.omitStages],
    omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
  }
}

function matches(rule: Rule, user: UserInfo | undefined, attributes: RequestAttributes): boolean {
  const { users, userGroups, verbs, namespaces, resources, nonResourceURLs } = rule
  if (users.length > 0 && (!user || !users.includes(user.name))) return false
  if (userGroups.length > 0 && !user?.groups.some(group => userGroups.includes(group))) return false
  if (verbs.length > 0 && !verbs.includes(attributes.verb)) return false
  if (namespaces.length > 0 || resources.length > 0) return matchesResource(rule, attributes)
  if (nonResourceURLs.length === 0) return true
  const { path } = attributes
  return path !== undefined && nonResourceURLs.some(url => matchesPath(url, path))
}

const matchesPath = (url: string, path: string) =>
  url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))

function matchesResource({ namespaces, resources }: Rule, attributes: RequestAttributes): boolean {
  const { group, resource, subresource, namespace = '', name = '', path } = attributes
  if (path !== undefined || (namespaces.length > 0 && !namespaces.includes(namespace))) return false
  if (resources.length === 0) return true
  const full = subresource ? `${resource}/${subresource}` : resource
  const covers = (pattern: string) =>
    pattern === '*' || pattern === full || pattern === `${resource}/*` || (subresource && pattern === `*/${subresource}`)
  return resources.some(each => {
    if (each.group !== group) return false
    if (each.resources.length === 0) return true
    return (each.resourceNames.length === 0 || each.resourceNames.includes(name)) && each.resources.some(covers)
  })
}

type Json = Readonly<Record<string, unknown>>

/** Reads a policy; throws an Error that names everything that is wrong with it (pkg/apis/audit/validation). */
export function parsePolicy(value: unknown): Policy {
  const faults: string[] = []
  const policy = fieldsOf(value, '', faults, ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields'])
  if (policy.apiVersion !== 'audit.k8s.io/v1' || policy.kind !== 'Policy') {
    faults.push('it must be of apiVersion audit.k8s.io/v1 and kind Policy')
  }
  const given = Array.isArray(policy.rules) ? policy.rules : []
  if (given.length === 0) faults.push('rules: at least one is needed')
  const result = {
    rules: given.map((rule, i) => parseRule(rule, `rules[${i}]`, faults)),
    omitStages: stagesIn(policy, '', faults),
    omitManagedFields: policy.omitManagedFields === true,
  }
  if (faults.length > 0) throw new Error(`the audit policy is invalid: ${faults.join('; ')}`)
  return result
}

const lists = ['users', 'userGroups', 'verbs', 'namespaces', 'nonResourceURLs'] as const

function parseRule(value: unknown, at: string, faults: string[]): Rule {
  const rule = fieldsOf(value, at, faults, ['level', ...lists, 'resources', 'omitStages', 'omitManagedFields'])
  const level = levels.find(each => each === rule.level)
  if (!level) faults.push(`${at}.level: must be one of ${levels.join(', ')}`)
  const texts = Object.fromEntries(lists.map(name => [name, textsIn(rule, name, at, faults)]))
  const { users = [], userGroups = [], verbs = [], namespaces = [], nonResourceURLs = [] } = texts
  const given = Array.isArray(rule.resources) ? rule.resources : []
  const resources = given.map((each, i) => parseResources(each, `${at}.resources[${i}]`, faults))
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
    faults.push(`${at}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`)
  }
  for (const url of nonResourceURLs) {
    if (url !== '*' && !url.startsWith('/')) faults.push(`${at}.nonResourceURLs: ${url} must begin with a /`)
    if (url.slice(0, -1).includes('*')) faults.push(`${at}.nonResourceURLs: ${url} may have a * at the end only`)
  }
  return {
    level: level ?? 'None',
    ...{ users, userGroups, verbs, namespaces, nonResourceURLs, resources },
    omitStages: stagesIn(rule, at, faults),
    omitManagedFields: typeof rule.omitManagedFields === 'boolean' ? rule.omitManagedFields : undefined,
  }
}

function parseResources(value: unknown, at: string, faults: string[]): GroupResources {
  const fields = fieldsOf(value, at, faults, ['group', 'resources', 'resourceNames'])
  const group = typeof fields.group === 'string' ? fields.group : ''
  if (group.includes('/')) faults.push(`${at}.group: ${group} must be a group without a version`)
  const resources = textsIn(fields, 'resources', at, faults)
  const resourceNames = textsIn(fields, 'resourceNames', at, faults)
  if (resourceNames.length > 0 && resources.length === 0) faults.push(`${at}.resourceNames: needs resources`)
  return { group, resources, resourceNames }
}

/** The fields of an object; those that are unknown are faults. */
function fieldsOf(value: unknown, at: string, faults: string[], known: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.push(`${at || 'it'} must be an object`)
    return {}
  }
  for (const key of Object.keys(value)) if (!known.includes(key)) faults.push(`unknown field ${at ? `${at}.` : ''}${key}`)
  return value as Json
}

function textsIn(fields: Json, name: string, at: string, faults: string[]): string[] {
  const value = fields[name]
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every(each => typeof each === 'string')) return value
  faults.push(`${at}.${name}: must be a list of texts`)
  return []
}

function stagesIn(fields: Json, at: string, faults: string[]): Stage[] {
  const names = textsIn(fields, 'omitStages', at, faults)
  const found = stages.filter(stage => names.includes(stage))
  if (found.length < new Set(names).size) faults.push(`${at}.omitStages: must be of ${stages.join(', ')}`)
  return found
}
