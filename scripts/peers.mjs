// Clients of others that the peer tests talk to a cluster with. Debian's kubectl is fetched; newer ones and Helm are used where they are.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { canInstall, root } from './bootstrap.mjs'

const cache = join(root, 'node_modules', '.cache', 'wherry-peers')
/** Where Debian's kubectl is unpacked: beside any other that is installed, never in its place. */
export const debianKubectl = join(cache, 'usr', 'bin', 'kubectl')

/** Fetches Debian's kubernetes-client package. Throws when it is not to be had. */
export function ensureDebianKubectl() {
  if (existsSync(debianKubectl)) return
  if (!canInstall()) throw new Error('fetching it needs root on a Debian-family system')
  mkdirSync(cache, { recursive: true })
  const run = (command, args) => {
    const { status, stderr } = spawnSync(command, args, { cwd: cache, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stderr.trim().split('\n').at(-1)}`)
  }
  // apt gives up its privileges for downloads where it can, and a folder of root's is then not its own.
  const download = ['-o', 'APT::Sandbox::User=root', 'download', 'kubernetes-client']
  try {
    run('apt-get', download)
  } catch {
    run('apt-get', ['update', '-qq'])
    run('apt-get', download)
  }
  const [package_] = readdirSync(cache).filter(name => name.startsWith('kubernetes-client') && name.endsWith('.deb'))
  run('dpkg', ['-x', package_ ?? '', '.'])
}
