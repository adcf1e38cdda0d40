import type { ContainerUsage, NodeAgent, PodUsage } from '../api/node-agent.ts'
import type { Clock } from '../lib/clock.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'

/** Processor time is a rate, which takes two looks. The runtime makes none of looks that are closer together. */
const betweenLooksInMs = 1100

/** What the pods of the node use: the runtime's figures, container by container. */
export function podUsage({ runtime, clock }: { runtime: Pick<ContainerRuntime, 'stats'>; clock: Clock }) {
  const usage: NonNullable<NodeAgent['stats']> = async () => byPod(await ratedStats({ runtime, clock }))
  return usage
}

/** The runtime's figures with rates among them, which may take a second look. */
export async function ratedStats({ runtime, clock }: { runtime: Pick<ContainerRuntime, 'stats'>; clock: Clock }) {
  const stats = await runtime.stats()
  const hasRates = stats.length === 0 || stats.some(({ cpuNanoCores }) => cpuNanoCores > 0)
  if (hasRates) return stats
  await clock.sleep(betweenLooksInMs)
  return runtime.stats()
}

function byPod(stats: Awaited<ReturnType<ContainerRuntime['stats']>>): PodUsage[] {
  const pods = new Map<string, PodUsage & { containers: ContainerUsage[] }>()
  for (const { pod, name, cpuNanoCores, memoryWorkingSetInBytes } of stats) {
    let usage = pods.get(pod.uid)
    if (!usage) pods.set(pod.uid, (usage = { namespace: pod.namespace, name: pod.name, containers: [] }))
    usage.containers.push({ name, cpuNanoCores, memoryWorkingSetInBytes })
  }
  return [...pods.values()]
}
