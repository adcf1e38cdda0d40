import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { type ClusterIdentity, chosenDataDir, type DataDir, knownIdentity, markStopped, runningCluster } from './data-dir.ts'
import { engineFromEnv } from './engine-address.ts'
import { parseFlags, UsageError } from './flags.ts'

const patienceInMs = 30_000

/** `wherry down [--delete-data] [--data-dir DIR]`. Answers the exit code. */
export async function down(args: string[]): Promise<number> {
  const values = parseFlags(args, { 'data-dir': { type: 'string' }, 'delete-data': { type: 'boolean' } })
  const dir = chosenDataDir(values['data-dir'])
  const wasRunning = await stop(dir)
  if (values['delete-data']) await deleteEverything(dir)
  else if (wasRunning)
    process.stdout.write('Stopped. Pods keep running; `wherry up` adopts them, `wherry down --delete-data` removes them.\n')
  else process.stdout.write(`No cluster runs on ${dir.path}.\n`)
  return 0
}

async function stop(dir: DataDir): Promise<boolean> {
  const running = runningCluster(dir)
  if (!running) return false
  // SIGTERM would say that the machine goes, and pods may have to end then.
  process.kill(running.pid, 'SIGINT')
  const deadline = systemClock.monotonic() + patienceInMs
  while (runningCluster(dir)) {
    if (systemClock.monotonic() > deadline)
      throw new Error(`process ${running.pid} has not stopped within ${patienceInMs / 1000} s`)
    await systemClock.sleep(50)
  }
  return true
}

/** Containers, networks, volumes, data: everything that bears the cluster's mark. */
async function deleteEverything(dir: DataDir): Promise<void> {
  const identity = knownIdentity(dir)
  if (!identity) {
    process.stdout.write(`There is no cluster in ${dir.path}; nothing was deleted.\n`)
    return
  }
  // Only nodes on an engine have folders.
  const removed = existsSync(dir.nodes) ? await removeContainers(identity) : { containers: 0, networks: 0 }
  if (existsSync(dir.nodes)) await removeRoutes(identity.id, dir)
  const { unmountBelow } = await import('./mounts.ts')
  await unmountBelow(dir.path)
  markStopped(dir)
  await rm(dir.path, { recursive: true, force: true })
  process.stdout.write(`Deleted ${removed.containers} containers, ${removed.networks} networks and ${dir.path}.\n`)
}

/** What makes pods of several nodes reach each other. Without the rights for that it was never set up. */
async function removeRoutes(cluster: string, dir: DataDir): Promise<void> {
  const [{ hostCommands }, { podNetworkFile, removePodNetwork }] = await Promise.all([
    import('../kubelet/network/host-commands.ts'),
    import('../kubelet/network/pod-network.ts'),
  ])
  const stateFile = join(dir.nodes, podNetworkFile)
  await removePodNetwork(cluster, { commands: hostCommands({ path: process.env.PATH }), stateFile }).catch(() => {})
}

async function removeContainers({ id: cluster, node }: ClusterIdentity): Promise<{ containers: number; networks: number }> {
  const { removeCluster } = await import('../kubelet/runtime/docker/cluster-resources.ts')
  try {
    return await removeCluster({ cluster, clock: systemClock, log: createLog('silent'), ...engineFromEnv(node?.dockerHost) })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`its containers cannot be removed, so its data stays: ${why}`)
  }
}
