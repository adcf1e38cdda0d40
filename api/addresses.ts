import { BlockList, isIP } from 'node:net'
import { type FieldError, fieldError } from './field-errors.ts'

/**
 * What addresses and CIDRs may look like (k8s.io/apimachinery/pkg/util/validation/ip.go). New fields take canonical forms only;
 * legacy fields take leading zeros, too, and only have to be readable.
 */

type Family = 'ipv4' | 'ipv6'

/** `10.1.2.3` or `010.001.002.003` -> four numbers; IPv6 only as Node knows it. */
function readableIp(text: string): { family: Family; text: string } | undefined {
  if (isIP(text) === 6) return text.includes('%') ? undefined : { family: 'ipv6', text }
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number)
  return parts?.every(part => part <= 255) ? { family: 'ipv4', text: parts.join('.') } : undefined
}

const hasLeadingZeros = (address: string): boolean => !address.includes(':') && /(^|\.)0\d/.test(address)
const isMapped = (address: string): boolean => /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address)

/** The address as Go prints it: RFC 5952; undefined if it is none. */
export function canonicalIp(text: string): string | undefined {
  const ip = readableIp(text)
  if (ip?.family !== 'ipv6') return ip?.text
  return isMapped(text) ? text.slice(text.lastIndexOf(':') + 1) : new URL(`http://[${text}]`).hostname.slice(1, -1)
}

/** Which family an address or a CIDR is of; undefined if it is neither. */
export function familyOf(text: string): 'IPv4' | 'IPv6' | undefined {
  const family = readableIp(text.split('/')[0] ?? '')?.family
  return family && (family === 'ipv4' ? 'IPv4' : 'IPv6')
}

const badIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const badCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

/** An address in canonical form. */
export function strictIp(field: string, text: string): FieldError[] {
  const canonical = canonicalIp(text)
  if (canonical === undefined) return [fieldError.invalid(field, text, badIp)]
  if (hasLeadingZeros(text)) return [fieldError.invalid(field, text, 'must not have leading 0s')]
  if (isMapped(text)) return [fieldError.invalid(field, text, 'must not be an IPv4-mapped IPv6 address')]
  return text === canonical ? [] : [fieldError.invalid(field, text, `must be in canonical form (${JSON.stringify(canonical)})`)]
}

/** An address as older fields take it. */
export const legacyIp = (field: string, text: string): FieldError[] =>
  readableIp(text) ? [] : [fieldError.invalid(field, text, badIp)]

/** Addresses that nobody can be reached at from elsewhere (pkg/apis/core/validation ValidateEndpointIP). */
export function unusableAddress(field: string, address: string): FieldError[] {
  const invalid = (why: string) => [fieldError.invalid(field, address, why)]
  if (address === '0.0.0.0' || address === '::') return invalid(`may not be unspecified (${address})`)
  if (address.startsWith('127.') || address === '::1') return invalid('may not be in the loopback range (127.0.0.0/8, ::1/128)')
  if (address.startsWith('169.254.') || /^fe[89ab]/i.test(address)) {
    return invalid('may not be in the link-local range (169.254.0.0/16, fe80::/10)')
  }
  return address.startsWith('224.0.0.') || /^ff02:/i.test(address)
    ? invalid('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
    : []
}

interface Cidr {
  readonly family: Family
  /** Of the network: without the host's bits. */
  readonly address: string
  readonly prefix: number
}

/** Reads a CIDR; bits beyond the prefix are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const [, host = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const ip = readableIp(host)
  const prefix = Number(bits)
  if (!ip || bits === '' || prefix > (ip.family === 'ipv4' ? 32 : 128)) return undefined
  const value = bitsOf(ip.text)
  const width = ip.family === 'ipv4' ? 32n : 128n
  const hostBits = width - BigInt(prefix)
  return { family: ip.family, address: textOf((value >> hostBits) << hostBits, ip.family), prefix }
}

/** A CIDR as older fields take it. */
export const legacyCidr = (field: string, text: string): FieldError[] =>
  parseCidr(text) ? [] : [fieldError.invalid(field, text, badCidr)]

/** A CIDR in canonical form. */
export function strictCidr(field: string, text: string): FieldError[] {
  const cidr = parseCidr(text)
  if (!cidr) return [fieldError.invalid(field, text, badCidr)]
  const [host = '', bits = ''] = text.split('/')
  const invalid = (why: string) => [fieldError.invalid(field, text, why)]
  if (hasLeadingZeros(host) || /^0\d/.test(bits)) return invalid('must not have leading 0s in IP or prefix length')
  if (isMapped(host)) return invalid('must not have an IPv4-mapped IPv6 address')
  if (bitsOf(host) !== bitsOf(cidr.address)) return invalid('must not have bits set beyond the prefix length')
  const canonical = `${cidr.address}/${cidr.prefix}`
  return text === canonical ? [] : invalid(`must be in canonical form (${JSON.stringify(canonical)})`)
}

/** Whether an address lies in a CIDR. */
export function contains({ family, address, prefix }: Cidr, ip: string): boolean {
  const list = new BlockList()
  list.addSubnet(address, prefix, family)
  const readable = readableIp(ip)
  return readable?.family === family && list.check(readable.text, family)
}

function bitsOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((bits, part) => bits * 256n + BigInt(part), 0n)
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = (a = '0', b = '0') => (Number(a) * 256 + Number(b)).toString(16)
  const text = dotted ? `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}` : address
  const [head = '', tail] = text.split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const before = groups(head)
  const after = groups(tail)
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return all.reduce((bits, group) => bits * 65536n + BigInt(`0x${group}`), 0n)
}

function textOf(bits: bigint, family: Family): string {
  if (family === 'ipv4') return [24n, 16n, 8n, 0n].map(shift => String((bits >> shift) & 255n)).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 65535n).toString(16))
  return canonicalIp(groups.join(':')) ?? ''
}
