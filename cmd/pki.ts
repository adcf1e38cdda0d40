import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PemStore } from '../apiserver/auth/certificates.ts'

/** PEM files in a folder that only its owner may look into; keys are 0600. */
export function pemFolder(path: string): PemStore {
  return {
    read: name =>
      readFile(join(path, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      }),
    async write(name, pem) {
      await mkdir(path, { recursive: true, mode: 0o700 })
      await writeFile(join(path, name), pem, { mode: name.endsWith('.key') ? 0o600 : 0o644 })
    },
  }
}

/** PEMs that live as long as the process. */
export function pemMemory(): PemStore {
  const files = new Map<string, string>()
  return {
    read: async name => files.get(name),
    write: async (name, pem) => void files.set(name, pem),
  }
}
