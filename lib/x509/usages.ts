/** Usages by the names that the API has for them (k8s.io/api/certificates/v1 KeyUsage): a bit of keyUsage, counted from the left ... */
const keyUsageBits: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
}

/** ... or an entry of extKeyUsage. */
const extendedUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
}

/** The bytes of keyUsage and how many bits of the last are unused, and the object identifiers of extKeyUsage, each once. Throws on others. */
export function usageBits(usages: readonly string[]): { bytes: Buffer; unused: number; extended: string[] } {
  const unknown = usages.filter(usage => keyUsageBits[usage] === undefined && extendedUsages[usage] === undefined)
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`)
  const set = usages.flatMap(usage => keyUsageBits[usage] ?? [])
  const highest = Math.max(-1, ...set)
  const bytes = Buffer.alloc(Math.floor(highest / 8) + 1)
  for (const bit of set) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  const extended = [...new Set(usages.flatMap(usage => extendedUsages[usage] ?? []))].sort()
  return { bytes, unused: highest < 0 ? 0 : 7 - (highest & 7), extended }
}
