import { DaemonSet } from '../../../api/apps/daemon-set.ts'
import { Deployment } from '../../../api/apps/deployment.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import { ReplicationController } from '../../../api/core/replication-controller.ts'
import { fromLabelMap, fromLabelSelector, matchesLabels, type Selector } from '../../../api/selectors.ts'
import type { KubeObject, OwnerReference } from '../../../api/transport.ts'
import { controllerOf } from '../../../client/watches.ts'
import { isActive } from '../../shared/pod-state.ts'
import type { Picture } from '../picture.ts'
import type { Invariant } from '../story.ts'
import { said } from './words.ts'

/** The owner that a reference names, where it may be one: a namespaced one in its own namespace. */
function livingOwner(picture: Picture, { metadata }: KubeObject, { uid, kind }: OwnerReference): KubeObject | undefined {
  const owner = picture.byUid(uid)
  if (owner?.kind !== kind) return undefined
  return owner.metadata.namespace === undefined || owner.metadata.namespace === metadata.namespace ? owner : undefined
}

/** Nothing outlives all its owners, and nobody names an owner that is gone. */
export const noOrphans: Invariant = picture => {
  const complaints: string[] = []
  for (const object of picture.all()) {
    const owners = object.metadata.ownerReferences ?? []
    const gone = owners.filter(owner => !livingOwner(picture, object, owner))
    if (gone.length === 0) continue
    const names = gone.map(({ kind, name }) => `${kind} ${name}`).join(', ')
    complaints.push(gone.length === owners.length ? said(object, `outlives ${names}`) : said(object, `still names ${names}`))
  }
  return complaints
}

export const atMostOneController: Invariant = picture =>
  [...picture.all()].flatMap(object =>
    (object.metadata.ownerReferences ?? []).filter(({ controller }) => controller).length > 1
      ? said(object, 'has two controllers')
      : [],
  )

/** Whoever was told to go is gone, but for what is in use. */
export const nothingIsLeaving: Invariant = picture => {
  const claimsInUse = new Set<string>()
  for (const { metadata, spec } of picture.of(Pod)) {
    for (const { persistentVolumeClaim } of spec.volumes ?? []) {
      if (spec.nodeName && persistentVolumeClaim) claimsInUse.add(`${metadata.namespace}/${persistentVolumeClaim.claimName}`)
    }
  }
  const mayStay = (object: KubeObject) => {
    const { namespace, name } = object.metadata
    if (object.kind === PersistentVolumeClaim.kind) return claimsInUse.has(`${namespace}/${name}`)
    return object.kind === PersistentVolume.kind && (object as PersistentVolume).status.phase === 'Bound'
  }
  return [...picture.all()].flatMap(object => {
    const { deletionTimestamp, finalizers } = object.metadata
    if (deletionTimestamp !== undefined && !mayStay(object)) return said(object, `has not gone; finalizers ${finalizers?.join()}`)
    const left = deletionTimestamp === undefined && finalizers?.some(name => name === 'orphan' || name === 'foregroundDeletion')
    return left ? said(object, 'stays, with a finalizer of the garbage collector') : []
  })
}

/** Those that select pods or replica sets, by UID. */
function selectors(picture: Picture): { owner: KubeObject; selector: Selector; of: string }[] {
  const bySelector = [DaemonSet, ReplicaSet, StatefulSet].flatMap(kind =>
    (picture.of(kind) as readonly ReplicaSet[]).map(owner => ({
      ...{ owner: owner as KubeObject, selector: fromLabelSelector(owner.spec.selector), of: Pod.kind },
    })),
  )
  const byMap = picture
    .of(ReplicationController)
    .map(owner => ({ owner: owner as KubeObject, selector: fromLabelMap(owner.spec.selector), of: Pod.kind }))
  const above = picture
    .of(Deployment)
    .map(owner => ({ owner: owner as KubeObject, selector: fromLabelSelector(owner.spec.selector), of: ReplicaSet.kind }))
  return [...bySelector, ...byMap, ...above]
}

/** Who belongs to a controller has the labels that it selects, and who has them and belongs to nobody is adopted. */
export const ownedAreSelected: Invariant = picture => {
  const all = selectors(picture)
  const complaints: string[] = []
  const judge = (object: KubeObject) => {
    const controller = controllerOf(object)
    const labels = object.metadata.labels ?? {}
    const own = all.find(({ owner }) => owner.metadata.uid === controller?.uid)
    if (own && !matchesLabels(own.selector, labels)) complaints.push(said(object, `is not selected by ${controller?.name}`))
    if (controller) return
    const adopter = all.find(
      ({ owner, selector, of }) =>
        of === object.kind && owner.metadata.namespace === object.metadata.namespace && matchesLabels(selector, labels),
    )
    const isFree = adopter?.owner.kind === StatefulSet.kind && !isNamedAfter(adopter.owner, object)
    if (adopter && !isFree)
      complaints.push(said(object, `should be adopted by ${adopter.owner.kind} ${adopter.owner.metadata.name}`))
  }
  for (const pod of picture.of(Pod)) if (isActive(pod)) judge(pod)
  for (const set of picture.of(ReplicaSet)) judge(set)
  return complaints
}

const isNamedAfter = ({ metadata: { name } }: KubeObject, object: KubeObject) =>
  object.metadata.name.startsWith(`${name}-`) && /^[0-9]+$/.test(object.metadata.name.slice(name.length + 1))
