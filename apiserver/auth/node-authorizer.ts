import type { UserInfo } from '../../api/user.ts'
import type { Decision } from './authorizer.ts'
import { nodeRules } from './default-roles.ts'
import { type PodLike, refersTo } from './pod-references.ts'
import { type ResourceAttributes, ruleMatches } from './rules.ts'

/** What is bound to which node, read from the watch caches without waiting. */
export interface NodePods {
  /** The pods bound to a node. */
  podsOn(nodeName: string): Iterable<PodLike>
  /** The node a pod is bound to. */
  nodeOf(namespace: string, podName: string): string | undefined
  /** The volume that a claim is bound to. */
  volumeOf(namespace: string, claimName: string): string | undefined
}

/**
 * A kubelet may touch its own Node, its lease, its pods, and read what its pods refer to; beyond that it holds the plain rules of
 * `system:node` (plugin/pkg/auth/authorizer/node/node_authorizer.go).
 */
export interface NodeAuthorizer {
  /** Whether the user is a kubelet. */
  concerns(user: UserInfo): boolean
  authorize(user: UserInfo, attributes: ResourceAttributes): Decision
}

const nodePrefix = 'system:node:'
const allowed: Decision = { allowed: true, reason: '' }
const refused: Decision = { allowed: false, reason: '' }

/** The node that a user is the kubelet of. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(nodePrefix) || !user.groups.includes('system:nodes')) return undefined
  return user.name.slice(nodePrefix.length) || undefined
}

export function nodeAuthorizer(pods: NodePods): NodeAuthorizer {
  return {
    concerns: user => nodeNameOf(user) !== undefined,
    authorize(user, attributes) {
      const nodeName = nodeNameOf(user)
      return nodeName !== undefined && allows(nodeName, attributes, pods) ? allowed : refused
    },
  }
}

const isRead = (verb: string) => verb === 'get' || verb === 'list' || verb === 'watch'

function allows(nodeName: string, attributes: ResourceAttributes, pods: NodePods): boolean {
  const check = checks[attributes.group ? `${attributes.resource}.${attributes.group}` : attributes.resource]
  if (check) return check(nodeName, attributes, pods)
  return nodeRules.some(rule => ruleMatches(rule, attributes))
}

type Check = (nodeName: string, attributes: ResourceAttributes, pods: NodePods) => boolean

/** The name asked for: in the path, or by a field selector. */
function nameOf({ name, fieldSelector }: ResourceAttributes): string | undefined {
  return name ?? term(fieldSelector, 'metadata.name')
}

function term(selector: string | undefined, field: string): string | undefined {
  for (const part of selector?.split(',') ?? []) {
    const [key, value] = part.split(/==?/)
    if (key === field) return value
  }
  return undefined
}

const readReferenced: Check = (nodeName, { verb, resource, subresource, namespace, ...rest }, pods) => {
  const name = nameOf({ verb, resource, ...rest })
  if (!isRead(verb) || subresource || !namespace || !name) return false
  for (const pod of pods.podsOn(nodeName)) {
    if (pod.metadata.namespace === namespace && refersTo(pod, resource, name)) return true
  }
  return false
}

const readClaim: Check = (nodeName, attributes, pods) => {
  if (attributes.subresource === 'status') {
    return isWrite(attributes.verb) && readReferenced(nodeName, { ...attributes, verb: 'get', subresource: undefined }, pods)
  }
  return attributes.verb === 'get' && readReferenced(nodeName, attributes, pods)
}

const isWrite = (verb: string) => verb === 'update' || verb === 'patch'

const checks: Record<string, Check> = {
  secrets: readReferenced,
  configmaps: readReferenced,
  persistentvolumeclaims: readClaim,
  persistentvolumes(nodeName, { verb, subresource, name }, pods) {
    if (verb !== 'get' || subresource || !name) return false
    for (const { metadata, spec } of pods.podsOn(nodeName)) {
      for (const volume of spec.volumes ?? []) {
        const claim =
          volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${metadata.name}-${volume.name}` : undefined)
        if (claim !== undefined && pods.volumeOf(metadata.namespace, claim) === name) return true
      }
    }
    return false
  },
  serviceaccounts(nodeName, { verb, subresource, namespace, name }, pods) {
    if (!namespace || !name) return false
    if (subresource === 'token' ? verb !== 'create' : subresource || verb !== 'get') return false
    for (const { metadata, spec } of pods.podsOn(nodeName)) {
      if (metadata.namespace === namespace && (spec.serviceAccountName || 'default') === name) return true
    }
    return false
  },
  'leases.coordination.k8s.io'(nodeName, { verb, subresource, namespace, name }) {
    if (subresource || namespace !== 'kube-node-lease') return false
    return verb === 'create' || (name === nodeName && (verb === 'get' || verb === 'delete' || isWrite(verb)))
  },
  'csinodes.storage.k8s.io'(nodeName, { verb, subresource, name }) {
    if (subresource) return false
    return verb === 'create' || (name === nodeName && (verb === 'get' || verb === 'delete' || isWrite(verb)))
  },
  nodes(nodeName, attributes) {
    const { verb, subresource } = attributes
    const isOwn = nameOf(attributes) === nodeName
    if (subresource) return subresource === 'status' && isOwn && isWrite(verb)
    return verb === 'create' || (isOwn && (isRead(verb) || isWrite(verb)))
  },
  pods(nodeName, { verb, subresource, namespace = '', name, fieldSelector }, pods) {
    if (subresource === 'status') return isWrite(verb) && name !== undefined && pods.nodeOf(namespace, name) === nodeName
    if (subresource === 'eviction') return verb === 'create' && name !== undefined && pods.nodeOf(namespace, name) === nodeName
    if (subresource) return false
    if (verb === 'list' || verb === 'watch') return term(fieldSelector, 'spec.nodeName') === nodeName
    if (verb === 'create') return true
    return (verb === 'get' || verb === 'delete') && name !== undefined && pods.nodeOf(namespace, name) === nodeName
  },
}

/**
 * What the path does not show: a kubelet creates only its own Node, lease and CSINode, and only mirror pods bound to itself.
 * Answers the reason to refuse (plugin/pkg/admission/noderestriction/admission.go).
 */
export function refuseForNode(
  user: UserInfo,
  { verb, resource, subresource }: ResourceAttributes,
  body: { metadata?: { name?: string; annotations?: Readonly<Record<string, string>> }; spec?: { nodeName?: string } },
): string | undefined {
  const nodeName = nodeNameOf(user)
  if (nodeName === undefined || verb !== 'create' || subresource) return undefined
  const name = body.metadata?.name ?? ''
  if (resource === 'nodes' && name !== nodeName) return `node "${nodeName}" is not allowed to modify node "${name}"`
  if (resource === 'leases' && name !== nodeName) {
    return 'can only access node lease with the same name as the requesting node'
  }
  if (resource === 'csinodes' && name !== nodeName) return 'can only access CSINode with the same name as the requesting node'
  if (resource !== 'pods') return undefined
  if (body.metadata?.annotations?.['kubernetes.io/config.mirror'] === undefined) {
    return `pod does not have "kubernetes.io/config.mirror" annotation, node "${nodeName}" can only create mirror pods`
  }
  if (body.spec?.nodeName !== nodeName) return `node "${nodeName}" can only create pods with spec.nodeName set to itself`
  return undefined
}
