// What must stand before anything of ours can run, made with Node alone: dependencies, the bundle, a Docker engine.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const say = text => process.stderr.write(`${text}\n`)

/** Runs a command to its end, its output shown. Throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })
  if (result.error) throw result.error
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`)
}

/** Installs what package-lock.json names, unless that very lock file is installed already. Development tools come along. */
export function ensureDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.wherry-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('Installing dependencies (npm ci) ...')
  run('npm', ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stamp, lock)
}

const sourceFolders = [
  'lib',
  'api',
  'streaming',
  'storage',
  'apiserver',
  'client',
  'scheduler',
  'controllers',
  'kubelet',
  'proxy',
  'kubectl',
  'cmd',
]

function newestSource() {
  let newest = statSync(join(root, 'scripts', 'build.mjs')).mtimeMs
  for (const folder of sourceFolders) {
    if (!existsSync(join(root, folder))) continue
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith('.ts')) {
        newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs)
      }
    }
  }
  return newest
}

/** Builds dist/ when a source is newer than it. */
export async function ensureBundle() {
  const bundle = join(root, 'dist', 'wherry.mjs')
  if (existsSync(bundle) && statSync(bundle).mtimeMs >= newestSource()) return
  const { build } = await import('./build.mjs')
  await build()
}

/** The engine's address: DOCKER_HOST or the default socket. */
export function engineAddress() {
  const host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock'
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const url = new URL(host.replace(/^tcp:/, 'http:'))
  return { host: url.hostname, port: Number(url.port || 2375) }
}

/** Whether a Docker engine answers. */
export function engineAnswers(address = engineAddress()) {
  return new Promise(resolve => {
    const ping = request({ ...address, path: '/_ping', timeout: 3000 }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.on('timeout', () => ping.destroy())
    ping.on('error', () => resolve(false))
    ping.end()
  })
}

function isDebian() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
}

export const canInstall = () => process.platform === 'linux' && process.getuid?.() === 0 && isDebian()

/** Installs Debian packages. Throws when apt fails. */
export function aptInstall(packages) {
  say(`Installing ${packages.join(' and ')} with apt-get ...`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const quiet = { env, stdio: ['ignore', 'ignore', 2] }
  run('apt-get', ['update', '-qq'], quiet)
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quiet)
}

const onPath = name => (process.env.PATH ?? '').split(':').some(folder => existsSync(join(folder, name)))

/**
 * Finds a Docker engine, or on a Debian-family system as root installs and starts one.
 * Answers whether there is one, and if not, why.
 */
export async function ensureEngine() {
  if (await engineAnswers()) return { found: true }
  if (process.env.DOCKER_HOST) return { found: false, why: `no Docker engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}` }
  if (!canInstall())
    return {
      found: false,
      why: 'no Docker engine answers at /var/run/docker.sock, and starting one needs root on a Debian-family system',
    }
  say('No Docker engine is running; starting one, since this is root on a Debian-family system.')
  try {
    const missing = [...(onPath('dockerd') ? [] : ['docker.io']), ...(onPath('iptables') ? [] : ['iptables'])]
    if (missing.length > 0) aptInstall(missing)
    const logFile = '/var/log/wherry-dockerd.log'
    mkdirSync(dirname(logFile), { recursive: true })
    const log = openSync(logFile, 'a')
    if (!(await engineAnswers())) spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref()
    const deadline = Date.now() + 60_000
    while (Date.now() < deadline) {
      if (await engineAnswers()) {
        say(`The Docker engine is up (its log: ${logFile}).`)
        return { found: true }
      }
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    return { found: false, why: `dockerd did not answer within a minute; see ${logFile}` }
  } catch (error) {
    return { found: false, why: `a Docker engine could not be installed: ${error.message}` }
  }
}
