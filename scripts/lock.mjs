// node scripts/lock.mjs: writes package-lock.json anew. Registries that mirror only some platforms leave out the optional packages of the others,
// and `npm ci` refuses a lock file without them; those are added by name and version, so that the file holds on every platform.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './bootstrap.mjs'

const folder = mkdtempSync(join(tmpdir(), 'wherry-lock-'))
try {
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))
  for (const [name, version, isDev] of missing(lock.packages))
    lock.packages[`node_modules/${name}`] = { version, ...platformOf(name), optional: true, ...(isDev && { dev: true }) }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify(lock, undefined, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true })
}

function missing(packages) {
  return Object.values(packages).flatMap(({ optionalDependencies = {}, dev }) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !(`node_modules/${name}` in packages))
      .map(([name, version]) => [name, version, dev]),
  )
}

/** `@oxlint/binding-linux-x64-musl` says for which systems it is. */
function platformOf(name) {
  const words = name.split('/').at(-1).split('-')
  const os = words.find(word => ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'].includes(word))
  const cpu = words[words.indexOf(os) + 1]
  if (!os || !cpu) throw new Error(`${name} does not say for which platform it is`)
  const libc = words.includes('musl') ? 'musl' : os === 'linux' ? 'glibc' : undefined
  return { os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) }
}
