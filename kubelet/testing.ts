import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ignore } from '../api/errors.ts'
import type { InputOf } from '../api/kind.ts'
import type { Transport } from '../api/transport.ts'
import { type Client } from '../client/client.ts'
import { createEvents } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { runAll } from '../lib/run.ts'
import type { KubeletConfig } from './config.ts'
import type { SignalSource } from './eviction/signals.ts'
import { createKubelet, type Kubelet } from './kubelet.ts'
import type { Machine } from './node/machine.ts'
import { execOnlyCheck } from './probes/exec-only-check.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import { plainFolders } from './volumes/mounter.ts'

const gib = 2 ** 30

/** A machine with 4 cpus and 8Gi, for tests and simulated nodes. */
export function imaginaryMachine(overrides: Partial<Machine> = {}): Machine {
  return {
    hostname: 'node-a',
    addresses: ['192.168.0.10'],
    cpus: 4,
    memoryInBytes: 8 * gib,
    machineId: 'machine',
    systemUuid: 'system',
    bootId: 'boot',
    kernelVersion: '6.0.0',
    osImage: 'Imaginary Linux',
    architecture: 'amd64',
    nodeFilesystem: async () => ({ capacityInBytes: 100 * gib, availableInBytes: 80 * gib, inodes: 1000, inodesFree: 900 }),
    hostsFile: () => '127.0.0.1 localhost\n',
    resolvConf: () => 'nameserver 192.168.0.1\nsearch example.org\n',
    ...overrides,
  }
}

export interface NodeStory {
  readonly clock: VirtualClock
  readonly client: Client
  readonly rootDir: string
  readonly kubelet: Kubelet
  /** Creates a pod that is already bound to the node. */
  run(name: string, spec: Partial<InputOf<typeof Pod>['spec']>, metadata?: object): Promise<Pod>
  pod(name: string): Promise<Pod | undefined>
  node(): Promise<Node>
  /** Lets time pass in small steps until the pod is so; throws when that takes more than so many virtual seconds. */
  until(name: string, isSo: (pod: Pod | undefined) => unknown, limitInSeconds?: number): Promise<Pod | undefined>
  /** `reason: message` of every event about a pod or the node, oldest first. */
  events(name: string): Promise<string[]>
  /** Ends the kubelet and starts a new one over the same runtime and API. */
  restart(meanwhile?: () => Promise<unknown>): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface NodeStoryOptions {
  transport: Transport
  clock?: VirtualClock
  runtime: (clock: VirtualClock) => ContainerRuntime
  config?: Partial<KubeletConfig>
  signals?: SignalSource
}

/** A kubelet at work on a virtual clock: a real API server behind the transport, its pods' folders in a temporary place. */
export async function nodeStory(options: NodeStoryOptions): Promise<NodeStory> {
  const { transport, clock = virtualClock(), config, signals } = options
  const rootDir = await mkdtemp(join(tmpdir(), 'wherry-kubelet-'))
  const client = createClient(transport)
  const nodeName = 'node-a'
  // Real files take real time, in which virtual time must not run away.
  const stepInMs = config?.usesDisk === false ? 20 : 1

  const start = () => {
    const stop = new AbortController()
    const random = seededRandom(1)
    const informers = createInformers({ client, clock, log: silentLog })
    const events = createEvents({ client, clock, log: silentLog })
    const runtime = options.runtime(clock)
    const kubelet = createKubelet({
      nodeName,
      client,
      informers,
      runtime,
      clock,
      random,
      log: silentLog,
      events: events.from('kubelet', nodeName),
      rootDir,
      machine: imaginaryMachine(),
      check: execOnlyCheck({ runtime, clock }),
      mounter: plainFolders,
      config: { clusterDns: ['10.96.0.10'], ...config },
      ...(signals && { signals }),
    })
    const parts = [['informers', informers.run] as const, ['events', events.run] as const, ['kubelet', kubelet.run] as const]
    const done = runAll(parts, stop.signal)
    const end = async () => {
      stop.abort()
      let isOver = false
      const over = done.finally(() => {
        isOver = true
      })
      over.catch(() => {})
      // Whatever is still being waited for on the virtual clock has to come to its end.
      while (!isOver) await clock.advance(1000)
      await over
    }
    return { kubelet, end }
  }
  let current = start()
  await clock.advance(10)

  return {
    clock,
    client,
    rootDir,
    get kubelet() {
      return current.kubelet
    },
    run(name, spec, metadata = {}) {
      const containers = [{ name: 'app', image: 'registry/app:1' }]
      return client.create(Pod, {
        metadata: { name, namespace: 'default', ...metadata },
        spec: { nodeName, containers, ...spec },
      } as InputOf<typeof Pod>)
    },
    pod: name => client.get(Pod, { namespace: 'default', name }).catch(ignore('NotFound')),
    node: () => client.get(Node, { name: nodeName }),
    async until(name, isSo, limitInSeconds = 10) {
      const deadline = clock.now() + limitInSeconds * 1000
      for (;;) {
        const pod = await client.get(Pod, { namespace: 'default', name }).catch(ignore('NotFound'))
        if (isSo(pod)) return pod
        if (clock.now() > deadline) throw new Error(`pod ${name} never was so: ${JSON.stringify(pod?.status, undefined, 1)}`)
        await clock.advance(stepInMs)
      }
    },
    async events(name) {
      await clock.advance(1)
      const { items } = await client.list(Event)
      return items.filter(event => event.involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`)
    },
    async restart(meanwhile) {
      await current.end()
      await meanwhile?.()
      current = start()
      await clock.advance(10)
    },
    async [Symbol.asyncDispose]() {
      await current.end()
      await rm(rootDir, { recursive: true, force: true })
    },
  }
}
