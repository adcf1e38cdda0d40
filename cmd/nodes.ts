import type { NodeAgent } from '../api/node-agent.ts'
import type { Kubelet } from '../kubelet/kubelet.ts'
import { type Run, runAll } from '../lib/run.ts'
import { csiSidecarsOf } from './csi.ts'
import { dockerNodes } from './docker-nodes.ts'
import type { NodesOptions } from './node-options.ts'
import { simulatedNodes } from './simulated-nodes.ts'

export interface Nodes {
  readonly run: Run
  agent(nodeName: string): NodeAgent | undefined
  /** Ends all pods in an orderly way, if the nodes are set up for that. */
  shutDown(): Promise<void>
  /** Where the kubelet of a node listens, once it does. */
  address(nodeName: string): { readonly host: string; readonly port: number } | undefined
}

/** All kubelets of this process. */
export function nodes(options: NodesOptions): Nodes {
  const agents = new Map<string, NodeAgent>()
  const addresses = new Map<string, { host: string; port: number }>()
  const kubelets: Kubelet[] = []
  return {
    shutDown: async () => void (await Promise.all(kubelets.map(kubelet => kubelet.shutDown()))),
    agent: name => agents.get(name),
    address: name => addresses.get(name),
    async run(signal) {
      const keep = (name: string, kubelet: Kubelet) => {
        const { run, agent, address } = kubelet
        kubelets.push(kubelet)
        agents.set(name, agent)
        void address.then(at => addresses.set(name, at))
        return [name, run] as const
      }
      const real = options.docker.length > 0 ? await dockerNodes(options, keep) : []
      const storage = kubelets.map(({ csiDrivers }) => csiDrivers)
      const simulated = options.simulated.length > 0 ? simulatedNodes(options, keep) : []
      const sidecars = storage.length > 0 ? [['storage sidecars', csiSidecarsOf(options, storage)] as const] : []
      await runAll([...real, ...simulated, ...sidecars], signal)
    },
  }
}
