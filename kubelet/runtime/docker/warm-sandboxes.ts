import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ContainerInfo } from 'dockerode'
import { bell } from '../../../lib/bell.ts'
import { aborted, type Run } from '../../../lib/run.ts'
import type { Sandbox, SandboxConfig } from '../runtime.ts'
import { sandboxOptions } from './create-options.ts'
import { dockerName, isWarmName, type Labels, labelsFromName, ownerFilter, ownLabel, sandboxLabels, warmName } from './labels.ts'
import { writeResolvConf } from './resolv-conf.ts'
import { removeById, type Surroundings } from './sandboxes.ts'
import { inspectedSandbox } from './states.ts'

export interface SandboxPool {
  /** How many sandboxes wait for a pod; 0: none. */
  readonly size: number
  /** The host name that they have: only pods that ask for just that (spec.hostname) can have one. */
  readonly hostname: string
}

/**
 * Sandboxes that run before there is a pod for them. Docker's labels are for ever, so whether one is taken, and by whom, its Docker name
 * tells, which changes in one step; what the labels would have said beside that is in a file in the container's own folder, written before.
 */
export interface WarmSandboxes {
  /** One that is now this pod's; `undefined`: there is none, or none that would do. Never rejects. */
  take(config: SandboxConfig): Promise<{ sandbox: Sandbox; labels: Labels } | undefined>
  /** The labels of any container, as if it had been made for its pod. */
  identify(id: string, names: readonly string[], labels: Labels): Promise<Labels>
  /** Whether a pod may have one; an earlier process may have given it that, which the first list of everything shows. */
  readonly hasAny: boolean
  forget(id: string): void
  /** What the engine lists of this node: what waits there without being known here was left behind, and goes. */
  seen(listed: readonly ContainerInfo[]): void
  /** Removes those that wait; there are new ones only when another pod has come. */
  clear(): Promise<void>
  /** Keeps so many waiting; those that wait when it ends are found, and removed, by the kubelet that comes next. */
  readonly run: Run
}

/** Whether a pod's sandbox is like those that wait. What is not decided before a container is made does not matter here. */
export function couldBeWarm({ hostname }: SandboxPool, config: SandboxConfig): boolean {
  const { hostNetwork, hostIPC, hostPID, portMappings, sysctls, runtimeHandler = '' } = config
  const isPlain = !hostNetwork && !hostIPC && !hostPID && portMappings.length === 0 && Object.keys(sysctls).length === 0
  return isPlain && runtimeHandler === '' && config.hostname === hostname
}

/** Pods come in bursts, and whoever makes sandboxes then is in their way. */
const quietInMs = 500
const retryInMs = 2000
/** Somebody else may be at removing one already. */
const removalTries = 50
const removalPauseInMs = 100

const recordFile = 'wherry-sandbox.json'

type State = 'making' | 'waiting' | 'taken'

export function warmSandboxes(pool: SandboxPool, { engine, owner, network, clock, log }: Surroundings): WarmSandboxes {
  /** By Docker name as long as it is being made, by id afterwards. */
  const known = new Map<string, State>()
  const waiting: { readonly id: string; readonly resolvConf: string }[] = []
  /** What taken ones are labelled with, by id. */
  const records = new Map<string, Labels>()
  const wanted = bell()
  let made = 0
  let isCleared = false
  let making: Promise<void> = Promise.resolve()

  const remove = async (id: string) => {
    const at = waiting.findIndex(one => one.id === id)
    if (at >= 0) waiting.splice(at, 1)
    try {
      await removeById(engine, id)
    } catch (err) {
      log.warn({ err, id }, 'warm sandbox left behind')
    }
    known.delete(id)
    wanted.ring()
  }

  const make = async () => {
    const name = warmName(owner, `${clock.now().toString(36)}-${++made}`)
    known.set(name, 'making')
    try {
      const oomScoreAdj = (await engine.allowsNegativeOomScore()) ? -998 : 0
      const createdAt = clock.now()
      const options = sandboxOptions(owner, blank(pool), { network: await network.id(), oomScoreAdj, createdAt })
      const Labels = { ...options.Labels, [ownLabel.warm]: 'true' }
      const container = await engine.change('spare', docker => docker.createContainer({ ...options, Labels, name }))
      known.set(container.id, 'making')
      try {
        await engine.change('spare', () => container.start())
        const { ResolvConfPath } = await engine.read(() => container.inspect())
        known.set(container.id, 'waiting')
        waiting.push({ id: container.id, resolvConf: ResolvConfPath })
      } catch (error) {
        await remove(container.id)
        throw error
      }
    } finally {
      known.delete(name)
    }
  }

  return {
    async take(config) {
      if (pool.size === 0 || !couldBeWarm(pool, config) || !engine.isLocal) return undefined
      isCleared = false
      wanted.ring()
      const one = waiting.shift()
      if (!one) return undefined
      known.set(one.id, 'taken')
      try {
        // All this first, for with its new name it is the pod's.
        const record = { ...sandboxLabels(owner, config, clock.now()), [ownLabel.warm]: 'true' }
        await Promise.all([
          writeFile(join(dirname(one.resolvConf), recordFile), JSON.stringify(record), { mode: 0o600 }),
          config.dns && writeResolvConf(one.resolvConf, config.dns),
        ])
        const name = dockerName(owner, config.pod, 'POD', config.attempt)
        const info = await engine.change('finish', async docker => {
          await docker.getContainer(one.id).rename({ name })
          return docker.getContainer(one.id).inspect()
        })
        if (!info.State.Running) throw new Error('it has ended')
        records.set(one.id, record)
        const sandbox = inspectedSandbox({ ...info, Config: { ...info.Config, Labels: record } })
        return { sandbox, labels: record }
      } catch (err) {
        log.debug({ err, id: one.id }, 'warm sandbox not taken')
        await remove(one.id)
        return undefined
      }
    },

    async identify(id, names, labels) {
      if (labels[ownLabel.warm] === undefined) return labels
      const byName = names.map(name => labelsFromName(name.replace('/', ''))).find(found => found !== undefined)
      if (!byName) return labels
      let record = records.get(id)
      if (!record) {
        const { rootDirectory } = await engine.info()
        record = await readRecord(join(rootDirectory, 'containers', id, recordFile))
        records.set(id, record)
      }
      return { ...labels, ...record, ...byName }
    },
    get hasAny() {
      return pool.size > 0 || records.size > 0
    },
    forget: id => void records.delete(id),

    seen(listed) {
      for (const { Id, Names, Labels, State } of listed) {
        if (Labels[ownLabel.warm] === undefined) continue
        const [name = ''] = Names.map(each => each.slice(1))
        const state = known.get(Id) ?? known.get(name)
        if (!isWarmName(owner, name)) {
          // The list shows it as the pod's, and so will all that follow.
          if (state === 'taken') known.delete(Id)
        } else if (state === undefined || (state === 'waiting' && State !== 'running')) void remove(Id)
      }
    },

    async clear() {
      isCleared = true
      await making.catch(() => undefined)
      const filters = { label: [...ownerFilter(owner), ownLabel.warm] }
      for (let tries = 0; tries < removalTries; tries++) {
        const listed = await engine.read(docker => docker.listContainers({ all: true, filters }))
        const left = listed.filter(({ Names }) => Names.some(name => isWarmName(owner, name.slice(1))))
        if (left.length === 0) return
        await Promise.all(left.map(({ Id }) => remove(Id)))
        await clock.sleep(removalPauseInMs)
      }
    },

    async run(signal) {
      if (pool.size === 0) return aborted(signal)
      while (!signal.aborted) {
        const woken = wanted.wait(signal)
        try {
          while (waiting.length < pool.size && !signal.aborted && !isCleared) await (making = make())
        } catch (err) {
          log.debug({ err }, 'no warm sandbox made')
          await clock.sleep(retryInMs, signal)
          continue
        }
        await woken
        await clock.sleep(quietInMs, signal)
      }
    },
  }
}

/** Without it, its name still says whose the sandbox is. */
async function readRecord(path: string): Promise<Labels> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Labels
  } catch {
    return {}
  }
}

/** What a sandbox is made from that is nobody's yet. */
const blank = ({ hostname }: SandboxPool): SandboxConfig => ({
  pod: { namespace: '', name: '', uid: '' },
  attempt: 0,
  hostname,
  labels: {},
  annotations: {},
  hostNetwork: false,
  hostIPC: false,
  hostPID: false,
  portMappings: [],
  sysctls: {},
  cgroupParent: '',
})
