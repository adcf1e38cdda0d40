/** One volume that has to be attached before nodes can use it, and everybody who has to do with it. */
export interface Situation {
  /** More than one node may have it (util.IsMultiAttachAllowed). */
  readonly isShareable: boolean
  /** Whether it needs to be attached at all; what is attached all the same is detached like any other. */
  readonly isAttachable: boolean
  /** Nodes with pods that want it. */
  readonly wantedBy: readonly string[]
  readonly attachments: readonly Attachment[]
  readonly node: (name: string) => NodeView | undefined
  /** Since when it was found on a node where nobody wants it, in milliseconds. */
  readonly unwantedSince: (nodeName: string) => number
  readonly now: number
}

export interface Attachment {
  readonly name: string
  readonly nodeName: string
  /** Being detached. */
  readonly isLeaving: boolean
}

export interface NodeView {
  readonly isHealthy: boolean
  /** Somebody has said that the machine is off for sure. */
  readonly isOutOfService: boolean
  /** status.volumesInUse: its kubelet has it mounted, or is about to. */
  readonly isInUse: boolean
  /** status.volumesAttached: its kubelet has been told that it may mount it. */
  readonly isReported: boolean
}

export interface Plan {
  /** No longer told to these nodes as attached: the first step of detaching. */
  readonly withdraw: readonly string[]
  /** By name. */
  readonly detach: readonly Attachment[]
  /** Nodes to attach it to. */
  readonly attach: readonly string[]
  /** Nodes that want it in vain, as another one has it. */
  readonly refuse: readonly string[]
  readonly lookAgainInMs?: number
}

/** How long a node that has gone silent keeps what it had (attach_detach_controller.go ReconcilerMaxWaitForUnmountDuration). */
export const longestWaitInMs = 6 * 60_000

/** What is next for a volume: detaching comes before attaching (pkg/controller/volume/attachdetach/reconciler; semantics B13). */
export function planVolume(situation: Situation): Plan {
  const { attachments, wantedBy, isShareable, isAttachable } = situation
  const withdraw: string[] = []
  const detach: Attachment[] = []
  let lookAgainInMs = Number.POSITIVE_INFINITY
  for (const attachment of attachments) {
    const { nodeName, isLeaving } = attachment
    if (isLeaving || (isAttachable && wantedBy.includes(nodeName))) continue
    const node = situation.node(nodeName)
    const wait = waitFor(situation, nodeName)
    if (wait > 0) lookAgainInMs = Math.min(lookAgainInMs, wait)
    else if (node?.isReported) withdraw.push(nodeName)
    else detach.push(attachment)
  }
  const attach: string[] = []
  const refuse: string[] = []
  for (const nodeName of isAttachable ? wantedBy : []) {
    if (!situation.node(nodeName) || attachments.some(one => one.nodeName === nodeName)) continue
    const isElsewhere = attachments.length > 0 || attach.length > 0
    if (isElsewhere && !isShareable) refuse.push(nodeName)
    else attach.push(nodeName)
  }
  return { withdraw, detach, attach, refuse, ...(Number.isFinite(lookAgainInMs) && { lookAgainInMs }) }
}

/** How long a node that does not want a volume any more is left in peace: until it has unmounted it, if it can be asked. */
export function waitFor({ node, unwantedSince, now }: Situation, nodeName: string): number {
  const view = node(nodeName)
  if (view?.isOutOfService || (view && !view.isInUse)) return 0
  const left = Math.max(0, unwantedSince(nodeName) + longestWaitInMs - now)
  // A healthy node will say so when it is done, however long that takes; should it fall silent, that is found soon enough.
  return view?.isHealthy ? Math.max(left, 60_000) : left
}
