import { addFunctions, addNamespace, CelError, type Library } from './library.ts'

/** An address as its number and width; text in its canonical form. */
class IpValue {
  readonly bits: bigint
  readonly width: 32 | 128
  constructor(bits: bigint, width: 32 | 128) {
    this.bits = bits
    this.width = width
  }
  toString(): string {
    return this.width === 32 ? octets(this.bits).join('.') : shortestGroups(this.bits)
  }
}

class CidrValue {
  readonly ip: IpValue
  readonly prefix: number
  constructor(ip: IpValue, prefix: number) {
    this.ip = ip
    this.prefix = prefix
  }
  toString(): string {
    return `${this.ip}/${this.prefix}`
  }
}

const octets = (bits: bigint) => [24n, 16n, 8n, 0n].map(shift => (bits >> shift) & 255n)

/** RFC 5952: the longest run of zero groups is left out. */
function shortestGroups(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => Number((bits >> BigInt(112 - at * 16)) & 0xffffn))
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const text = (part: readonly number[]) => part.map(group => group.toString(16)).join(':')
  if (best.length < 2) return text(groups)
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groupsOf = (half: string): (number | undefined)[] =>
    half === '' ? [] : half.split(':').map(group => (/^[0-9a-fA-F]{1,4}$/.test(group) ? Number.parseInt(group, 16) : undefined))
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (embedded) {
    const tail = parseV4(embedded[2] ?? '')
    if (tail === undefined) return undefined
    return parseV6(`${embedded[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`)
  }
  const [left, right] = [groupsOf(halves[0] ?? ''), groupsOf(halves[1] ?? '')]
  const missing = 8 - left.length - right.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...left, ...Array.from({ length: missing }, () => 0), ...right]
  if (groups.includes(undefined)) return undefined
  return groups.reduce<bigint>((bits, group) => (bits << 16n) | BigInt(group ?? 0), 0n)
}

const isMapped = (bits: bigint) => bits >> 32n === 0xffffn

/** Addresses without a zone; those that hold an IPv4 address in IPv6 form are refused. */
function parseIp(text: string): IpValue {
  if (text.includes('%')) throw new CelError(`IP address ${JSON.stringify(text)} with zone value is not allowed`)
  const v4 = parseV4(text)
  if (v4 !== undefined) return new IpValue(v4, 32)
  const v6 = text.includes(':') ? parseV6(text) : undefined
  if (v6 === undefined) {
    const why = `ParseAddr(${JSON.stringify(text)}): unable to parse IP`
    throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ${why}`)
  }
  if (isMapped(v6)) throw new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`)
  return new IpValue(v6, 128)
}

function parseCidr(text: string): CidrValue {
  const [, address = '', prefix = ''] = /^(.*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const fault = (why: string) =>
    new CelError(`network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): ${why}`)
  if (prefix === '') throw fault("no '/'")
  let ip: IpValue
  try {
    ip = parseIp(address)
  } catch {
    throw fault('unable to parse IP')
  }
  if (Number(prefix) > ip.width) throw fault('prefix length out of range')
  return new CidrValue(ip, Number(prefix))
}

const works = (parse: (text: string) => unknown) => (text: string) => {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}

const start = ({ bits, width }: IpValue, prefix: number) => bits >> BigInt(width - prefix)
const containsIp = (cidr: CidrValue, ip: IpValue) =>
  cidr.ip.width === ip.width && start(cidr.ip, cidr.prefix) === start(ip, cidr.prefix)
const containsCidr = (cidr: CidrValue, other: CidrValue) => other.prefix >= cidr.prefix && containsIp(cidr, other.ip)
const masked = ({ ip, prefix }: CidrValue) =>
  new CidrValue(new IpValue(start(ip, prefix) << BigInt(ip.width - prefix), ip.width), prefix)

/** Whether an address begins with the bits of a network: `[text, width of the prefix]` per family. */
const within = (v4: string | undefined, v6: string | undefined) => {
  const networks = { 32: v4 && parseCidr(v4), 128: v6 && parseCidr(v6) }
  return (ip: IpValue) => {
    const network = networks[ip.width]
    return network ? containsIp(network, ip) : false
  }
}
const isUnspecified = within('0.0.0.0/32', '::/128')
const isLoopback = within('127.0.0.0/8', '::1/128')
const isLinkLocalUnicast = within('169.254.0.0/16', 'fe80::/10')
const isMulticast = within('224.0.0.0/4', 'ff00::/8')
const isLinkLocalMulticast = (ip: IpValue) =>
  ip.width === 32 ? ip.bits >> 8n === 0xe00000n : ip.bits >> 120n === 0xffn && ((ip.bits >> 112n) & 0x0fn) === 2n
const isBroadcast = ({ bits, width }: IpValue) => width === 32 && bits === 0xffffffffn
const isGlobalUnicast = (ip: IpValue) =>
  ![isUnspecified, isLoopback, isLinkLocalUnicast, isMulticast, isBroadcast].some(isOther => isOther(ip))

/** `ip('10.0.0.1')` and `cidr('10.0.0.0/8')`. */
export const networks: Library = env => {
  const ipType = 'net.IP'
  const cidrType = 'net.CIDR'
  env.registerType(ipType, { ctor: IpValue, fields: {} })
  env.registerType(cidrType, { ctor: CidrValue, fields: {} })
  env.registerOperator(`${ipType} == ${ipType}`, (a: IpValue, b: IpValue) => a.bits === b.bits && a.width === b.width)
  env.registerOperator(`${cidrType} == ${cidrType}`, (a: CidrValue, b: CidrValue) => String(a) === String(b))
  const namespace = addNamespace(env, 'ip')
  addFunctions(env, {
    [`ip(string): ${ipType}`]: parseIp,
    'isIP(string): bool': works(parseIp),
    [`${namespace}.isCanonical(string): bool`]: (_: unknown, text: string) => String(parseIp(text)) === text,
    [`${ipType}.family(): int`]: ({ width }: IpValue) => (width === 32 ? 4n : 6n),
    [`${ipType}.isUnspecified(): bool`]: isUnspecified,
    [`${ipType}.isLoopback(): bool`]: isLoopback,
    [`${ipType}.isLinkLocalMulticast(): bool`]: isLinkLocalMulticast,
    [`${ipType}.isLinkLocalUnicast(): bool`]: isLinkLocalUnicast,
    [`${ipType}.isGlobalUnicast(): bool`]: isGlobalUnicast,
    [`string(${ipType}): string`]: String,
    [`cidr(string): ${cidrType}`]: parseCidr,
    'isCIDR(string): bool': works(parseCidr),
    [`${cidrType}.containsIP(string): bool`]: (cidr: CidrValue, ip: string) => containsIp(cidr, parseIp(ip)),
    [`${cidrType}.containsIP(${ipType}): bool`]: containsIp,
    [`${cidrType}.containsCIDR(string): bool`]: (cidr: CidrValue, other: string) => containsCidr(cidr, parseCidr(other)),
    [`${cidrType}.containsCIDR(${cidrType}): bool`]: containsCidr,
    [`${cidrType}.ip(): ${ipType}`]: ({ ip }: CidrValue) => ip,
    [`${cidrType}.prefixLength(): int`]: ({ prefix }: CidrValue) => BigInt(prefix),
    [`${cidrType}.masked(): ${cidrType}`]: masked,
    [`string(${cidrType}): string`]: String,
  })
}
