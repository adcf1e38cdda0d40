import { isIP } from 'node:net'
import { type Der, oidText, parts } from './der-reader.ts'
import { implicit, oid, sequence, set, utf8 } from './der-writer.ts'

/** Who a certificate names: CN and any number of O. */
export interface Name {
  readonly commonName: string
  readonly organizations?: readonly string[]
}

/** All that a certificate goes by beside its subject (RFC 5280, 4.2.1.6). */
export interface AlternativeNames {
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
}

const commonName = '2.5.4.3'
const organization = '2.5.4.10'

export function nameDer({ commonName: name, organizations = [] }: Name): Buffer {
  const part = (type: string, value: string) => set(sequence(oid(type), utf8(value)))
  return sequence(...organizations.map(value => part(organization, value)), part(commonName, name))
}

/** The CNs and Os of a name; a name has one CN usually. Throws when it cannot be read. */
export function readName(name: Der): { commonNames: string[]; organizations: string[] } {
  const attributes = parts(name).flatMap(each => parts(each))
  const of = (wanted: string) =>
    attributes.flatMap(attribute => {
      const [type, value] = parts(attribute)
      return type && value && oidText(type) === wanted ? [value.content.toString('utf8')] : []
    })
  return { commonNames: of(commonName), organizations: of(organization) }
}

/** Host names and addresses told apart. */
export function hostNames(hosts: readonly string[]): AlternativeNames {
  return {
    dnsNames: hosts.filter(host => !isIP(host)),
    ipAddresses: hosts.filter(host => isIP(host)),
    emailAddresses: [],
    uris: [],
  }
}

/** GeneralNames; undefined when there is not a single one. */
export function alternativeNamesDer({ dnsNames, emailAddresses, ipAddresses, uris }: AlternativeNames): Buffer | undefined {
  const text = (tag: number) => (value: string) => implicit(tag, Buffer.from(value, 'latin1'))
  const all = [
    ...dnsNames.map(text(2)),
    ...emailAddresses.map(text(1)),
    ...ipAddresses.map(address => implicit(7, addressBytes(address))),
    ...uris.map(text(6)),
  ]
  return all.length > 0 ? sequence(...all) : undefined
}

/** The names in GeneralNames; other kinds of names are left out, as Go does. Throws when they cannot be read. */
export function readAlternativeNames(names: Der): AlternativeNames {
  const all = parts(names)
  const texts = (tag: number) => all.filter(each => each.tag === (0x80 | tag)).map(each => each.content.toString('latin1'))
  const addresses = all.filter(each => each.tag === 0x87).map(each => addressText(each.content))
  return { dnsNames: texts(2), emailAddresses: texts(1), ipAddresses: addresses, uris: texts(6) }
}

function addressBytes(address: string): Buffer {
  return isIP(address) === 4 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address)
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (text: string) => (text ? text.split(':').map(group => Number.parseInt(group, 16)) : [])
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...new Array(8 - left.length - right.length).fill(0), ...right]
  return Buffer.from(all.flatMap(group => [group >> 8, group & 0xff]))
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) throw new Error(`x509: cannot parse IP address of length ${bytes.length}`)
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
