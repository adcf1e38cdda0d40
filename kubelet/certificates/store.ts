import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyPair } from '../../lib/x509/certificate.ts'
import { pemBlocks } from '../../lib/x509/pem.ts'

/** Where a certificate and its key are kept. */
export interface CertificateStore {
  /** Undefined: there is none, or none of its own key. */
  read(): Promise<KeyPair | undefined>
  write(pair: KeyPair): Promise<void>
}

/**
 * Keeps both in one file that only its owner may read (0600), replaced in one step, so that they always belong together
 * (k8s.io/client-go/util/certificate/certificate_store.go).
 */
export function certificateFile(folder: string, name: string): CertificateStore {
  const path = join(folder, `${name}.pem`)
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      return text === undefined ? undefined : pairIn(text)
    },
    async write({ certificate, key }) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const draft = `${path}.draft`
      const file = await open(draft, 'w', 0o600)
      try {
        await file.writeFile(`${certificate.trimEnd()}\n${key.trimEnd()}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, path)
    },
  }
}

function pairIn(text: string): KeyPair | undefined {
  const blocks = [...pemBlocks(text)]
  const cut = text.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/)
  if (cut < 0 || !blocks.some(({ label }) => label === 'CERTIFICATE')) return undefined
  const pair = { certificate: text.slice(0, cut), key: text.slice(cut) }
  try {
    return new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key)) ? pair : undefined
  } catch {
    return undefined
  }
}
