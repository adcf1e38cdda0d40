import { X509Certificate } from 'node:crypto'
import { pemBlocks } from '../../lib/x509/pem.ts'
import { type RequestFacts, readRequest, verifyRequest } from '../../lib/x509/request.ts'

/** The PEM text that the API carries in base64. */
export const pemOf = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')

/** Reads a PKCS #10 request (PEM in base64) and checks that whoever made it has the key. Throws what is wrong with it. */
export function parseRequest(base64: string): RequestFacts {
  const pem = pemOf(base64)
  verifyRequest(pem)
  return readRequest(pem)
}

/** What is wrong with issued certificates in PEM; undefined: nothing. */
export function certificateFault(base64: string): string | undefined {
  let blocks = 0
  for (const { label, hasHeaders, bytes } of pemBlocks(pemOf(base64))) {
    if (label !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`
    if (hasHeaders) return 'no PEM block headers are permitted'
    try {
      new X509Certificate(bytes)
    } catch {
      return 'x509: malformed certificate'
    }
    blocks++
  }
  return blocks === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}
