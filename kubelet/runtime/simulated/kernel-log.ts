import type { KernelLog } from '../../eviction/oom-watch.ts'
import type { SimulatedEngine } from './engine.ts'

/** The kernel's log of a simulated machine, from now on: what it had to end for want of memory. */
export async function simulatedKernelLog(engine: SimulatedEngine, cluster: string, node: string): Promise<KernelLog> {
  const records = engine.node(cluster, node)
  records.kernelLog = []
  return {
    read: async () => records.kernelLog?.splice(0) ?? [],
    close: async () => void (records.kernelLog = undefined),
  }
}
