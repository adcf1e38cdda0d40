import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import { nodeName } from './node.ts'
import type { Listed, OwnEngine } from './own-engine.ts'

const everyMs = 50
/** Listing costs the engine more than looking costs the kernel. */
const listEvery = 3

/** Looks at the engine and the kernel all the time, past all of our code, and notes what must never be. */
export interface Observer extends AsyncDisposable {
  /** Sentences about what must not have happened, since the beginning. */
  readonly complaints: readonly string[]
  /** How many instances of a container have been started, as far as was seen. */
  starts(podUid: string, name: string): number
}

export const uidOf = ({ Labels }: Listed) => Labels['io.kubernetes.pod.uid'] ?? ''
export const nameOf = ({ Labels }: Listed) => (isSandbox({ Labels }) ? 'POD' : (Labels['io.kubernetes.container.name'] ?? ''))
export const isSandbox = ({ Labels }: Pick<Listed, 'Labels'>) => Labels['wherry.dev/type'] === 'sandbox'

export function observer(engine: OwnEngine, clusterId: string): Observer {
  const stop = new AbortController()
  const complaints = new Set<string>()
  /** Of all containers that were ever seen, by id: whose they are. */
  const identities = new Map<string, string>()
  const started = new Map<string, Set<string>>()

  const expectOnce = (where: string, ids: Iterable<string>) => {
    const byIdentity = new Map<string, string>()
    for (const id of ids) {
      const identity = identities.get(id)
      if (identity === undefined) continue
      const other = byIdentity.get(identity)
      if (other !== undefined)
        complaints.add(
          `${where}: ${identity} runs twice: ${[other, id]
            .map(one => one.slice(0, 12))
            .sort()
            .join(', ')}`,
        )
      byIdentity.set(identity, id)
    }
  }
  const list = async () => {
    const listed = await engine.list().catch(() => undefined)
    for (const one of listed ?? []) {
      const identity = `${uidOf(one)}/${nameOf(one)}`
      identities.set(one.Id, identity)
      if (one.State === 'created') continue
      const ids = started.get(identity) ?? new Set()
      started.set(identity, ids.add(one.Id))
    }
    const running = listed?.filter(({ State }) => State === 'running') ?? []
    expectOnce('the engine says', new Set(running.map(({ Id }) => Id)))
  }
  const run = async () => {
    for (let looks = 0; !stop.signal.aborted; looks++) {
      expectOnce('the kernel says', containersWithProcesses(clusterId))
      if (looks % listEvery === 0) await list()
      await systemClock.sleep(everyMs, stop.signal)
    }
  }
  const running = run()
  return {
    get complaints() {
      return [...complaints]
    },
    starts: (podUid, name) => started.get(`${podUid}/${name}`)?.size ?? 0,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

const foldersOf = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
  } catch {
    return []
  }
}

/** Pods' cgroups of a cluster's node, in a hierarchy that every container is in. */
export function podCgroups(clusterId: string): string[] {
  const tops = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup']
  const top = tops.map(each => join(each, 'wherry', clusterId, nodeName, 'kubepods')).find(each => foldersOf(each).length > 0)
  if (top === undefined) return []
  return [top, join(top, 'burstable'), join(top, 'besteffort')].flatMap(parent =>
    foldersOf(parent)
      .filter(name => name.startsWith('pod'))
      .map(name => join(parent, name)),
  )
}

/** Ids of containers that have processes, by the kernel's word. */
export function containersWithProcesses(clusterId: string): string[] {
  return podCgroups(clusterId).flatMap(pod =>
    foldersOf(pod).filter(id => {
      try {
        return readFileSync(join(pod, id, 'cgroup.procs'), 'utf8') !== ''
      } catch {
        return false
      }
    }),
  )
}
