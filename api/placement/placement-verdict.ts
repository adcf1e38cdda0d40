/** Where the scheduler would put a pod and what speaks for it, or why no node takes it. */
export interface PlacementVerdict {
  readonly totalNodes: number
  /** Absent: no node takes the pod. */
  readonly nodeName?: string
  /** How many nodes would take it; in a large cluster not all are looked at. */
  readonly feasible: number
  /** The best nodes, best first; none when there was nothing to choose. */
  readonly ranked: readonly {
    readonly nodeName: string
    readonly score: number
    /** What each of `plugins` gave, times its weight; told of the first two. */
    readonly points?: readonly number[]
  }[]
  readonly plugins: readonly string[]
  /** Upstream's sentence on why no node takes it; empty when one does. */
  readonly text: string
  /** The nodes that do not take it, by what they say. */
  readonly nodes: readonly {
    readonly count: number
    /** Some of their names. */
    readonly nodes: readonly string[]
    readonly reason: string
    readonly plugin: string
  }[]
  /** What would have to change, one sentence each; one of them may do. */
  readonly fits: readonly string[]
  /** Who would have to leave which node for it. */
  readonly preemption?: { readonly node: string; readonly victims: readonly string[] }
}
