import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import type { Dice } from './dice.ts'
import { nodeAffinity, podAffinity, spreadConstraints, words } from './random-terms.ts'

/** What a random cluster is about: with everything at once, hardly a pod would fit anywhere. */
export interface Themes {
  readonly resources: boolean
  readonly taints: boolean
  readonly nodeAffinity: boolean
  readonly ports: boolean
  readonly spread: boolean
  readonly affinity: boolean
  readonly volumes: boolean
  readonly disks: boolean
  readonly priorities: boolean
  /** Hardly any room, and newcomers are important. */
  readonly tight: boolean
  /** Some nodes lack labels. */
  readonly gaps: boolean
}

export interface PodSurroundings {
  readonly themes: Themes
  readonly nodes: readonly string[]
  /** Volumes that a pod of a namespace may have. */
  volumesFor(namespace: string, podName: string, uid: string): object[]
  ownersFor(namespace: string): object[]
}

export const images = ['web:1', 'db:2', 'registry.example/team/app', 'registry.example:5000/tool:3', 'rare:9']

function requests({ of, once }: Dice, { resources, tight }: Themes, isPlaced: boolean): object {
  if (!(resources || tight) || once(8)) return once(2) ? {} : { requests: {} }
  return {
    requests: {
      ...(!once(4) && { cpu: isPlaced ? of('100m', '250m', '500m', '1') : of('100m', '250m', '500m', '1', '1.5', '2') }),
      ...(!once(4) && { memory: isPlaced ? of('64Mi', '200Mi', '300Mi', '700M') : of('64Mi', '1Gi', '2Gi', '700M', '3Gi') }),
      ...(once(5) && { 'ephemeral-storage': of('1Gi', '4Gi') }),
      ...(once(6) && { 'example.com/gpu': of('1', '2', '0') }),
      ...(once(15) && { 'hugepages-2Mi': '4Mi' }),
    },
  }
}

function containers(dice: Dice, themes: Themes, prefix: string, most: number, isPlaced: boolean): object[] {
  const { of, once, below } = dice
  return Array.from({ length: Math.max(prefix === 'main' ? 1 : 0, below(most + 1)) }, (_, i) => ({
    name: `${prefix}-${i}`,
    image: of(...images),
    ...(prefix === 'init' && once(2) && { restartPolicy: 'Always' }),
    resources: requests(dice, themes, isPlaced),
    ...(themes.ports &&
      once(3) && {
        ports: [
          {
            containerPort: 80,
            hostPort: of(0, 80, 80, 443, 8080),
            protocol: of('TCP', 'TCP', 'UDP'),
            ...(once(3) && { hostIP: of('0.0.0.0', '10.0.0.1', '10.0.0.2') }),
          },
        ],
      }),
  }))
}

const toleration = ({ of }: Dice) =>
  of<object>(
    { operator: 'Exists' },
    { key: 'k1', operator: 'Exists' },
    { key: 'k1', operator: 'Equal', value: 'x', effect: 'NoSchedule' },
    { key: 'k2', value: 'y' },
    { key: 'k2', operator: 'Exists', effect: 'NoExecute' },
    { key: 'k1', operator: 'Exists', effect: 'PreferNoSchedule' },
    { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  )

function priorityIn({ of }: Dice, { tight, priorities }: Themes, isPlaced: boolean): number {
  if (tight && !isPlaced) return of(500, 1000)
  return priorities || tight ? of(-5, 0, 0, 10, 100, 700) : 0
}

function spec(dice: Dice, { themes, nodes }: PodSurroundings, isPlaced: boolean): object {
  const { of, once, list, below } = dice
  const init = once(3) ? containers(dice, themes, 'init', 3, isPlaced) : []
  const isPodLevel = themes.resources && once(12)
  const affinity = {
    ...(themes.nodeAffinity && once(2) && { nodeAffinity: nodeAffinity(dice, nodes) }),
    ...(themes.affinity && once(2) && podAffinity(dice)),
  }
  return {
    schedulerName: 'default-scheduler',
    priority: priorityIn(dice, themes, isPlaced),
    ...(once(12) && { preemptionPolicy: 'Never' }),
    containers: containers(dice, themes, 'main', 2, isPlaced),
    ...(init.length > 0 && { initContainers: init }),
    ...(isPodLevel && { resources: { requests: { cpu: of('1', '3'), memory: '1Gi' } } }),
    ...(once(10) && { overhead: { cpu: '50m', memory: '32Mi' } }),
    ...(themes.taints && { tolerations: list(2, () => toleration(dice)) }),
    ...(themes.nodeAffinity && once(4) && { nodeSelector: once(2) ? { disk: 'ssd' } : { rack: `r${below(2)}` } }),
    ...(Object.keys(affinity).length > 0 && { affinity }),
    ...(themes.spread && once(2) && { topologySpreadConstraints: spreadConstraints(dice) }),
  }
}

/** What the containers of a pod under resizing hold. */
function resizing({ of, once }: Dice): object {
  return {
    containerStatuses: [
      {
        name: 'main-0',
        resources: { requests: { cpu: of('50m', '2'), memory: '128Mi' } },
        ...(once(2) && { allocatedResources: { cpu: of('50m', '1'), memory: '256Mi' } }),
      },
    ],
    ...(once(2) && { conditions: [{ type: 'PodResizePending', status: 'True', reason: of('Infeasible', 'Deferred') }] }),
  }
}

/** Pods that are made one after the other start one after the other: which one is older is never left open. */
export function podFactory(dice: Dice, surroundings: PodSurroundings) {
  const { of, once } = dice
  let made = 0
  return (placed?: { readonly nodeName: string }): Pod => {
    const id = ++made
    const [name, uid, namespace] = [`pod-${id}`, `uid-${id}`, of('default', ...words.namespaces)]
    const labels = { app: of(...words.apps), ...(once(2) && { rev: of('1', '2') }) }
    const leaving = placed && once(10)
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }]
    const owners = surroundings.ownersFor(namespace)
    const volumes = surroundings.volumesFor(namespace, name, uid)
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        uid,
        resourceVersion: String(id),
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...(!once(15) && { labels }),
        ...(leaving && { deletionTimestamp: '2026-01-02T00:00:00Z' }),
        ...(owners.length > 0 && once(2) && { ownerReferences: [of(...owners)] }),
      },
      spec: { ...spec(dice, surroundings, placed !== undefined), ...(volumes.length > 0 && { volumes }), ...placed },
      status: {
        phase: placed ? 'Running' : 'Pending',
        ...(!placed && once(8) && { nominatedNodeName: of(...surroundings.nodes) }),
        ...(placed && { startTime: timestamp(Date.UTC(2026, 0, 1) + ((id * 7919) % 100_003) * 1000) }),
        ...(leaving && once(2) && { conditions }),
        ...(placed && once(12) && resizing(dice)),
      },
    } as unknown as Pod
  }
}
