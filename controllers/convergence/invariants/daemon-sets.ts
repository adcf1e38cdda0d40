import { ControllerRevision } from '../../../api/apps/controller-revision.ts'
import { DaemonSet } from '../../../api/apps/daemon-set.ts'
import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { Node } from '../../../api/core/node.ts'
import { Pod } from '../../../api/core/pod.ts'
import { isActive, isAvailable, isReady } from '../../shared/pod-state.ts'
import type { Invariant } from '../story.ts'
import { controlledBy, differences, said } from './words.ts'

const hashOf = ({ metadata }: Pod) => metadata.labels?.['controller-revision-hash'] ?? ''

/** Where a set should have a pod. */
const isFor = ({ spec: { template } }: DaemonSet, labels: Readonly<Record<string, string>>) =>
  Object.entries(template.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)

/** Daemon sets have one pod, of their newest template, on every node that fits, and none elsewhere; all nodes take pods by now. */
export const daemonSetsAreComplete: Invariant = picture =>
  picture.of(DaemonSet).flatMap(set => {
    const { spec, status, metadata } = set
    const own = controlledBy(picture.of(Pod, metadata.namespace), set).filter(isActive)
    const revisions = controlledBy(picture.of(ControllerRevision, metadata.namespace), set)
    const newest = revisions.reduce((a, b) => (a && a.revision > b.revision ? a : b), revisions[0])
    const hash = newest?.metadata.labels?.['controller-revision-hash']
    const complaints: string[] = []
    const fitting = picture
      .of(Node)
      .filter(node => isFor(set, node.metadata.labels ?? {}))
      .map(node => node.metadata.name)
    const places = own.map(pod => pod.spec.nodeName ?? '').sort()
    if (places.join() !== [...fitting].sort().join()) complaints.push(said(set, `has pods on ${places}, wants ${fitting}`))
    const updated = own.filter(pod => pod.metadata.labels?.['controller-revision-hash'] === hash).length
    if (spec.updateStrategy.type === 'RollingUpdate' && updated !== own.length) {
      complaints.push(said(set, `has ${updated} pods of ${own.length} of its newest revision ${hash}`))
    }
    const available = own.filter(pod => isAvailable(pod, spec.minReadySeconds ?? 0, picture.now)).length
    return [
      ...complaints,
      ...differences(set, status, {
        ...{ desiredNumberScheduled: fitting.length, currentNumberScheduled: fitting.length, numberMisscheduled: 0 },
        ...{ numberReady: own.filter(isReady).length, numberAvailable: available, updatedNumberScheduled: updated },
        ...{ numberUnavailable: fitting.length - available, observedGeneration: metadata.generation },
      }),
    ]
  })

/** Revisions of one set have numbers of their own, the newest is what is served, and no more are kept than may be. */
export const revisionsAreInOrder: Invariant = picture =>
  [...picture.of(StatefulSet), ...picture.of(DaemonSet)].flatMap(set => {
    const own = controlledBy(picture.of(ControllerRevision, set.metadata.namespace), set)
    const numbers = own.map(({ revision }) => revision)
    const complaints: string[] = []
    if (own.length === 0) complaints.push(said(set, 'has no revision'))
    if (new Set(numbers).size !== numbers.length) complaints.push(said(set, `has revisions ${numbers}, not all different`))
    const template = own.filter(({ revision }) => revision === Math.max(...numbers)).map(({ data }) => JSON.stringify(data))[0]
    const image = set.spec.template.spec.containers[0]?.image
    if (!template?.includes(`"${image}"`)) complaints.push(said(set, `has a newest revision without ${image}`))
    const hashes = new Set(controlledBy(picture.of(Pod, set.metadata.namespace), set).map(hashOf))
    const status = set.status as { currentRevision?: string; updateRevision?: string }
    const newest = Math.max(...numbers)
    const idle = own.filter(({ metadata, revision }) => {
      // The newest stays, whether any pod is of it or not.
      if (revision === newest) return false
      const isServed = hashes.has(metadata.name) || hashes.has(metadata.labels?.['controller-revision-hash'] ?? '')
      return !isServed && metadata.name !== status.currentRevision && metadata.name !== status.updateRevision
    })
    const most = set.spec.revisionHistoryLimit ?? 10
    if (idle.length > most) complaints.push(said(set, `keeps ${idle.length} old revisions instead of ${most}`))
    return complaints
  })
