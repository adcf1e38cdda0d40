import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Node } from '../api/core/node.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import type { Stage, StageList } from '../api/simulation/stages.ts'
import { value } from '../api/quantity.ts'
import { type UserInfo, users } from '../api/user.ts'
import { createEvents, type Events } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { issueCertificate } from '../lib/x509/certificate.ts'
import type { EvictionConfig } from '../kubelet/eviction/config.ts'
import { fileSignals } from '../kubelet/eviction/file-signals.ts'
import { openKernelLog } from '../kubelet/eviction/oom-watch.ts'
import { machineSignals } from '../kubelet/eviction/signals.ts'
import type { KubeletConfig } from '../kubelet/config.ts'
import { hostCommands } from '../kubelet/network/host-commands.ts'
import { podNetwork, podNetworkFile } from '../kubelet/network/pod-network.ts'
import type { NetworkMode } from '../kubelet/network/route-plan.ts'
import { tunnelOverheadInBytes } from '../kubelet/network/tunnel.ts'
import { createKubelet, type Kubelet } from '../kubelet/kubelet.ts'
import { type Machine, readMachine } from '../kubelet/node/machine.ts'
import { execOnlyCheck } from '../kubelet/probes/exec-only-check.ts'
import { dockerEngine } from '../kubelet/runtime/docker/engine.ts'
import { dockerRuntime } from '../kubelet/runtime/docker/runtime.ts'
import type { SandboxPool } from '../kubelet/runtime/docker/warm-sandboxes.ts'
import { type SimulatedEngine, simulatedEngine } from '../kubelet/runtime/simulated/engine.ts'
import { simulatedKernelLog } from '../kubelet/runtime/simulated/kernel-log.ts'
import { simulatedRuntime } from '../kubelet/runtime/simulated/runtime.ts'
import { simulatedSignals } from '../kubelet/runtime/simulated/signals.ts'
import type { ServingCertificate } from '../kubelet/server/server.ts'
import { ownSources, sharedSources } from '../kubelet/sources.ts'
import { aborted, type Run, runAll } from '../lib/run.ts'
import type { ComponentOptions } from './control-plane.ts'
import { csiSidecarsOf } from './csi.ts'
import type { GarbageSettings } from './garbage-flags.ts'
import type { PodSettings } from './pod-flags.ts'
import type { ResourceSettings } from './resource-flags.ts'
import { kubernetesVersion } from './version.ts'

/** The label by which simulated nodes can be told from real ones. */
export const runtimeLabel = 'wherry.dev/runtime'

export interface NodesOptions extends ComponentOptions {
  /** The mark of this cluster's containers. */
  readonly cluster: string
  /** Names of nodes on the Docker engine. */
  readonly docker: readonly string[]
  readonly simulated: readonly string[]
  /** Nodes keep their pods' folders below it, each in its own. */
  readonly rootDir: string
  readonly eviction: EvictionConfig
  /** What nodes on Docker set aside, throw away and keep. */
  readonly garbage?: GarbageSettings
  /** Static pods and shutdown, for nodes on Docker. */
  readonly pods?: PodSettings
  /** Sandboxes that each node on Docker keeps running for pods to come. */
  readonly sandboxPool?: SandboxPool | undefined
  /** What nodes on Docker have to give. */
  readonly resources?: ResourceSettings
  /** A file of figures instead of the machine's own. */
  readonly signalsFile?: string | undefined
  /** Where the engine is, if not at the usual socket. */
  readonly engine?: { readonly socketPath?: string; readonly host?: string }
  /** Containers of simulated nodes outlive the nodes if the engine does. */
  readonly simulatedEngine?: SimulatedEngine
  readonly simulatedMachine?: Partial<Pick<Machine, 'cpus' | 'memoryInBytes'>>
  /** What is to be played on simulated nodes; those that stages give figures to evict pods by them. An engine that is given has its own. */
  readonly simulatedStages?: StageList | undefined
  /** The authority (PEM) of those who may speak with kubelets by HTTPS. Absent: kubelets do not listen. */
  readonly clientCa?: string
  /** How those on Docker are reached, if it is not the first address of this machine. */
  readonly addresses?: readonly string[] | undefined
  /** The port of their only kubelet; default any free one. */
  readonly kubeletPort?: number | undefined
  /** What kubelets show to those who call them; while there is none, one of their own making. */
  readonly servingCertificate?: (() => ServingCertificate | undefined) | undefined
  /** What nodes on Docker register with, beside the usual. */
  readonly kubelet?: Partial<Pick<KubeletConfig, 'nodeLabels' | 'registerWithTaints'>> | undefined
  /** How pods of other hosts are reached; default auto. */
  readonly networkMode?: NetworkMode | undefined
  /** The longest wait between two tries to reach the API server. */
  readonly longestRetryInMs?: number | undefined
  /** Where kubelets listen, each on a free port; by default those on Docker do on loopback, and simulated ones do not. */
  readonly kubeletAddress?: string | undefined
}

export interface Nodes {
  readonly run: Run
  agent(nodeName: string): NodeAgent | undefined
  /** Ends all pods in an orderly way, if the nodes are set up for that. */
  shutDown(): Promise<void>
  /** Where the kubelet of a node listens, once it does. */
  address(nodeName: string): { readonly host: string; readonly port: number } | undefined
}

/** Reads all pods and nodes for the simulated kubelets, which share two watches. */
const simulator: UserInfo = { name: 'system:wherry:simulator', groups: ['system:masters', 'system:authenticated'] }

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

/** How the kubelet of a node listens: on a free port, with a certificate of its own making that is made when it is first shown. */
function serverOf(
  { clientCa, kubeletAddress, kubeletPort = 0, servingCertificate, clock }: NodesOptions,
  nodeName: string,
  addresses: readonly string[],
) {
  if (clientCa === undefined) return {}
  let made: ServingCertificate | undefined
  const now = clock.now()
  const hosts = [nodeName, 'localhost', '127.0.0.1', ...addresses]
  const subject = { commonName: `${nodeName}@${Math.floor(now / 1000)}` }
  const validity = { notBefore: now - 60 * 60_000, notAfter: now + 365 * 24 * 60 * 60_000 }
  const own = () => (made ??= issueCertificate({ subject, purpose: 'server', hosts, ...validity }))
  const certificate = () => servingCertificate?.() ?? own()
  return { server: { address: kubeletAddress ?? '127.0.0.1', port: kubeletPort, clientCa, certificate } }
}

type Keep = (name: string, kubelet: Kubelet) => readonly [string, Run]

async function dockerNodes(options: NodesOptions, keep: Keep): Promise<(readonly [string, Run])[]> {
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
    const kubelet = createKubelet({
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
        : machineSignals({ machine, runtime, rootDir: ownRootDir, reservedMemoryInBytes: reservedMemory(options) }),
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

function reservedMemory({ garbage }: NodesOptions): number {
  const { systemReserved, kubeReserved } = garbage?.config ?? {}
  return value(systemReserved?.memory ?? '0') + value(kubeReserved?.memory ?? '0')
}

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

function simulatedNodes(options: NodesOptions, keep: Keep): (readonly [string, Run])[] {
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
