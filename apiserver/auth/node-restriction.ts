import { Node } from '../../api/core/node.ts'
import { referredTo } from '../../api/core/pod-references.ts'
import { notFound } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import { deepEqual } from '../../lib/json.ts'
import { readRequest } from '../../lib/x509/request.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'
import { nodeNameOf } from './node-authorizer.ts'
import { forbidAttempt } from './refusal.ts'
import type { BoundPod } from './token-request.ts'

/** A write by a kubelet; of a deletion, `object` is what goes. */
interface NodeWrite {
  readonly node: string
  readonly attempt: Attempt
  readonly name: string
  readonly object: Loose
  readonly old: Loose | undefined
  readonly access: AdmissionContext['access']
}

/** An object of any kind, as far as these rules look into it. */
interface Loose {
  readonly metadata: KubeObject['metadata']
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

/** Answers the reason to refuse. */
type Rule = (write: NodeWrite) => string | undefined | Promise<string | undefined>

/**
 * What the path of a request does not show: a kubelet writes only its own Node, lease, CSINode and slices, creates only mirror
 * pods of itself, and changes of all of these only what is its business (plugin/pkg/admission/noderestriction/admission.go).
 */
export const nodeRestriction: AdmissionStep = {
  name: 'NodeRestriction',
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  subresources: ['status', 'eviction', 'binding', 'resize', 'ephemeralcontainers', 'approval'],
  // What is created is looked at before it is validated: a stranger is told that it is none of his business, not what is missing.
  admit: (attempt, context) => (attempt.operation === 'CREATE' ? restrict(attempt, context) : undefined),
  check: (attempt, context) => (attempt.operation === 'CREATE' ? undefined : restrict(attempt, context)),
}

async function restrict(attempt: Attempt, { access }: AdmissionContext): Promise<void> {
  const node = nodeNameOf(attempt.user)
  if (node === undefined) return
  const { kind } = attempt
  const rule = rules[kind.group ? `${kind.plural}.${kind.group}` : kind.plural]
  if (!rule) return
  const object = attempt.object as unknown as Loose
  const old = attempt.old as unknown as Loose | undefined
  const why = await rule({ node, attempt, name: attempt.name ?? object.metadata.name, object, old, access })
  if (why) throw forbidAttempt(attempt, why)
}

const rules: Readonly<Record<string, Rule>> = {
  async pods(write) {
    const { operation, subresource, kind, namespace } = write.attempt
    const { node, name, object, old, access } = write
    const isMine = (pod: Loose | undefined) => pod?.spec?.nodeName === node
    if (subresource === 'eviction') {
      const pod = (await access.get(kind, namespace, name)) as Loose | undefined
      if (!pod) throw notFound(kind, name)
      return isMine(pod) ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`
    }
    if (subresource === 'status') {
      if (!isMine(old)) return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`
      if (!deepEqual(object.metadata.labels ?? {}, old?.metadata.labels ?? {})) {
        return `node "${node}" cannot update labels through pod status`
      }
      const same = (field: string) => deepEqual(object.status?.[field] ?? [], old?.status?.[field] ?? [])
      if (!same('resourceClaimStatuses')) return `node "${node}" cannot update resource claim statues`
      return same('extendedResourceClaimStatus') ? undefined : `node "${node}" cannot update extended resource claim status`
    }
    if (subresource) return `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`
    if (operation === 'CREATE') return mirrorPod(write)
    if (operation === 'DELETE') {
      return isMine(old ?? object) ? undefined : `node "${node}" can only delete pods with spec.nodeName set to itself`
    }
    return `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`
  },

  nodes({ node, name, attempt, object, old }) {
    if (name !== node) return `node "${node}" is not allowed to modify node "${name}"`
    if (attempt.operation === 'DELETE') return undefined
    const configSource = object.spec?.configSource
    const odd = forbiddenLabels(object.metadata.labels ?? {}, old?.metadata.labels ?? {}).join(', ')
    if (!old) {
      if (configSource) return `node "${node}" is not allowed to create pods with a non-nil configSource`
      return odd ? `node "${node}" is not allowed to set the following labels: ${odd}` : undefined
    }
    if (configSource && !deepEqual(configSource, old.spec?.configSource)) {
      return `node "${node}" is not allowed to update configSource to a new non-nil configSource`
    }
    if (!deepEqual(object.spec?.taints ?? [], old.spec?.taints ?? [])) return `node "${node}" is not allowed to modify taints`
    if (!deepEqual(object.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) {
      return `node "${node}" is not allowed to modify ownerReferences`
    }
    return odd ? `is not allowed to modify labels: ${odd}` : undefined
  },

  persistentvolumeclaims({ node, attempt, object, old }) {
    if (attempt.subresource !== 'status') return 'may only update PVC status'
    if (attempt.operation !== 'UPDATE') return `unexpected operation "${attempt.operation}"`
    const isSame = deepEqual(withoutFigures(object), withoutFigures(old))
    return isSame ? undefined : `node "${node}" is not allowed to update fields other than status.quantity and status.conditions`
  },

  'leases.coordination.k8s.io': ({ node, name, attempt }) =>
    attempt.namespace !== 'kube-node-lease'
      ? 'can only access leases in the "kube-node-lease" system namespace'
      : name === node
        ? undefined
        : 'can only access node lease with the same name as the requesting node',

  'csinodes.storage.k8s.io': ({ node, name }) =>
    name === node ? undefined : 'can only access CSINode with the same name as the requesting node',

  'resourceslices.resource.k8s.io': ({ node, attempt: { operation }, object, old }) =>
    operation === 'UPDATE' || (old ?? object).spec?.nodeName === node
      ? undefined
      : `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`,

  'certificatesigningrequests.certificates.k8s.io'({ node, attempt, object }) {
    const { signerName, request } = object.spec ?? {}
    if (attempt.operation !== 'CREATE' || attempt.subresource || !nodeSigners.includes(String(signerName))) return undefined
    try {
      const names = readRequest(Buffer.from(String(request), 'base64').toString()).commonNames
      if (names.length === 1 && names[0] === `system:node:${node}`) return undefined
    } catch (error) {
      return `unable to parse csr: ${error instanceof Error ? error.message : String(error)}`
    }
    return `can only create a node CSR with CN=system:node:${node}`
  },
}

const nodeSigners = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet']
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** A kubelet announces the pods that it runs from files, and those may not refer to anything in the API. */
async function mirrorPod({ node, object, access }: NodeWrite): Promise<string | undefined> {
  const { annotations, ownerReferences = [] } = object.metadata
  if (annotations?.[mirrorAnnotation] === undefined) {
    return `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, node "${node}" can only create mirror pods`
  }
  if (object.spec?.nodeName !== node) return `node "${node}" can only create pods with spec.nodeName set to itself`
  if (ownerReferences.length > 1) return `node "${node}" can only create pods with a single owner reference set to itself`
  const [owner] = ownerReferences
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `node "${node}" can only create pods with an owner reference set to itself`
  }
  if (!owner.controller) return `node "${node}" can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `node "${node}" must not set blockOwnerDeletion on an owner reference`
  const known = await access.get(Node, undefined, node)
  if (!known) throw notFound(Node, node)
  if (known.metadata.uid !== owner.uid) {
    return `node ${node} UID mismatch: expected ${owner.uid} got ${known.metadata.uid}`
  }
  const resource = referredTo(object.spec ?? {})
  return resource && `node "${node}" can not create pods that reference ${resource}`
}

/** A claim without what a kubelet may report about it. */
function withoutFigures(claim: Loose | undefined): unknown {
  const { capacity: _c, conditions: _o, allocatedResources: _a, allocatedResourceStatuses: _s, ...status } = claim?.status ?? {}
  const { resourceVersion: _v, managedFields: _m, ...metadata } = { ...claim?.metadata } as Record<string, unknown>
  return { ...claim, metadata, status }
}

const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
])

type Labels = Readonly<Record<string, string>>

/** Labels that a kubelet added, changed or took away although they are not its own to set, in order. */
function forbiddenLabels(now: Labels, before: Labels): string[] {
  const keys = new Set([...Object.keys(now), ...Object.keys(before)])
  return [...keys].filter(key => now[key] !== before[key] && !isKubeletsOwn(key)).sort()
}

function isKubeletsOwn(key: string): boolean {
  const prefix = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
  const isIn = (domain: string) => prefix === domain || prefix.endsWith(`.${domain}`)
  if (isIn('node-restriction.kubernetes.io')) return false
  if (!isIn('kubernetes.io') && !isIn('k8s.io')) return true
  return kubeletLabels.has(key) || isIn('kubelet.kubernetes.io') || isIn('node.kubernetes.io')
}

/**
 * A kubelet gets tokens only for pods that run on it, for audiences that those pods ask for, or the drivers of their volumes. Answers the
 * reason to refuse.
 */
export function refuseTokenForNode(
  user: UserInfo,
  spec: {
    readonly audiences: readonly string[]
    readonly boundObjectRef?:
      | {
          readonly kind?: string | undefined
          readonly apiVersion?: string | undefined
          readonly name?: string | undefined
          readonly uid?: string | undefined
        }
      | undefined
  },
  pod: (KubeObject & BoundPod) | undefined,
  driverAudiences: readonly string[] = [],
): string | undefined {
  const node = nodeNameOf(user)
  if (node === undefined) return undefined
  const { kind, apiVersion, name = '', uid } = spec.boundObjectRef ?? {}
  if (apiVersion !== 'v1' || kind !== 'Pod' || !name) return 'node requested token not bound to a pod'
  if (!uid) return 'node requested token with a pod binding without a uid'
  if (!pod) throw notFound({ group: '', plural: 'pods' }, name)
  if (pod.metadata.uid !== uid) {
    return `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
  }
  if (pod.spec.nodeName !== node) return 'node requested token bound to a pod scheduled on a different node'
  if (spec.audiences.length > 1) return 'node may only request 0 or 1 audiences'
  const [audience = ''] = spec.audiences
  const sources = (pod.spec.volumes ?? []).flatMap(volume => volume.projected?.sources ?? [])
  const isAsked = sources.some(source => source.serviceAccountToken && (source.serviceAccountToken.audience ?? '') === audience)
  return isAsked || driverAudiences.includes(audience)
    ? undefined
    : `audience ${JSON.stringify(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`
}
