import { createHash, X509Certificate } from 'node:crypto'
import { pemBlocks } from '../../lib/x509/pem.ts'

/** The SHA-256 of an authority's public key as `sha256:<hex>`, by which people pass it on (cmd/kubeadm/app/util/pubkeypin). */
export function publicKeyPin(certificate: string | Buffer): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`
}

/** Whether one of the certificates in a PEM text has a pinned key. Throws about pins that are none. */
export function isPinned(authorities: string, pins: readonly string[]): boolean {
  for (const pin of pins) {
    const [format, hex = '', ...rest] = pin.split(':')
    if (!hex || rest.length > 0) throw new Error('invalid hash, expected "format:hex-value". Known format(s) are: sha256')
    if (format?.toLowerCase() !== 'sha256') throw new Error(`unknown hash format "${format}". Known format(s) are: sha256`)
    if (!/^[0-9a-f]{64}$/i.test(hex)) throw new Error(`invalid hash "${pin}", expected a 32 byte SHA-256 hash in hex`)
  }
  const wanted = new Set(pins.map(pin => pin.toLowerCase()))
  return [...pemBlocks(authorities)].some(({ bytes }) => wanted.has(publicKeyPin(bytes)))
}
