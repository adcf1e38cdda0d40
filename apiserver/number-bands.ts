import type { Random } from '../lib/random.ts'

/** Numbers to choose from: `first` to `last`, of which the lowest `reserved` are only given when asked for, or when nothing else is left. */
export interface NumberBands {
  readonly first: number
  readonly last: number
  readonly reserved: number
}

/**
 * A free number: from a random place on through the upper band, then through the lower one; undefined: there is none
 * (k8s.io/kubernetes/pkg/registry/core/service/allocator, KEP-3070 and KEP-3668).
 */
export function freeNumber(bands: NumberBands, isTaken: (number: number) => boolean, random: Random): number | undefined {
  const { first, last, reserved } = bands
  const middle = first + reserved
  return walk(middle, last, isTaken, random) ?? walk(first, middle - 1, isTaken, random)
}

function walk(first: number, last: number, isTaken: (number: number) => boolean, random: Random): number | undefined {
  const size = last - first + 1
  if (size <= 0) return undefined
  const start = random.below(size)
  for (let step = 0; step < size; step++) {
    const candidate = first + ((start + step) % size)
    if (!isTaken(candidate)) return candidate
  }
  return undefined
}

/** Ports of nodes: 86 of them are kept for those who ask for a certain one (portallocator calculateRangeOffset). */
export const nodePorts: NumberBands = { first: 30_000, last: 32_767, reserved: 86 }
/** The node ports as people write them. */
export const nodePortRange = `${nodePorts.first}-${nodePorts.last}`

/** The usable addresses of an IPv4 range as numbers (ipallocator calculateRangeOffset); undefined: it has none. */
export function addressBands(cidr: string): NumberBands | undefined {
  const [address = '', bits = ''] = cidr.split('/')
  const size = 2 ** (32 - Number(bits))
  if (address.includes(':') || size < 4) return undefined
  const first = addressNumber(address) + 1
  const reserved = size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256)
  return { first, last: first + size - 3, reserved }
}

/** An IPv4 address as a number. */
export const addressNumber = (address: string): number =>
  address.split('.').reduce((number, part) => number * 256 + Number(part), 0)

/** The address that a number stands for. */
export const addressText = (number: number): string =>
  [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.')
