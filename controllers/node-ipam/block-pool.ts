import { blocksOf, rangeOf } from './cidr.ts'

/** The blocks of a range: which are taken, and which comes next. */
export interface BlockPool {
  /** Whether a range lies in the pool. */
  contains(cidr: string): boolean
  /** Marks all blocks that a range touches as taken. The next block to be handed out comes after them. */
  occupy(cidr: string): void
  /** Gives back what a range touches. */
  release(cidr: string): void
  /** The next free block after the one handed out last, so that one given back is used again only after a round; `undefined`: none is free. */
  take(): string | undefined
}

/** A range cut into blocks of a size, handed out in turn (pkg/controller/nodeipam/ipam/cidrset). */
export function blockPool(cidr: string, maskSize: number): BlockPool {
  const whole = rangeOf(cidr)
  const blocks = blocksOf(cidr, maskSize)
  const blockSize = whole.size / blocks.count
  const taken = new Set<number>()
  let next = 0

  const touched = (text: string): { first: number; last: number } => {
    const { start, size } = rangeOf(text)
    const first = Math.floor((start - whole.start) / blockSize)
    const last = Math.floor((start + size - 1 - whole.start) / blockSize)
    return { first: Math.max(0, first), last: Math.min(blocks.count - 1, last) }
  }

  return {
    contains(text) {
      if (text.includes(':')) return false // IPv6
      const { start, size } = rangeOf(text)
      return start >= whole.start && start + size <= whole.start + whole.size
    },
    occupy(text) {
      const { first, last } = touched(text)
      const isNews = !taken.has(last)
      for (let block = first; block <= last; block++) taken.add(block)
      if (isNews && last >= next) next = (last + 1) % blocks.count
    },
    release(text) {
      const { first, last } = touched(text)
      for (let block = first; block <= last; block++) taken.delete(block)
    },
    take() {
      if (taken.size >= blocks.count) return undefined
      while (taken.has(next)) next = (next + 1) % blocks.count
      const block = next
      taken.add(block)
      next = (next + 1) % blocks.count
      return blocks.at(block)
    },
  }
}
