import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { users } from '../api/user.ts'
import { ensureCertificates, type PemStore } from '../apiserver/auth/certificates.ts'
import type { KubeletCredentials } from '../apiserver/nodes/kubelet-client.ts'
import type { Clock } from '../lib/clock.ts'

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

/** Who the API server is to kubelets on other machines; made when it is asked for the first time. */
export async function kubeletCredentials(store: PemStore, clock: Clock): Promise<KubeletCredentials> {
  const file = 'apiserver-kubelet-client'
  const { clients } = await ensureCertificates({ store, clock, clients: { [file]: users.kubeletClient } })
  const { certificate = '', key = '' } = clients[file] ?? {}
  return { certificate, key }
}

/** PEMs that live as long as the process. */
export function pemMemory(): PemStore {
  const files = new Map<string, string>()
  return {
    read: async name => files.get(name),
    write: async (name, pem) => void files.set(name, pem),
  }
}
