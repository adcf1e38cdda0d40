import type { StageList } from '../../../api/simulation/stages.ts'
import { type Bell, bell } from '../../../lib/bell.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { ByteStream } from '../byte-stream.ts'
import type { ContainerState, LinuxResources, Sandbox } from '../runtime.ts'
import type { Addresses } from './addresses.ts'
import type { Behaviour, Use } from './behaviour.ts'
import type { LogBuffer, TimedLine } from './log-buffer.ts'
import { type Play, type StageBook, stageBook } from './stage-book.ts'

/** What a dockerd is to the real runtime: it keeps pods alive while kubelets come and go, and serves the nodes of many clusters. */
export interface SimulatedEngine {
  readonly clock: Clock
  readonly random: Random
  /** What is to be played on its nodes. */
  readonly book: StageBook
  /** Plays these from now on, instead of what was to be played: pods that are there already keep what they were given. */
  play(list: StageList): void
  /** Milliseconds since it began, or since `play` was called last: what `from` and `until` of a stage count. */
  time(): number
  /** The records of one node, made on first use. */
  node(cluster: string, name: string): NodeRecords
  /** An engine that is not reachable fails every call of every runtime; what runs keeps running. */
  setReachable(reachable: boolean): void
  readonly isReachable: boolean
  /** Rings when the engine becomes reachable again or goes away, and when other stages are played. */
  readonly reachability: Bell
  /** Ends all that runs, and with it every timer. */
  close(): void
}

export interface NodeRecords {
  readonly name: string
  sandboxes: Map<string, SandboxRecord>
  containers: Map<string, ContainerRecord>
  /** The same by pod. */
  pods: Map<string, PodRecords>
  /** By id. */
  images: Map<string, ImageRecord>
  /** Ids of images that were removed: to have them again takes a pull. */
  removedImages: Set<string>
  addresses?: Addresses
  /** `protocol/address/port` of the node that a sandbox has taken. */
  hostPorts: Map<string, string>
  listeners: Set<(podUid: string | undefined) => void>
  /** Lines of its kernel, gathered while somebody reads them. */
  kernelLog?: string[]
  /** The next process id. */
  nextPid: number
}

export interface PodRecords {
  readonly sandboxes: Set<SandboxRecord>
  readonly containers: Set<ContainerRecord>
}

/** Only what is asked for later is kept of the configurations: thousands of these are alive at once. */
export interface SandboxRecord extends Sandbox {
  hostname: string
  /** What was told of it last. */
  told?: Sandbox
}

export interface ImageRecord {
  readonly id: string
  tags: string[]
  digests: string[]
  sizeInBytes: number
}

export interface ContainerRecord extends ContainerState {
  behaviour: Behaviour
  /** Since it was started, stages have their say. */
  use: Use
  play: Play | undefined
  /** The command line, if the simulated shell can really run it. */
  command?: readonly string[]
  isTty: boolean
  /** Absent: standard input is closed. */
  stdin?: ByteStream
  stdinOnce: boolean
  targetContainerId?: string
  resources: LinuxResources
  output: LogBuffer | undefined
  timedLines: readonly TimedLine[] | undefined
  /** Ends the life of a running container early. */
  kill?: (exitCode: number, reason: string, message?: string) => void
  /** Finds out anew when it will run out of memory. */
  rearm?: () => void
  /** Since it was told to stop: when it ends by itself, and how. */
  stopping?: { readonly at: number; readonly exitCode: number; readonly reason?: string | undefined }
  /** Made when somebody waits for output or for the end. */
  changed?: Bell
  /** What was told of it last, and the resources that it had then. */
  told: { readonly state: ContainerState; readonly resources: LinuxResources } | undefined
}

interface Options {
  clock: Clock
  random: Random
  stages?: StageList
}

export function simulatedEngine({ clock, random, stages = { stages: [] } }: Options): SimulatedEngine {
  const nodes = new Map<string, NodeRecords>()
  const reachability = bell()
  let isReachable = true
  let begunAt = clock.monotonic()
  const time = () => clock.monotonic() - begunAt
  const bookOf = (list: StageList) => stageBook({ list, seed: list.seed ?? random.below(2 ** 31), time })
  // Without stages no chance is taken, so that seeds give the same cluster as ever.
  let book = stageBook({ list: { stages: [] }, seed: 0, time })
  if (stages.stages.length > 0) book = bookOf(stages)
  return {
    clock,
    random,
    get book() {
      return book
    },
    play(list) {
      begunAt = clock.monotonic()
      book = bookOf(list)
      reachability.ring()
    },
    time,
    node(cluster, name) {
      const key = `${cluster}/${name}`
      const known = nodes.get(key)
      if (known) return known
      const made: NodeRecords = {
        name,
        sandboxes: new Map(),
        pods: new Map(),
        containers: new Map(),
        images: new Map(),
        removedImages: new Set(),
        hostPorts: new Map(),
        listeners: new Set(),
        nextPid: 1000,
      }
      nodes.set(key, made)
      return made
    },
    setReachable(reachable) {
      isReachable = reachable
      reachability.ring()
    },
    get isReachable() {
      return isReachable
    },
    reachability,
    close() {
      for (const { containers } of nodes.values()) for (const { kill } of containers.values()) kill?.(137, 'Error')
    },
  }
}
