import type { Node } from '../api/core/node.ts'
import type { PersistentVolume } from '../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../api/core/persistent-volume-claim.ts'
import type { Note } from '../api/journal.ts'
import type { CSIDriver } from '../api/storage/csi-driver.ts'
import type { CSINode } from '../api/storage/csi-node.ts'
import type { CSIStorageCapacity } from '../api/storage/csi-storage-capacity.ts'
import type { StorageClass } from '../api/storage/storage-class.ts'
import type { VolumeAttachment } from '../api/storage/volume-attachment.ts'
import type { Filters } from './filters.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Why a node, or every node, does not take a pod. `Unschedulable`: taking other pods away may help. `Unresolvable`: it cannot.
 * `Pending`: what is missing is under way already, so the event it waits for ends the wait at once, without a back-off.
 * An error that ends the attempt is thrown.
 */
export interface Refusal {
  readonly code: 'Unschedulable' | 'Unresolvable' | 'Pending'
  readonly plugin: string
  readonly reasons: readonly string[]
}

/** Equal refusals should be one object: they are counted by identity. */
export function unschedulable(plugin: string, ...reasons: string[]): Refusal {
  return { code: 'Unschedulable', plugin, reasons }
}

export function unresolvable(plugin: string, ...reasons: string[]): Refusal {
  return { code: 'Unresolvable', plugin, reasons }
}

export function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && 'code' in value
}

/** One attempt to find a node. Lives as long as the pod is being placed and bound. */
export interface Cycle {
  readonly pod: PodInfo
  readonly snapshot: Snapshot
}

export type PreFiltered<State> =
  /** The filter has nothing to say about this pod. */
  | 'skip'
  | { readonly refusal: Refusal }
  /** `nodes`: no other node can be right. */
  | { readonly state: State; readonly nodes?: ReadonlySet<string> }

/**
 * One rule of placement. Its functions look at the snapshot and at what its own pre-step worked out (`State`, `ScoreState`), and
 * nowhere else; only `preBind` may call the API. What a plugin leaves out, it does not take part in.
 */
export interface Plugin<State = unknown, ScoreState = unknown> {
  readonly name: string
  /** A reason why the pod may not even be queued (scheduling gates). */
  preEnqueue?(pod: PodInfo): string | undefined
  /** Says how the queue is sorted; there is one way only. */
  readonly sortsQueue?: true
  /**
   * What `preFilter`, `filter`, `preScore` and `score` look at of a pod, when beside that they look at nothing but the node they are
   * asked about: pods that agree in it then share the answers. Absent: they look at more, and are asked for every pod.
   */
  looksAt?(pod: PodInfo): unknown
  preFilter?(cycle: Cycle): PreFiltered<State>
  filter?(pod: PodInfo, node: NodeInfo, state: State): Refusal | undefined
  /** For what-if questions: a copy of the state, and what changes in it when another pod comes to or leaves a node. */
  copyState?(state: State): State
  podAdded?(state: State, other: PodInfo, node: NodeInfo, cycle: Cycle): void
  podRemoved?(state: State, other: PodInfo, node: NodeInfo, cycle: Cycle): void
  /** Asked when no node takes the pod; the first answer counts. `filters` are absent when no node was looked at. */
  postFilter?(cycle: Cycle, diagnosis: Diagnosis, filters: Filters | undefined): Promise<PostFiltered | undefined>
  preScore?(cycle: Cycle, nodes: readonly NodeInfo[]): 'skip' | { readonly state: ScoreState }
  /** Points before normalisation; without `normalize` a whole number from 0 to 100. */
  score?(pod: PodInfo, node: NodeInfo, state: ScoreState): number
  /** Changes the scores of all feasible nodes into whole numbers from 0 to 100, in place. */
  normalize?(scores: Scores, nodes: readonly NodeInfo[], state: ScoreState): void
  /** Takes what the pod needs beside room on the node, locally; a refusal or an exception calls it off. */
  reserve?(cycle: Cycle, nodeName: string): Refusal | undefined | void
  unreserve?(cycle: Cycle, nodeName: string): void
  /** The last word before the binding: agrees, refuses, or wants to be waited for. */
  permit?(cycle: Cycle, nodeName: string): Permission
  /** Runs beside the loop, before the bind; may call the API and wait. Rejects or refuses to call the binding off. */
  preBind?(cycle: Cycle, nodeName: string, signal: AbortSignal): Promise<Refusal | void>
  /** Makes the decision true; 'skip' leaves it to the next plugin. */
  bind?(cycle: Cycle, nodeName: string, reasons: BindReasons): Promise<'skip' | void>
  /** Told after the pod was bound. */
  postBind?(cycle: Cycle, nodeName: string): void
  /** Which changes may help a pod that this plugin refused; absent: any change may. */
  readonly wakes?: Wakes
  /** Which events may open the gate of `preEnqueue`; absent: those it has `wakes` for. */
  opensOn?(event: ClusterEvent): boolean
}

/** `undefined`: go on. `waitInMs`: not before the plugin allows it through the waiting pods, so long at most. */
export type Permission = undefined | Refusal | { readonly waitInMs: number }

/** What a bind says of itself in the journal. */
export interface BindReasons {
  readonly wokenBy: readonly number[]
  readonly note?: Note
}

/** The functions that a profile may switch on and off and put in an order of its own; as upstream names and lists them. */
export const extensionPoints = [
  'preFilter',
  'filter',
  'postFilter',
  'reserve',
  'preScore',
  'score',
  'preBind',
  'bind',
  'postBind',
  'permit',
  'preEnqueue',
  'queueSort',
] as const
export type ExtensionPoint = (typeof extensionPoints)[number]

/** As many numbers as there are feasible nodes. */
export type Scores = Float64Array

export interface WeightedPlugin {
  readonly plugin: Plugin
  /** How much its score counts; absent: 1. */
  readonly weight?: number
}

/** Why no node took a pod. */
export interface Diagnosis {
  readonly totalNodes: number
  /** The names of the nodes by what they said. */
  readonly refusals: ReadonlyMap<Refusal, readonly string[]>
  /** Set when a plugin refused before any node was looked at. */
  readonly preFilter?: Refusal
  /** The plugins that refused. */
  readonly plugins: ReadonlySet<string>
  /** Those of them that wait for something that is under way. */
  readonly pending?: ReadonlySet<string>
}

export interface PostFiltered {
  /** The node to wait for; '' takes an earlier nomination back; absent leaves it. */
  readonly nominatedNode?: string
  /** The pods that have to leave that node, `namespace/name`. */
  readonly victims?: readonly string[]
  /** Why no room could be made; ends the message. */
  readonly message?: string
}

/** What the objects of an event are, by the resource they belong to. */
export interface EventObjects {
  /** A pod that has a node. */
  assignedPod: PodInfo
  node: Node
  claim: PersistentVolumeClaim
  volume: PersistentVolume
  storageClass: StorageClass
  csiNode: CSINode
  csiDriver: CSIDriver
  storageCapacity: CSIStorageCapacity
  attachment: VolumeAttachment
  /** The refused pod itself. */
  self: PodInfo
}

export interface ResourceChange<T> {
  readonly action: 'add' | 'update' | 'delete'
  readonly before?: T | undefined
  readonly after?: T | undefined
}

export type Resource = keyof EventObjects

/** Something happened that may make room. */
export type ClusterEvent = {
  [R in Resource]: ResourceChange<EventObjects[R]> & { readonly resource: R; readonly revision: number }
}[Resource]

/** For each resource whose changes may help: whether this change may help this pod. Saying yes too often only costs time. */
export type Wakes = { readonly [R in Resource]?: (pod: PodInfo, change: ResourceChange<EventObjects[R]>) => boolean }

/** Whether a plugin that refused a pod wants it tried again after an event. A hint that fails means yes: nobody must wait for a bug. */
export function isWokenBy({ wakes }: Plugin, pod: PodInfo, event: ClusterEvent): boolean {
  if (!wakes) return true
  const ask = wakes[event.resource] as ((pod: PodInfo, change: ClusterEvent) => boolean) | undefined
  try {
    return ask?.(pod, event) ?? false
  } catch {
    return true
  }
}

/** Whether an event is one that may open a plugin's gate. */
export function mayOpen({ wakes, opensOn }: Plugin, event: ClusterEvent): boolean {
  return opensOn ? opensOn(event) : !wakes || wakes[event.resource] !== undefined
}

/** Scales to 0..100 by the largest, rounding down; `isReversed`: the largest becomes the worst (plugins/helper/normalize_score.go). */
export function normalizeByLargest(scores: Scores, isReversed: boolean): void {
  let largest = 0
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) > largest) largest = scores[i] as number
  if (largest === 0) return void scores.fill(isReversed ? 100 : 0)
  for (let i = 0; i < scores.length; i++) {
    const score = Math.trunc((100 * (scores[i] ?? 0)) / largest)
    scores[i] = isReversed ? 100 - score : score
  }
}
