import { DaemonSet } from '../../../api/apps/daemon-set.ts'
import { Deployment } from '../../../api/apps/deployment.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { HorizontalPodAutoscaler } from '../../../api/autoscaling/horizontal-pod-autoscaler.ts'
import { Pod } from '../../../api/core/pod.ts'
import { PodDisruptionBudget } from '../../../api/policy/pod-disruption-budget.ts'
import { fromLabelSelector, matchesLabels } from '../../../api/selectors.ts'
import type { KubeObject } from '../../../api/transport.ts'
import { controllerOf } from '../../../client/watches.ts'
import { isFinished, isReady } from '../../shared/pod-state.ts'
import type { Picture } from '../picture.ts'
import type { Invariant } from '../story.ts'
import { differences, isTrue, said } from './words.ts'

const share = (value: number | string, of: number) =>
  typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * of) / 100)

/** How many pods the controllers of some want; undefined: one of them has no scale. */
function scaleOf(picture: Picture, pods: readonly Pod[]): number | undefined {
  const owners = new Map<string, number>()
  for (const pod of pods) {
    let owner = picture.byUid(controllerOf(pod)?.uid ?? '')
    if (!owner) continue
    if (owner.kind === DaemonSet.kind) return undefined
    const above = picture.byUid(controllerOf(owner)?.uid ?? '')
    if (above?.kind === Deployment.kind) owner = above
    owners.set(owner.metadata.uid, (owner as ReplicaSet).spec.replicas)
  }
  return [...owners.values()].reduce((sum, each) => sum + each, 0)
}

/** Budgets say what counting anew says. */
export const budgetsAreRight: Invariant = picture =>
  picture.of(PodDisruptionBudget).flatMap(budget => {
    const { spec, status, metadata } = budget
    const selector = fromLabelSelector(spec.selector)
    const selected = picture.of(Pod, metadata.namespace).filter(pod => matchesLabels(selector, pod.metadata.labels ?? {}))
    const byScale = spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'
    const scale = scaleOf(picture, selected)
    if (byScale && scale === undefined)
      return status.disruptionsAllowed === 0 ? [] : [said(budget, 'allows what it cannot count')]
    const counted = selected
    const expectedPods = byScale ? (scale ?? 0) : counted.length
    const { minAvailable = 0, maxUnavailable } = spec
    const desiredHealthy =
      maxUnavailable === undefined
        ? share(minAvailable, expectedPods)
        : Math.max(0, expectedPods - share(maxUnavailable, expectedPods))
    const leaving = status.disruptedPods ?? {}
    const isHealthy = (pod: Pod) => isReady(pod) && !pod.metadata.deletionTimestamp && !(pod.metadata.name in leaving)
    const currentHealthy = selected.filter(isHealthy).length
    const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0
    return [
      ...differences(budget, status, { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed }),
      ...differences(budget, status, { observedGeneration: metadata.generation }),
      ...(isTrue(status.conditions, 'DisruptionAllowed') === disruptionsAllowed > 0
        ? []
        : [said(budget, 'has the wrong condition')]),
      ...(Object.keys(leaving).length > 0 ? [said(budget, `still waits for ${Object.keys(leaving)}`)] : []),
    ]
  })

/** No pod says that it is about to be disrupted when nobody disrupts it. */
export const nobodyFearsForNothing: Invariant = picture =>
  picture
    .of(Pod)
    .flatMap(pod =>
      isFinished(pod) || !isTrue(pod.status.conditions, 'DisruptionTarget') ? [] : [said(pod, 'still says that it is disrupted')],
    )

/** What is scaled has a size within its bounds, and its autoscaler says so. */
export const scalersAreSettled: Invariant = picture =>
  picture.of(HorizontalPodAutoscaler).flatMap(scaler => {
    const { spec, status, metadata } = scaler
    const kind = [Deployment, StatefulSet, ReplicaSet].find(({ kind }) => kind === spec.scaleTargetRef.kind)
    const target =
      kind && (picture.get(kind, metadata.namespace, spec.scaleTargetRef.name) as (ReplicaSet & KubeObject) | undefined)
    if (!target) return isTrue(status.conditions, 'AbleToScale') ? [said(scaler, 'is able to scale what is not there')] : []
    const { replicas } = target.spec
    if (replicas === 0) return isTrue(status.conditions, 'ScalingActive') ? [said(scaler, 'is active at zero')] : []
    const { minReplicas = 1, maxReplicas } = spec
    const isWithin = replicas >= minReplicas && replicas <= maxReplicas
    return [
      ...(isWithin ? [] : [said(scaler, `leaves ${replicas}, not ${minReplicas} to ${maxReplicas}`)]),
      ...differences(scaler, status, {
        currentReplicas: replicas,
        desiredReplicas: replicas,
        observedGeneration: metadata.generation,
      }),
    ]
  })
