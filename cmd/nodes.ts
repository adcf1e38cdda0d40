import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeAgent } from '../api/node-agent.ts'
import { type UserInfo, users } from '../api/user.ts'
import { createEvents, type Events } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import type { EvictionConfig } from '../kubelet/eviction/config.ts'
import { fileSignals, machineSignals } from '../kubelet/eviction/signals.ts'
import { createKubelet, type Kubelet } from '../kubelet/kubelet.ts'
import { type Machine, readMachine } from '../kubelet/node/machine.ts'
import { execOnlyCheck } from '../kubelet/probes/exec-only-check.ts'
import { dockerEngine } from '../kubelet/runtime/docker/engine.ts'
import { dockerRuntime } from '../kubelet/runtime/docker/runtime.ts'
import { type SimulatedEngine, simulatedEngine } from '../kubelet/runtime/simulated/engine.ts'
import { simulatedRuntime } from '../kubelet/runtime/simulated/runtime.ts'
import { ownSources, sharedSources } from '../kubelet/sources.ts'
import { aborted, type Run, runAll } from '../lib/run.ts'
import type { ComponentOptions } from './control-plane.ts'
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
  /** A file of figures instead of the machine's own. */
  readonly signalsFile?: string | undefined
  /** Where the engine is, if not at the usual socket. */
  readonly engine?: { readonly socketPath?: string; readonly host?: string }
  /** Containers of simulated nodes outlive the nodes if the engine does. */
  readonly simulatedEngine?: SimulatedEngine
  readonly simulatedMachine?: Partial<Pick<Machine, 'cpus' | 'memoryInBytes'>>
}

export interface Nodes {
  readonly run: Run
  agent(nodeName: string): NodeAgent | undefined
}

/** Reads all pods and nodes for the simulated kubelets, which share two watches. */
const simulator: UserInfo = { name: 'system:wherry:simulator', groups: ['system:masters', 'system:authenticated'] }

/** All kubelets of this process. */
export function nodes(options: NodesOptions): Nodes {
  const agents = new Map<string, NodeAgent>()
  return {
    agent: name => agents.get(name),
    async run(signal) {
      const keep = (name: string, { run, agent }: Kubelet) => {
        agents.set(name, agent)
        return [name, run] as const
      }
      const real = options.docker.length > 0 ? await dockerNodes(options, keep) : []
      const simulated = options.simulated.length > 0 ? simulatedNodes(options, keep) : []
      await runAll([...real, ...simulated], signal)
    },
  }
}

type Keep = (name: string, kubelet: Kubelet) => readonly [string, Run]

async function dockerNodes(options: NodesOptions, keep: Keep): Promise<(readonly [string, Run])[]> {
  const { transport, clock, random, cluster, rootDir, eviction, signalsFile } = options
  await mkdir(rootDir, { recursive: true, mode: 0o755 })
  const machine = await readMachine({ rootDir })
  const engine = dockerEngine({ clock, log: options.log, ...options.engine })
  return options.docker.flatMap(nodeName => {
    const { log } = options
    const client = createClient(transport(users.node(nodeName)), { defaultCause: { actor: 'kubelet' } })
    const informers = createInformers({ client, clock, log })
    const events = createEvents({ client, clock, log })
    const sources = ownSources(informers, nodeName)
    const runtime = dockerRuntime({ cluster, node: nodeName, podCIDR: () => sources.node()?.spec.podCIDR, clock, log, engine })
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
      config: { kubeletVersion: kubernetesVersion, eviction, nodeLabels: { [runtimeLabel]: 'docker' } },
      signals: signalsFile ? fileSignals({ path: signalsFile }) : machineSignals({ machine, runtime, rootDir: ownRootDir }),
    })
    return [
      [`${nodeName} informers`, informers.run] as const,
      [`${nodeName} events`, events.run] as const,
      keep(nodeName, kubelet),
    ]
  })
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

function simulatedNodes(options: NodesOptions, keep: Keep): (readonly [string, Run])[] {
  const { transport, clock, random, cluster, rootDir, eviction, signalsFile } = options
  const log = options.log.child({ component: 'simulator' })
  const shared = createClient(transport(simulator), { defaultCause: { actor: 'kubelet' } })
  const informers = createInformers({ client: shared, clock, log })
  const events: Events = createEvents({ client: shared, clock, log })
  const sourcesOf = sharedSources(informers)
  const engine = options.simulatedEngine ?? simulatedEngine({ clock, random })
  const kubelets = options.simulated.map(nodeName => {
    const sources = sourcesOf(nodeName)
    const runtime = simulatedRuntime({
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
      machine: { ...simulatedMachine, ...options.simulatedMachine, hostname: nodeName },
      config: { kubeletVersion: kubernetesVersion, eviction, usesDisk: false, nodeLabels: { [runtimeLabel]: 'simulated' } },
      check: execOnlyCheck({ runtime, clock }),
      ...(signalsFile !== undefined && { signals: fileSignals({ path: signalsFile }) }),
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
