import type { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { humanDuration } from '../../api/duration.ts'
import { type Der, demand, oidText, parts, readAll } from '../../lib/x509/der-reader.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { longTime, onOneLine } from './parts.ts'

export const describeCertificateRequest: Describer<CertificateSigningRequest> = (request, around) => {
  const { metadata, spec, status } = request
  const { subject, names } = askedFor(spec.request)
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  page.line(0, `Labels:\t${onOneLine(metadata.labels)}`)
  page.line(0, `Annotations:\t${onOneLine(metadata.annotations)}`)
  page.line(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`)
  page.line(0, `Requesting User:\t${spec.username ?? ''}`)
  if (spec.signerName) page.line(0, `Signer:\t${spec.signerName}`)
  if (spec.expirationSeconds !== undefined) page.line(0, `Requested Duration:\t${humanDuration(spec.expirationSeconds * 1000)}`)
  page.line(0, `Status:\t${statusText(status)}`)
  page.line(0, 'Subject:')
  page.line(0, `\tCommon Name:\t${subject('2.5.4.3').at(-1) ?? ''}`)
  page.line(0, `\tSerial Number:\t${subject('2.5.4.5').at(-1) ?? ''}`)
  for (const [oid, title] of subjectParts) list(page, title, subject(oid))
  if (Object.values(names).some(texts => texts.length > 0)) page.line(0, 'Subject Alternative Names:')
  list(page, 'DNS Names', names.dns)
  list(page, 'Email Addresses', names.emails)
  list(page, 'URIs', names.uris)
  list(page, 'IP Addresses', names.addresses)
  events(page, around.events, around.now)
  return page.text()
}

const subjectParts = [
  ['2.5.4.10', 'Organization'],
  ['2.5.4.11', 'Organizational Unit'],
  ['2.5.4.6', 'Country'],
  ['2.5.4.7', 'Locality'],
  ['2.5.4.8', 'Province'],
  ['2.5.4.9', 'StreetAddress'],
  ['2.5.4.17', 'PostalCode'],
] as const

function list(page: Page, title: string, texts: readonly string[]): void {
  texts.forEach((text, i) => page.line(0, i === 0 ? `\t${title}:\t${text}` : `\t\t${text}`))
}

function statusText({ conditions = [], certificate }: CertificateSigningRequest['status']): string {
  const has = (type: string) => conditions.some(condition => condition.type === type)
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${decision}${has('Failed') ? ',Failed' : ''}${certificate ? ',Issued' : ''}`
}

const extensionRequest = '1.2.840.113549.1.9.14'
const alternativeNames = '2.5.29.17'
/** The sorts of names by their tag (RFC 5280 section 4.2.1.6). */
const nameTags = { email: 0x81, dns: 0x82, uri: 0x86, address: 0x87 }

/** Looks into a PKCS #10 request (RFC 2986): the subject's parts by their number, and other names. */
function askedFor(base64: string) {
  const pem = Buffer.from(base64, 'base64').toString('latin1')
  const body = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(pem)?.[1] ?? ''
  const [info] = parts(readAll(Buffer.from(body.replace(/\s/g, ''), 'base64'))[0])
  const [, subject, , attributes] = parts(info)
  const pairs = parts(subject).flatMap(set => parts(set).map(pair => parts(pair)))
  const extensions = (attributes ? parts(attributes) : [])
    .map(attribute => parts(attribute))
    .filter(([oid]) => oid && oidText(oid) === extensionRequest)
    .flatMap(([, values]) => parts(parts(values)[0]).map(extension => parts(extension)))
  const found = extensions.find(([oid]) => oid && oidText(oid) === alternativeNames)
  const names: Der[] = found ? parts(readAll(demand(found.at(-1)).content)[0]) : []
  const texts = (tag: number) => names.filter(name => name.tag === tag).map(({ content }) => content.toString('utf8'))
  return {
    subject: (oid: string) =>
      pairs.flatMap(([type, value]) => (type && value && oidText(type) === oid ? [value.content.toString('utf8')] : [])),
    names: {
      dns: texts(nameTags.dns),
      emails: texts(nameTags.email),
      uris: texts(nameTags.uri),
      addresses: names.filter(({ tag }) => tag === nameTags.address).map(({ content }) => addressText(content)),
    },
  }
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  // The longest run of zeros, as URLs shorten it.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
