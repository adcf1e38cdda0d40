import { createPrivateKey, X509Certificate } from 'node:crypto'

/** What is odd about a certificate and the key that should belong to it, both PEM in base64 (Go's crypto/tls X509KeyPair). */
export function keyPairWarnings(certificate = '', key = ''): string[] {
  const [certificatePem, keyPem] = [pemOf(certificate, /CERTIFICATE/), pemOf(key, /PRIVATE KEY/)]
  if (!certificatePem) return ['tls: failed to find any PEM data in certificate input']
  if (!keyPem) return ['tls: failed to find any PEM data in key input']
  try {
    const parsed = new X509Certificate(certificatePem)
    const privateKey = createPrivateKey(keyPem)
    if (parsed.publicKey.asymmetricKeyType !== privateKey.asymmetricKeyType) {
      return ['tls: private key type does not match public key type']
    }
    return parsed.checkPrivateKey(privateKey) ? [] : ['tls: private key does not match public key']
  } catch {
    return ['tls: failed to parse certificate or private key']
  }
}

function pemOf(base64: string, label: RegExp): string | undefined {
  const text = Buffer.from(base64, 'base64').toString('latin1')
  return /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]?.match(label) ? text : undefined
}
