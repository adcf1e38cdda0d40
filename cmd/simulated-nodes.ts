import { join } from 'node:path'
import type { Stage } from '../api/simulation/stages.ts'
import { type UserInfo, users } from '../api/user.ts'
import { createEvents, type Events } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { fileSignals } from '../kubelet/eviction/file-signals.ts'
import { createKubelet } from '../kubelet/kubelet.ts'
import type { Machine } from '../kubelet/node/machine.ts'
import { execOnlyCheck } from '../kubelet/probes/exec-only-check.ts'
import { simulatedEngine } from '../kubelet/runtime/simulated/engine.ts'
import { simulatedKernelLog } from '../kubelet/runtime/simulated/kernel-log.ts'
import { simulatedRuntime } from '../kubelet/runtime/simulated/runtime.ts'
import { simulatedSignals } from '../kubelet/runtime/simulated/signals.ts'
import { sharedSources } from '../kubelet/sources.ts'
import { aborted, type Run } from '../lib/run.ts'
import { type Keep, type NodesOptions, reservedMemory, runtimeLabel, serverOf } from './node-options.ts'
import { kubernetesVersion } from './version.ts'

/** Reads all pods and nodes for the simulated kubelets, which share two watches. */
const simulator: UserInfo = { name: 'system:wherry:simulator', groups: ['system:masters', 'system:authenticated'] }

/** What a simulated node claims to be. */
const simulatedMachine: Machine = {
  hostname: '',
  addresses: ['127.0.0.1'],
  cpus: 2,
  memoryInBytes: 8 * 2 ** 30,
  machineId: 'simulated',
  systemUuid: 'simulated',
  bootId: 'simulated',
  kernelVersion: 'simulated',
  osImage: 'simulated',
  architecture: 'amd64',
  nodeFilesystem: async () => ({
    capacityInBytes: 100 * 2 ** 30,
    availableInBytes: 80 * 2 ** 30,
    inodes: 6_553_600,
    inodesFree: 6_000_000,
  }),
  hostsFile: () => '',
  resolvConf: () => '',
}

const usesSomething = ({ use }: Stage) => use !== undefined

/** Kubelets of nodes that are only simulated: they share one engine and two watches. */
export function simulatedNodes(options: NodesOptions, keep: Keep): (readonly [string, Run])[] {
  const { transport, clock, random, cluster, rootDir, eviction, signalsFile } = options
  const log = options.log.child({ component: 'simulator' })
  const shared = createClient(transport(simulator), { defaultCause: { actor: 'kubelet' } })
  const informers = createInformers({ client: shared, clock, log })
  const events: Events = createEvents({ client: shared, clock, log })
  const sourcesOf = sharedSources(informers)
  const { simulatedStages: stages } = options
  const engine = options.simulatedEngine ?? simulatedEngine({ clock, random, ...(stages && { stages }) })
  const kubelets = options.simulated.map(nodeName => {
    const sources = sourcesOf(nodeName)
    const nodeLabels = () => sources.node()?.metadata.labels ?? {}
    const machine = { ...simulatedMachine, ...options.simulatedMachine, hostname: nodeName }
    const runtime = simulatedRuntime({
      nodeLabels,
      clock,
      random,
      engine,
      cluster,
      node: nodeName,
      podCIDR: () => sources.node()?.spec.podCIDR,
    })
    const kubelet = createKubelet({
      nodeName,
      client: createClient(transport(users.node(nodeName)), { defaultCause: { actor: 'kubelet' } }),
      sources,
      runtime,
      clock,
      random,
      log,
      events: events.from('kubelet', nodeName),
      rootDir: join(rootDir, nodeName),
      machine,
      config: {
        kubeletVersion: kubernetesVersion,
        eviction,
        usesDisk: false,
        // What happens on them is never missed, so that there is next to nothing to tidy up.
        housekeepingEveryMs: 10_000,
        passingWaitsMs: 50,
        nodeLabels: { [runtimeLabel]: 'simulated' },
        ...options.garbage?.config,
      },
      check: execOnlyCheck({ runtime, clock }),
      ...(options.kubeletAddress !== undefined && serverOf(options, nodeName, simulatedMachine.addresses)),
      ...(signalsFile !== undefined
        ? { signals: fileSignals({ path: signalsFile }) }
        : // Watching costs a look every ten seconds: only where there is something to see.
          engine.book.concerns(nodeName, usesSomething) && {
            signals: simulatedSignals({
              ...{ engine, cluster, node: nodeName, nodeLabels, memoryInBytes: machine.memoryInBytes },
              reservedMemoryInBytes: reservedMemory(options),
            }),
            kernelLog: () => simulatedKernelLog(engine, cluster, nodeName),
          }),
    })
    return keep(nodeName, kubelet)
  })
  // Nobody else knows of an engine made here: what it simulates ends after its kubelets have, or its timers would keep the process.
  const engineRun: Run = async signal => {
    await aborted(signal)
    if (!options.simulatedEngine) engine.close()
  }
  return [['simulated engine', engineRun], ['simulator informers', informers.run], ['simulator events', events.run], ...kubelets]
}
