import { Node } from '../../api/core/node.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { blocksOf, parseCidr } from './cidr.ts'

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
  const pools = ranges.map(range => ({
    range,
    blocks: blocksOf(range.cidr, range.nodeMaskSize),
    next: 0,
    taken: new Map<string, string>(),
  }))
  let isPrimed = false

  return {
    name: 'node-ipam',
    watches: [on(Node)],
    writes: [Node],
    concurrency: 1,

    async reconcile({ client, lister, events }, name) {
      if (!isPrimed) for (const node of lister(Node).list()) remember(node)
      isPrimed = true
      const node = lister(Node).get(name)
      if (!node) return release(name)
      if (node.spec.podCIDR) return remember(node)
      const pool = pools.find(({ range }) => range.isFor(node))
      if (!pool) return
      const block = take(pool, name)
      if (block === undefined) {
        events.record(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
        throw new Error(`no block of ${pool.range.cidr} is free`)
      }
      const note = { rule: 'node-ipam/allocate', text: `${block} is the next free block of ${pool.range.cidr}` }
      await client.patch(Node, { name }, 'merge', { spec: { podCIDR: block, podCIDRs: [block] } }, { note })
    },
  }

  function remember(node: Node): void {
    const { podCIDR } = node.spec
    if (podCIDR)
      for (const pool of pools) if (parseCidr(pool.range.cidr).contains(podCIDR)) pool.taken.set(podCIDR, node.metadata.name)
  }

  function release(name: string): void {
    for (const { taken } of pools) for (const [block, owner] of taken) if (owner === name) taken.delete(block)
  }

  function take(pool: (typeof pools)[number], name: string): string | undefined {
    // A patch that failed has left its block with the node already.
    for (const [block, owner] of pool.taken) if (owner === name) return block
    for (let tried = 0; tried < pool.blocks.count; tried++) {
      const block = pool.blocks.at(pool.next)
      pool.next = (pool.next + 1) % pool.blocks.count
      if (pool.taken.has(block)) continue
      pool.taken.set(block, name)
      return block
    }
    return undefined
  }
}
