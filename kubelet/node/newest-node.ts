import type { Node } from '../../api/core/node.ts'

/** What is known of the own node. */
interface KnownNode {
  /** By the watch. */
  readonly seen: Node | undefined
  /** As the kubelet has posted it last. */
  readonly posted: Node | undefined
  /** What would be registered, where the API is out of reach. */
  readonly drafted: Node | undefined
}

/** The newest object of the own node that says what there is to give. */
export function newestNode({ seen, posted, drafted }: KnownNode): Node | undefined {
  const isSeenNewer = Number(seen?.metadata.resourceVersion) >= Number(posted?.metadata.resourceVersion)
  const newest = seen && posted ? (isSeenNewer ? seen : posted) : (posted ?? seen)
  // An object whose status has not been posted yet would have room for nothing.
  return newest?.status.allocatable?.pods === undefined ? (drafted ?? newest) : newest
}
