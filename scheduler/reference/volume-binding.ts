import type { Node } from '../../api/core/node.ts'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { value } from '../../api/quantity.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import { claimCalled, claimVolumes, classOf, notFound } from './claims.ts'
import { type Cluster, labelsOf, type ReferencePlugin, type Refusal, type World } from './cluster.ts'
import { matchesTerm } from './node-selector.ts'

const name = 'VolumeBinding'
const outOfReach = "node(s) didn't match PersistentVolume's node affinity"
const nothingToBind = "node(s) didn't find available persistent volumes to bind"
const noRoom = 'node(s) did not have enough free storage'
const volumeGone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

const refuse = (...reasons: string[]): Refusal => ({ code: 'Unresolvable', plugin: name, reasons })

const isBound = ({ metadata, spec }: PersistentVolumeClaim) =>
  !!spec.volumeName && metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined

const storageClassOf = (claim: PersistentVolumeClaim, { storageClasses }: Cluster) =>
  storageClasses.find(({ metadata }) => metadata.name === classOf(claim))

const waitsForConsumer = (claim: PersistentVolumeClaim, cluster: Cluster) =>
  !claim.spec.volumeName && storageClassOf(claim, cluster)?.volumeBindingMode === 'WaitForFirstConsumer'

const claimsOf = (pod: Pod, cluster: Cluster) => claimVolumes(pod).flatMap(volume => claimCalled(volume.name, pod, cluster) ?? [])

function prepare(pod: Pod, cluster: Cluster): 'skip' | Refusal | undefined {
  const volumes = claimVolumes(pod)
  if (volumes.length === 0) return 'skip'
  const { namespace, name: podName, uid } = pod.metadata
  for (const { name: claimName, isEphemeral } of volumes) {
    const claim = claimCalled(claimName, pod, cluster)
    if (!claim && isEphemeral)
      return refuse(`waiting for ephemeral volume controller to create the persistentvolumeclaim "${claimName}"`)
    if (!claim) return refuse(notFound('persistentvolumeclaim', claimName))
    if (claim.status.phase === 'Lost')
      return refuse(
        `persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`,
      )
    if (claim.metadata.deletionTimestamp) return refuse(`persistentvolumeclaim "${claimName}" is being deleted`)
    const isOwn = claim.metadata.ownerReferences?.some(owner => owner.controller && owner.uid === uid)
    if (isEphemeral && !isOwn)
      return refuse(`PVC ${namespace}/${claimName} was not created for pod ${namespace}/${podName} (pod is not owner)`)
  }
  const isHopeless = claimsOf(pod, cluster).some(claim => !isBound(claim) && !waitsForConsumer(claim, cluster))
  return isHopeless ? refuse('pod has unbound immediate PersistentVolumeClaims') : undefined
}

const isReachable = ({ spec }: PersistentVolume, node: Node) =>
  spec.nodeAffinity?.required?.nodeSelectorTerms.some(term => matchesTerm(term, labelsOf(node))) ?? true

/** The first bound claim that is in the way decides the reason. */
function boundProblem(claims: readonly PersistentVolumeClaim[], node: Node, { volumes }: Cluster): string | undefined {
  for (const { spec } of claims) {
    const volume = volumes.find(({ metadata }) => metadata.name === spec.volumeName)
    if (!volume) return volumeGone
    if (!isReachable(volume, node)) return outOfReach
  }
  return undefined
}

const sizeOf = (quantities: Readonly<Record<string, string>> | undefined) => value(quantities?.storage ?? '0')

function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { namespace, name: claimName, uid } = spec.claimRef ?? {}
  return namespace === metadata.namespace && claimName === metadata.name && (!uid || uid === metadata.uid)
}

/** The smallest volume of the claim's class that will do; one that is reserved for the claim, or none (FindMatchingVolume). */
function matchingVolume(claim: PersistentVolumeClaim, node: Node, chosen: ReadonlySet<string>, { volumes }: Cluster) {
  const fits = volumes.filter(
    ({ metadata, spec, ...volume }) =>
      classOf({ metadata, spec }) === classOf(claim) &&
      !chosen.has(metadata.name) &&
      (!spec.claimRef || isReservedFor({ metadata, spec, ...volume } as PersistentVolume, claim)) &&
      sizeOf(spec.capacity) >= sizeOf(claim.spec.resources?.requests) &&
      (spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem') &&
      (spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '') &&
      !metadata.deletionTimestamp,
  )
  const reserved = fits.find(volume => isReservedFor(volume, claim))
  if (reserved) return isReachable(reserved, node) ? reserved : undefined
  const free = fits.filter(
    volume =>
      volume.status.phase === 'Available' &&
      isReachable(volume, node) &&
      (!claim.spec.selector || matchesLabels(fromLabelSelector(claim.spec.selector), volume.metadata.labels)) &&
      (claim.spec.accessModes ?? []).every(mode => volume.spec.accessModes?.includes(mode)),
  )
  return free.sort((a, b) => sizeOf(a.spec.capacity) - sizeOf(b.spec.capacity))[0]
}

/** Why a volume cannot be made for a claim on a node. */
function provisionProblem(claim: PersistentVolumeClaim, node: Node, cluster: Cluster): string | undefined {
  const storageClass = storageClassOf(claim, cluster)
  if (!storageClass?.provisioner || storageClass.provisioner === 'kubernetes.io/no-provisioner') return nothingToBind
  const topologies = storageClass.allowedTopologies ?? []
  const isAllowed = topologies.some(({ matchLabelExpressions = [] }) => {
    if (matchLabelExpressions.length === 0) return false
    return matchLabelExpressions.every(({ key, values }) => {
      const actual = labelsOf(node)[key]
      return actual !== undefined && values.includes(actual)
    })
  })
  if (topologies.length > 0 && !isAllowed) return nothingToBind
  const wanted = claim.spec.resources?.requests?.storage
  const driver = cluster.csiDrivers.find(({ metadata }) => metadata.name === storageClass.provisioner)
  if (wanted === undefined || !driver?.spec.storageCapacity) return undefined
  const hasRoom = cluster.capacities.some(({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) => {
    const limit = maximumVolumeSize ?? capacity
    const isNear = nodeTopology !== undefined && matchesLabels(fromLabelSelector(nodeTopology), labelsOf(node))
    return storageClassName === storageClass.metadata.name && isNear && limit !== undefined && value(limit) >= value(wanted)
  })
  return hasRoom ? undefined : noRoom
}

/** Claims whose node was chosen go there; the others get volumes, smallest claim first; what is left has to be made (binder.go). */
function unboundProblem(claims: readonly PersistentVolumeClaim[], node: Node, cluster: Cluster): string | undefined {
  const selectedNode = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.['volume.kubernetes.io/selected-node']
  const toBeMade = claims.filter(claim => selectedNode(claim) !== undefined)
  if (toBeMade.some(claim => selectedNode(claim) !== node.metadata.name)) return nothingToBind
  const bySize = claims
    .filter(claim => selectedNode(claim) === undefined)
    .sort((a, b) => sizeOf(a.spec.resources?.requests) - sizeOf(b.spec.resources?.requests))
  const chosen = new Set<string>()
  for (const claim of bySize) {
    const volume = matchingVolume(claim, node, chosen, cluster)
    if (volume) chosen.add(volume.metadata.name)
    else toBeMade.push(claim)
  }
  for (const claim of toBeMade) {
    const problem = provisionProblem(claim, node, cluster)
    if (problem) return problem
  }
  return undefined
}

function filter(pod: Pod, node: Node, { cluster }: World): Refusal | undefined {
  const claims = claimsOf(pod, cluster)
  const bound = boundProblem(claims.filter(isBound), node, cluster)
  const unbound = unboundProblem(
    claims.filter(claim => !isBound(claim)),
    node,
    cluster,
  )
  const reasons = [bound, unbound].filter(reason => reason !== undefined)
  return reasons.length > 0 ? refuse(...reasons) : undefined
}

/** Bound volumes in reach, and volumes for claims that wait for their first consumer (plugins/volumebinding). */
export const volumeBinding: ReferencePlugin = { name, prepare, filter }
