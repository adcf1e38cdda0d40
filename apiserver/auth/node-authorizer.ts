import { type PodLike, refersTo } from '../../api/core/pod-references.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Decision } from './authorizer.ts'
import { nodeRules } from './default-roles.ts'
import { type ResourceAttributes, ruleMatches } from './rules.ts'

/** What is bound to which node, read from the watch caches without waiting. */
export interface NodePods {
  /** The pods bound to a node. */
  podsOn(nodeName: string): Iterable<PodLike>
  /** The node a pod is bound to. */
  nodeOf(namespace: string, podName: string): string | undefined
  /** The volume that a claim is bound to. */
  volumeOf(namespace: string, claimName: string): string | undefined
  /** Whether kubelets need a secret to mount a volume. */
  volumeNeedsSecret?(volume: string, namespace: string, secret: string): boolean
  /** The node that a volume attachment or a resource slice is about. */
  nodeOfObject?(resource: string, name: string): string | undefined
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
const isWrite = (verb: string) => verb === 'update' || verb === 'patch'

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

function isReferredTo(nodeName: string, attributes: ResourceAttributes, pods: NodePods): boolean {
  const { resource, namespace } = attributes
  const name = nameOf(attributes)
  if (!namespace || !name) return false
  for (const pod of pods.podsOn(nodeName)) {
    if (pod.metadata.namespace === namespace && refersTo(pod, resource, name)) return true
  }
  return false
}

const readReferenced: Check = (nodeName, attributes, pods) =>
  isRead(attributes.verb) && !attributes.subresource && isReferredTo(nodeName, attributes, pods)

const getReferenced: Check = (nodeName, attributes, pods) =>
  attributes.verb === 'get' && !attributes.subresource && isReferredTo(nodeName, attributes, pods)

/** Something that bears the node's name. The name of what is created is in the body: NodeRestriction looks at it. */
const ofSameName: Check = (nodeName, { verb, subresource, name }) => {
  if (subresource) return false
  return verb === 'create' || (name === nodeName && (verb === 'get' || verb === 'delete' || isWrite(verb)))
}

/** Something that belongs to a node by a field of its own. */
const ofThisNode: Check = (nodeName, { resource, name }, pods) =>
  name !== undefined && pods.nodeOfObject?.(resource, name) === nodeName

/** What a write is about is checked by NodeRestriction, which sees the object as it is at that moment. */
/** Whether one of the volumes that the pods of a node have through their claims is so. */
function someVolume(nodeName: string, pods: NodePods, isSo: (volume: string) => boolean): boolean {
  for (const { metadata, spec } of pods.podsOn(nodeName))
    for (const volume of spec.volumes ?? []) {
      const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${metadata.name}-${volume.name}` : undefined)
      const bound = claim === undefined ? undefined : pods.volumeOf(metadata.namespace, claim)
      if (bound && isSo(bound)) return true
    }
  return false
}

/** What a volume's driver needs to mount it. */
const readForVolume: Check = (nodeName, attributes, pods) => {
  const { verb, subresource, namespace } = attributes
  const name = nameOf(attributes)
  if (!isRead(verb) || subresource || !namespace || !name) return false
  return someVolume(nodeName, pods, volume => pods.volumeNeedsSecret?.(volume, namespace, name) ?? false)
}

const checks: Record<string, Check> = {
  secrets: (nodeName, attributes, pods) =>
    readReferenced(nodeName, attributes, pods) || readForVolume(nodeName, attributes, pods),
  configmaps: readReferenced,
  'resourceclaims.resource.k8s.io': getReferenced,
  persistentvolumeclaims(nodeName, attributes, pods) {
    if (attributes.subresource !== 'status') return getReferenced(nodeName, attributes, pods)
    return isWrite(attributes.verb) && isReferredTo(nodeName, attributes, pods)
  },
  persistentvolumes: (nodeName, { verb, subresource, name }, pods) =>
    verb === 'get' && !subresource && name !== undefined && name !== '' && someVolume(nodeName, pods, volume => volume === name),
  'volumeattachments.storage.k8s.io': (nodeName, attributes, pods) =>
    attributes.verb === 'get' && !attributes.subresource && ofThisNode(nodeName, attributes, pods),
  serviceaccounts(nodeName, attributes, pods) {
    const { verb, subresource, name } = attributes
    if (!name || (subresource === 'token' ? verb !== 'create' : subresource || verb !== 'get')) return false
    return isReferredTo(nodeName, attributes, pods)
  },
  'leases.coordination.k8s.io': (nodeName, attributes, pods) =>
    attributes.namespace === 'kube-node-lease' && ofSameName(nodeName, attributes, pods),
  'csinodes.storage.k8s.io': ofSameName,
  'resourceslices.resource.k8s.io'(nodeName, attributes, pods) {
    const { verb, subresource, fieldSelector } = attributes
    if (subresource) return false
    if (verb === 'create') return true
    if (verb === 'get' || verb === 'delete' || isWrite(verb)) return ofThisNode(nodeName, attributes, pods)
    return term(fieldSelector, 'spec.nodeName') === nodeName
  },
  nodes(nodeName, attributes) {
    const { verb, subresource } = attributes
    if (subresource) return subresource === 'status' && isWrite(verb)
    return verb === 'create' || isWrite(verb) || (isRead(verb) && nameOf(attributes) === nodeName)
  },
  pods(nodeName, attributes, pods) {
    const { verb, subresource, namespace = '', fieldSelector } = attributes
    const name = nameOf(attributes)
    const isMine = () => name !== undefined && pods.nodeOf(namespace, name) === nodeName
    if (subresource === 'status') return isWrite(verb)
    if (subresource === 'eviction') return verb === 'create' && isMine()
    if (subresource) return false
    if (verb === 'list' || verb === 'watch') return term(fieldSelector, 'spec.nodeName') === nodeName || isMine()
    return verb === 'create' || verb === 'delete' || (verb === 'get' && isMine())
  },
}
