import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Node } from '../api/core/node.ts'
import { users } from '../api/user.ts'
import { createEvents } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { fileSignals } from '../kubelet/eviction/file-signals.ts'
import { openKernelLog } from '../kubelet/eviction/oom-watch.ts'
import { machineSignals } from '../kubelet/eviction/signals.ts'
import { createKubelet, type Kubelet } from '../kubelet/kubelet.ts'
import { hostCommands } from '../kubelet/network/host-commands.ts'
import { podNetwork, podNetworkFile } from '../kubelet/network/pod-network.ts'
import { tunnelOverheadInBytes } from '../kubelet/network/tunnel.ts'
import { readMachine } from '../kubelet/node/machine.ts'
import { dockerEngine } from '../kubelet/runtime/docker/engine.ts'
import { dockerRuntime } from '../kubelet/runtime/docker/runtime.ts'
import { ownSources } from '../kubelet/sources.ts'
import type { Run } from '../lib/run.ts'
import { type Keep, type NodesOptions, reservedMemory, runtimeLabel, serverOf } from './node-options.ts'
import { kubernetesVersion } from './version.ts'

/** The kubelets on the Docker engine, each with its own narrow watches, and the network between their pods. */
export async function dockerNodes(options: NodesOptions, keep: Keep): Promise<(readonly [string, Run])[]> {
  const { transport, clock, random, cluster, rootDir, eviction, signalsFile } = options
  await mkdir(rootDir, { recursive: true, mode: 0o755 })
  const machine = await readMachine({ rootDir, ...(options.addresses && { addresses: options.addresses }) })
  const engine = dockerEngine({ clock, log: options.log, ...options.engine })
  const pods = engine.isLocal ? dockerPodNetwork(options) : undefined
  const mtu = options.networkMode === 'vxlan' ? { mtu: ethernetMtu - tunnelOverheadInBytes } : {}
  const kubelets = options.docker.flatMap(nodeName => {
    const { log } = options
    const client = createClient(transport(users.node(nodeName)), { defaultCause: { actor: 'kubelet' } })
    const informers = createInformers({ client, clock, log, longestRetryInMs: options.longestRetryInMs })
    const events = createEvents({ client, clock, log })
    const sources = ownSources(informers, nodeName)
    const logLimits = options.garbage && { logLimits: options.garbage.logLimits }
    const podCIDR = () => sources.node()?.spec.podCIDR
    const network = { ...mtu, onMade: () => pods?.poke() }
    const { sandboxPool } = options
    const shared = { clock, log, engine, network, ...(sandboxPool && { sandboxPool }), ...logLimits }
    const runtime = dockerRuntime({ cluster, node: nodeName, podCIDR, ...shared })
    const ownRootDir = join(rootDir, nodeName)
    const kubelet: Kubelet = createKubelet({
      nodeName,
      client,
      sources,
      runtime,
      clock,
      random,
      log,
      events: events.from('kubelet', nodeName),
      rootDir: ownRootDir,
      machine: { ...machine, hostname: nodeName },
      ...serverOf(options, nodeName, machine.addresses),
      config: {
        kubeletVersion: kubernetesVersion,
        eviction,
        nodeLabels: { ...options.kubelet?.nodeLabels, [runtimeLabel]: 'docker' },
        ...options.garbage?.config,
        ...options.pods,
        ...options.resources,
        ...(options.kubelet?.registerWithTaints && { registerWithTaints: options.kubelet.registerWithTaints }),
      },
      kernelLog: openKernelLog,
      signals: signalsFile
        ? fileSignals({ path: signalsFile })
        : machineSignals({
            machine,
            runtime,
            volumesOf: uid => kubelet.ownVolumesOf(uid),
            reservedMemoryInBytes: reservedMemory(options),
          }),
    })
    return [
      [`${nodeName} informers`, informers.run] as const,
      [`${nodeName} events`, events.run] as const,
      keep(nodeName, kubelet),
    ]
  })
  return pods ? [...kubelets, ['network informers', pods.informers], ['pod network', pods.run]] : kubelets
}

const ethernetMtu = 1500

/** One for all nodes of this process: they share a host. */
function dockerPodNetwork({
  transport,
  docker,
  cluster,
  networkMode = 'auto',
  rootDir,
  clock,
  log,
  longestRetryInMs,
}: NodesOptions) {
  const clientOf = (nodeName: string) => createClient(transport(users.node(nodeName)), { defaultCause: { actor: 'kubelet' } })
  const reader = createClient(transport(users.podNetwork), { defaultCause: { actor: 'kubelet' } })
  const informers = createInformers({ client: reader, clock, log, longestRetryInMs })
  const network = podNetwork({
    cluster,
    localNodes: docker,
    nodes: informers.of(Node),
    hasNetwork: node => node.metadata.labels?.[runtimeLabel] !== 'simulated',
    clientOf,
    mode: networkMode,
    commands: hostCommands({ path: process.env.PATH }),
    stateFile: join(rootDir, podNetworkFile),
    clock,
    log,
  })
  return { ...network, informers: informers.run }
}
