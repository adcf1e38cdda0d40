import { Node } from '../../api/core/node.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { on } from '../../client/watches.ts'
import { blockPool } from './block-pool.ts'

/** A range that is cut into equal blocks, one for each node it is meant for. */
export interface NodeRange {
  /** `10.244.0.0/16` */
  readonly cidr: string
  /** 24: blocks of 256 addresses. */
  readonly nodeMaskSize: number
  readonly isFor: (node: Node) => boolean
}

/**
 * Gives each node the next free block of the first range that is for it (pkg/controller/nodeipam). Blocks are handed out in turn, so that
 * one given back is used again only after a whole round. A block never changes while its node lives.
 */
export function nodeIpam(ranges: readonly NodeRange[]): Controller {
  const pools = ranges.map(({ cidr, nodeMaskSize, isFor }) => ({ cidr, isFor, blocks: blockPool(cidr, nodeMaskSize) }))
  /** Which block a node has, or is about to have; by name, of the node with that UID. */
  const given = new Map<string, { uid: string; block: string }>()
  /** Nodes that there was no block for. */
  const waiting = new Set<string>()
  let isPrimed = false

  return {
    name: 'node-ipam',
    watches: [on(Node, concerned)],
    writes: [Node],
    concurrency: 16,

    async reconcile({ client, lister, events }, name) {
      if (!isPrimed) prime(lister)
      const node = lister(Node).get(name)
      if (!node) return forget(name)
      if (node.spec.podCIDR) return remember(node, node.spec.podCIDR)
      const pool = pools.find(({ isFor }) => isFor(node))
      if (!pool) return
      const block = blockFor(node, pool, lister)
      if (block === undefined) {
        waiting.add(name)
        events.record(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
        throw new Error(`no block of ${pool.cidr} is free`)
      }
      const note = { rule: 'node-ipam/allocate', text: `${block} is the next free block of ${pool.cidr}` }
      const patch = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: block, podCIDRs: [block] } }
      await client.patch(Node, { name }, 'merge', patch, { note })
    },
  }

  /** Heartbeats concern nobody. A node that goes may leave its block to one that waits. */
  function concerned({ type, object, previous }: Change): readonly string[] {
    const { name } = object.metadata
    if (type === 'deleted') return [name, ...waiting]
    const { podCIDR } = (object as Node).spec
    return podCIDR && (previous as Node | undefined)?.spec.podCIDR === podCIDR ? [] : [name]
  }

  /** What the nodes have already is not given again. */
  function prime(lister: ReconcileContext['lister']): void {
    isPrimed = true
    for (const node of lister(Node).list()) if (node.spec.podCIDR) remember(node, node.spec.podCIDR)
  }

  function remember({ metadata: { name, uid } }: Node, block: string): void {
    waiting.delete(name)
    if (given.get(name)?.block !== block) forget(name)
    given.set(name, { uid, block })
    for (const { blocks } of pools) if (blocks.contains(block)) blocks.occupy(block)
  }

  function forget(name: string): void {
    waiting.delete(name)
    const { block } = given.get(name) ?? {}
    given.delete(name)
    if (block !== undefined) for (const { blocks } of pools) if (blocks.contains(block)) blocks.release(block)
  }

  function blockFor(
    { metadata: { name, uid } }: Node,
    { blocks }: (typeof pools)[number],
    lister: ReconcileContext['lister'],
  ): string | undefined {
    const known = given.get(name)
    // A patch that failed has left its block with the node already; a node made anew is another node.
    if (known?.uid === uid) return known.block
    forget(name)
    let block = blocks.take()
    if (block === undefined) {
      // Nodes may have gone while nobody was looking.
      for (const other of given.keys()) if (!lister(Node).get(other)) forget(other)
      block = blocks.take()
    }
    if (block !== undefined) given.set(name, { uid, block })
    return block
  }
}
