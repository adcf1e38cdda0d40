import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { debianKubectl, ensureDebianKubectl } from '../../../scripts/peers.mjs'

/** A real kubectl on this machine. */
export interface Binary {
  readonly path: string
  /** `1.20` */
  readonly version: string
  /** 20 */
  readonly minor: number
}

/** Debian's kubectl, the one on the path and those beside it: one of each minor version, oldest first. */
export function kubectlBinaries(): Binary[] {
  ensureDebianKubectl()
  const folders = (process.env.PATH ?? '').split(':').filter(existsSync)
  const onPath = folders.map(folder => join(folder, 'kubectl')).filter(existsSync)
  const beside = onPath.flatMap(path => {
    const folder = dirname(realpathSync(path))
    const names = readdirSync(folder).filter(name => /^kubectl[.-]v?\d[\d.]*$/.test(name))
    return names.map(name => join(folder, name))
  })
  const byMinor = new Map<number, Binary>()
  for (const path of [debianKubectl, ...onPath, ...beside]) {
    const binary = inspect(path)
    if (binary && !byMinor.has(binary.minor)) byMinor.set(binary.minor, binary)
  }
  return [...byMinor.values()].sort((a, b) => a.minor - b.minor)
}

function inspect(path: string): Binary | undefined {
  const text = execFileSync(path, ['version', '--client', '--output=json'], { encoding: 'utf8' })
  const { clientVersion } = JSON.parse(text) as { clientVersion: { minor: string } }
  const minor = Number.parseInt(clientVersion.minor, 10)
  return Number.isNaN(minor) ? undefined : { path, version: `1.${minor}`, minor }
}
