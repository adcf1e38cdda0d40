/** Addresses as numbers. */
export interface AddressRange {
  readonly start: number
  readonly size: number
  readonly prefix: number
}

function addressOf(text: string): number {
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some(part => !Number.isInteger(part) || part < 0 || part > 255))
    throw new Error(`${text} is no IPv4 address`)
  return parts.reduce((sum, part) => sum * 256 + part, 0)
}

const addressText = (address: number) => [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256).join('.')

/** An IPv4 range, `10.244.0.0/16`, or a single address. Throws on anything else. */
export function rangeOf(text: string): AddressRange {
  const [address = '', length = '32'] = text.split('/')
  const prefix = Number(length)
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > 32) throw new Error(`${text} is no IPv4 range`)
  const size = 2 ** (32 - prefix)
  return { start: Math.floor(addressOf(address) / size) * size, size, prefix }
}

/** The blocks of a size that a range is cut into, by number. */
export function blocksOf(cidr: string, maskSize: number): { readonly count: number; at(index: number): string } {
  const { start, size, prefix } = rangeOf(cidr)
  if (maskSize < prefix || maskSize > 30) throw new Error(`${cidr} cannot be cut into blocks of /${maskSize}`)
  const blockSize = 2 ** (32 - maskSize)
  return { count: size / blockSize, at: index => `${addressText(start + index * blockSize)}/${maskSize}` }
}
