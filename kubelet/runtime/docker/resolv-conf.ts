import { writeFile } from 'node:fs/promises'
import type { SandboxConfig } from '../runtime.ts'

/**
 * On networks of its own making Docker points containers at a resolver of its own. Kubernetes promises the given servers, so the file
 * that all containers of the pod share is written over, in place.
 */
export async function writeResolvConf(path: string, dns: NonNullable<SandboxConfig['dns']>): Promise<void> {
  const { servers, searches, options } = dns
  const lines = servers.map(server => `nameserver ${server}`)
  if (searches.length > 0) lines.push(`search ${searches.join(' ')}`)
  if (options.length > 0) lines.push(`options ${options.join(' ')}`)
  await writeFile(path, `${lines.join('\n')}\n`)
}
