import { type Bell, bell } from '../../../lib/bell.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { ContainerState, Sandbox } from '../runtime.ts'
import type { Addresses } from './addresses.ts'
import type { Behaviour } from './behaviour.ts'

/** What a dockerd is to the real runtime: it keeps pods alive while kubelets come and go, and serves the nodes of many clusters. */
export interface SimulatedEngine {
  readonly clock: Clock
  readonly random: Random
  /** The records of one node, made on first use. */
  node(cluster: string, name: string): NodeRecords
  /** An engine that is not reachable fails every call of every runtime; what runs keeps running. */
  setReachable(reachable: boolean): void
  readonly isReachable: boolean
  /** Rings when the engine becomes reachable again or goes away. */
  readonly reachability: Bell
  /** Ends all that runs, and with it every timer. */
  close(): void
}

export interface NodeRecords {
  sandboxes: Map<string, SandboxRecord>
  containers: Map<string, ContainerRecord>
  addresses?: Addresses
  listeners: Set<(podUid: string | undefined) => void>
}

/** Only what is asked for later is kept of the configurations: thousands of these are alive at once. */
export interface SandboxRecord extends Sandbox {
  hostname: string
}

export interface LogLine {
  at: number
  stream: 'stdout' | 'stderr'
  text: string
}

export interface ContainerRecord extends ContainerState {
  behaviour: Behaviour
  /** The command line, if the simulated shell can really run it. */
  command?: readonly string[]
  isTty: boolean
  memoryLimitInBytes?: number
  output: LogLine[] | undefined
  /** Ends the life of a running container early. */
  kill?: (exitCode: number, reason: string) => void
  /** Made when somebody waits for output or for the end. */
  changed?: Bell
}

export function simulatedEngine({ clock, random }: { clock: Clock; random: Random }): SimulatedEngine {
  const nodes = new Map<string, NodeRecords>()
  const reachability = bell()
  let isReachable = true
  return {
    clock,
    random,
    node(cluster, name) {
      const key = `${cluster}/${name}`
      const known = nodes.get(key)
      if (known) return known
      const made: NodeRecords = { sandboxes: new Map(), containers: new Map(), listeners: new Set() }
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
