/** Hands out the pod addresses of one IPv4 block: the next free one after the last, wrapping (as the host-local plugin does). */
export interface Addresses {
  /** `undefined` when all are taken. */
  take(): string | undefined
  release(address: string): void
}

/** Addresses .2 to the last but one of the block; .0 is the network, .1 the gateway. Throws a RangeError on a malformed block. */
export function addressesOf(cidr: string): Addresses {
  const [, base, bits] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? []
  const prefix = Number(bits)
  if (base === undefined || prefix > 30) throw new RangeError(`not an IPv4 block with room for pods: ${cidr}`)
  const network = base.split('.').reduce((number, part) => number * 256 + Number(part), 0)
  const size = 2 ** (32 - prefix)
  const taken = new Set<number>()
  let last = 1
  return {
    take() {
      for (let tries = 0; tries < size - 3; tries++) {
        last = last + 1 >= size - 1 ? 2 : last + 1
        if (taken.has(last)) continue
        taken.add(last)
        return dotted(network + last)
      }
      return undefined
    },
    release(address) {
      taken.delete(address.split('.').reduce((number, part) => number * 256 + Number(part), 0) - network)
    },
  }
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.')
}
