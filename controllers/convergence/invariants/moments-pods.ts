import { DaemonSet } from '../../../api/apps/daemon-set.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { Job } from '../../../api/batch/job.ts'
import { Pod } from '../../../api/core/pod.ts'
import { controllerOf } from '../../../client/watches.ts'
import { targetNode } from '../../daemonset/placement.ts'
import { isActive, isReady } from '../../shared/pod-state.ts'
import type { Commit, Picture } from '../picture.ts'
import type { Onlooker } from '../stage.ts'
import { controlledBy, said } from './words.ts'

const isNewPod = ({ object, type, previous }: Commit): boolean =>
  type === 'put' && object.kind === Pod.kind && previous === undefined

/** When the spec of each object was last changed: whoever acts on what was true at that moment does no wrong. */
export function specChanges(): { note: (commit: Commit) => void; at: (uid: string) => number } {
  const changes = new Map<string, number>()
  return {
    note({ object, previous, time }) {
      if (previous?.metadata.generation !== object.metadata.generation) changes.set(object.metadata.uid, time)
    },
    at: uid => changes.get(uid) ?? 0,
  }
}

/** Nobody makes a pod too many: not a replica set, not a job, not even for a moment. */
export function neverTooMany(): Onlooker {
  const specs = specChanges()
  return (commit, picture) => {
    specs.note(commit)
    const { object, time, actor } = commit
    if (!isNewPod(commit) || actor === 'test') return []
    const owner = picture.byUid(controllerOf(object)?.uid ?? '')
    if (!owner || specs.at(owner.metadata.uid) >= time) return []
    const own = () => controlledBy(picture.of(Pod, object.metadata.namespace), owner).filter(isActive).length
    const most =
      owner.kind === ReplicaSet.kind
        ? (owner as ReplicaSet).spec.replicas
        : owner.kind === Job.kind
          ? (owner as Job).spec.parallelism
          : undefined
    if (most === undefined || own() <= most) return []
    return [said(owner, `made ${object.metadata.name}, and has ${own()} pods of ${most}`)]
  }
}

/** A daemon set has one pod on a node, or two while it surges. */
export function neverTwoDaemonsOnANode(): Onlooker {
  const surging = new Set<string>()
  return (commit, picture) => {
    const { object } = commit
    if (object.kind === DaemonSet.kind) {
      const { maxSurge = 0 } = (object as DaemonSet).spec.updateStrategy.rollingUpdate ?? {}
      if (maxSurge !== 0) surging.add(object.metadata.uid)
    }
    if (!isNewPod(commit)) return []
    const owner = picture.byUid(controllerOf(object)?.uid ?? '')
    if (owner?.kind !== DaemonSet.kind) return []
    const node = targetNode(object as Pod)
    const own = controlledBy(picture.of(Pod, object.metadata.namespace), owner).filter(isActive)
    const count = own.filter(pod => targetNode(pod) === node).length
    const most = surging.has(owner.metadata.uid) ? 2 : 1
    return count > most ? [said(owner, `has ${count} pods on ${node}`)] : []
  }
}

const placeOf = (name: string) => Number(name.slice(name.lastIndexOf('-') + 1))

/** Stateful sets that keep order make a pod when all before it are ready, and take a good one away when all others are good. */
export function oneAfterTheOther(): Onlooker {
  const specs = specChanges()
  /** When each pod was last good, by name: as of now, where it is. */
  const lastGood = new Map<string, number>()
  const isGood = (pod: Pod) => isReady(pod) && !pod.metadata.deletionTimestamp && isActive(pod)
  const key = ({ metadata }: Pod) => `${metadata.namespace}/${metadata.name}`

  const unready = (picture: Picture, set: StatefulSet, below: number, time: number): string[] => {
    const start = set.spec.ordinals?.start ?? 0
    const { namespace, name } = set.metadata
    const end = Math.min(below, start + set.spec.replicas)
    return Array.from({ length: Math.max(0, end - start) }, (_, i) => `${name}-${start + i}`).filter(each => {
      const pod = picture.get(Pod, namespace, each)
      return !(pod && isGood(pod)) && (lastGood.get(`${namespace}/${each}`) ?? -1) < time
    })
  }

  return (commit, picture) => {
    specs.note(commit)
    const { object, previous, time, actor, type } = commit
    if (object.kind !== Pod.kind) return []
    if (previous && isGood(previous as Pod)) lastGood.set(key(previous as Pod), time)
    const set = picture.byUid(controllerOf(object)?.uid ?? '') as StatefulSet | undefined
    if (set?.kind !== StatefulSet.kind || actor !== 'statefulset-controller') return []
    if (set.spec.podManagementPolicy === 'Parallel' || specs.at(set.metadata.uid) >= time) return []
    if (isNewPod(commit)) {
      const waiting = unready(picture, set, placeOf(object.metadata.name), time)
      return waiting.length > 0 ? [said(object, `was made before ${waiting} were ready`)] : []
    }
    const isTold = type === 'delete' || (object.metadata.deletionTimestamp && !previous?.metadata.deletionTimestamp)
    if (!isTold || !previous || !isGood(previous as Pod)) return []
    const others = unready(picture, set, Number.POSITIVE_INFINITY, time).filter(name => name !== object.metadata.name)
    return others.length > 0 ? [said(object, `was taken away while ${others} were not ready`)] : []
  }
}
