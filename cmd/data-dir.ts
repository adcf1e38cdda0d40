import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Random } from '../lib/random.ts'

/** Where Wherry keeps its clusters unless told otherwise. */
export const homeDir = () => process.env.WHERRY_HOME || join(homedir(), '.wherry')
export const defaultDataDir = () => join(homeDir(), 'default')

/** What stays the same for the life of a data dir. */
export interface ClusterIdentity {
  /** Marks the containers and networks of this cluster on the engine. */
  readonly id: string
  readonly podCIDR: string
  readonly serviceCIDR: string
  /** Of a node that joined from elsewhere: what `wherry down` must know to clean up after it. */
  readonly node?: { readonly name: string; readonly server: string; readonly dockerHost?: string }
}

/** What a running cluster writes down about itself, for `status`, `down` and the command line client. */
export interface RunningCluster {
  readonly pid: number
  /** When the process started, in ticks of its system: tells it from a later one of the same number. */
  readonly started: string
  readonly version: string
  readonly port: number
  readonly dataDir: string
  readonly kubeconfig: string
  readonly nodes: number
  readonly simulatedNodes: number
  readonly runtime: string
  readonly store: string
  /** RFC 3339; absent until it is ready. */
  readonly readySince?: string
}

export interface DataDir {
  readonly path: string
  readonly store: string
  readonly pki: string
  readonly kubeconfig: string
  /** For components in processes of their own. */
  readonly controllerManagerKubeconfig: string
  readonly schedulerKubeconfig: string
  readonly nodes: string
  readonly volumes: string
  readonly log: string
}

/** The places inside a data dir. */
export function dataDir(path = defaultDataDir()): DataDir {
  const at = resolve(path)
  return {
    path: at,
    store: join(at, 'store'),
    pki: join(at, 'pki'),
    kubeconfig: join(at, 'kubeconfig'),
    controllerManagerKubeconfig: join(at, 'controller-manager.kubeconfig'),
    schedulerKubeconfig: join(at, 'scheduler.kubeconfig'),
    nodes: join(at, 'nodes'),
    volumes: join(at, 'volumes'),
    log: join(at, 'wherry.log'),
  }
}

const identityFile = (dir: DataDir) => join(dir.path, 'cluster.json')
const runningFile = (dir: DataDir) => join(dir.path, 'running.json')
const lastFile = () => join(homeDir(), 'last')

function readJson<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (cause) {
    throw new Error(`${file} is damaged: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Replaces a file in one step, so that a reader never sees half of it. */
export function writeWhole(file: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}.draft`
  writeFileSync(draft, text, { mode })
  renameSync(draft, file)
}

/** Reads who this cluster is, or decides it on the first start. `freePodCIDR` picks a range nobody else on this engine uses. */
export async function clusterIdentity(
  dir: DataDir,
  random: Random,
  freePodCIDR: () => Promise<string>,
): Promise<ClusterIdentity> {
  const known = readJson<ClusterIdentity>(identityFile(dir))
  if (known) return known
  const identity = { id: random.suffix(8), podCIDR: await freePodCIDR(), serviceCIDR: '10.96.0.0/16' }
  keepIdentity(dir, identity)
  return identity
}

export function keepIdentity(dir: DataDir, identity: ClusterIdentity): void {
  writeWhole(identityFile(dir), `${JSON.stringify(identity, undefined, 2)}\n`)
}

export const knownIdentity = (dir: DataDir): ClusterIdentity | undefined => readJson(identityFile(dir))

/** When a process started, in the kernel's ticks; empty when it is gone, a zombie, or the system does not say. */
export function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}

/** Whether that very process still runs: its number may belong to another one by now. */
function isAlive({ pid, started }: RunningCluster): boolean {
  if (existsSync('/proc/self/stat')) return started !== '' && processStart(pid) === started
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The cluster that runs on a data dir; undefined when none does, even if the last one died without cleaning up. */
export function runningCluster(dir: DataDir): RunningCluster | undefined {
  try {
    const running = readJson<RunningCluster>(runningFile(dir))
    return running && isAlive(running) ? running : undefined
  } catch {
    return undefined // half written when the power went: nobody who runs leaves it so
  }
}

/** Writes down that this process runs the cluster, and that it was the last one started; a node alone is none that commands could mean. */
export function markRunning(dir: DataDir, running: RunningCluster, { isCluster = true } = {}): void {
  writeWhole(runningFile(dir), `${JSON.stringify(running, undefined, 2)}\n`)
  if (isCluster) writeWhole(lastFile(), `${dir.path}\n`)
}

export function markStopped(dir: DataDir): void {
  rmSync(runningFile(dir), { force: true })
}

/** The data dir that a command without `--data-dir` means: the default one if it runs, else the last one started, else the default. */
export function chosenDataDir(flag: string | undefined): DataDir {
  if (flag) return dataDir(flag)
  const usual = dataDir()
  if (runningCluster(usual) || !existsSync(lastFile())) return usual
  const last = dataDir(readFileSync(lastFile(), 'utf8').trim())
  return runningCluster(last) ? last : usual
}
