import { PassThrough } from 'node:stream'
import type { Clock } from '../../../lib/clock.ts'
import { type Random, systemRandom } from '../../../lib/random.ts'
import { limitBytes } from '../byte-stream.ts'
import { ConnectionRefused, type ContainerRuntime, type FilesystemUsage, RuntimeError, type SandboxConfig } from '../runtime.ts'
import { addressesOf } from './addresses.ts'
import { stagesOf } from './behaviour.ts'
import { simulatedCommands } from './commands.ts'
import { type ContainerRecord, type SandboxRecord, type SimulatedEngine, simulatedEngine } from './engine.ts'
import { simulatedImages } from './images.ts'
import { announce, failureOf, start, stop } from './life.ts'
import { isLinked, watchNode } from './links.ts'
import { defaultLogLimits, type LogLimits } from './log-buffer.ts'
import { logBytes } from './logs.ts'
import { nodeDisk } from './node-figures.ts'
import { dropContainer, dropSandbox, keepContainer, keepSandbox } from './pod-records.ts'
import { containerRecord, sandboxOf, stateOf, usageOf } from './records.ts'
import { attachSession } from './sessions.ts'

export interface SimulatedRuntimeOptions {
  clock: Clock
  random?: Random
  /** The same engine given to the next runtime of this node is what a restart of the kubelet finds again. */
  engine?: SimulatedEngine
  cluster?: string
  node: string
  /** What stages may select nodes by. */
  nodeLabels?: () => Readonly<Record<string, string>>
  podCIDR: () => string | undefined
  /** What `imageFilesystem` answers, instead of what the simulated disk has. */
  filesystem?: () => FilesystemUsage
  /** How long containers' logs may be; default 10 MiB in each of 5 files. */
  logLimits?: LogLimits
  /** What the handler of a RuntimeClass may be. */
  handlers?: readonly string[]
}

/**
 * A runtime without containers: pods are records that live as stages and their annotations say (README). Cheap enough for thousands of
 * nodes in one process. Images named `missing`, or under `missing/`, do not exist.
 */
export function simulatedRuntime(options: SimulatedRuntimeOptions): ContainerRuntime {
  const { clock, random = systemRandom, cluster = '', node: name, podCIDR, logLimits: limits = defaultLogLimits } = options
  const { nodeLabels = () => ({}), handlers = ['runc'] } = options
  const engine = options.engine ?? simulatedEngine({ clock, random })
  const records = engine.node(cluster, name)
  const { sandboxes, containers } = records
  const subject = { node: name, nodeLabels }

  const reach = () => {
    if (!isLinked(engine, subject)) throw new RuntimeError('unavailable', 'the simulated engine is not reachable')
  }
  const containerOf = (id: string): ContainerRecord => {
    reach()
    const container = containers.get(id)
    if (!container) throw new RuntimeError('notFound', `no such container: ${id}`)
    return container
  }
  const runningOf = (id: string): ContainerRecord => {
    const container = containerOf(id)
    if (container.state !== 'running') throw new RuntimeError('other', `container ${id} is not running`)
    return container
  }
  const images = simulatedImages({ records, clock, book: () => engine.book, subject, reach })
  const membersOf = (sandboxId: string) => {
    const uid = sandboxes.get(sandboxId)?.pod.uid ?? ''
    return [...(records.pods.get(uid)?.containers ?? [])].filter(container => container.sandboxId === sandboxId)
  }
  const newId = () => random.uuid().replaceAll('-', '')
  const addressFor = () => {
    const cidr = podCIDR()
    if (cidr === undefined) throw new RuntimeError('create', `network is not ready: node ${name} has no pod CIDR yet`)
    records.addresses ??= addressesOf(cidr)
    const address = records.addresses.take()
    if (address === undefined) throw new RuntimeError('create', `no IP addresses available in range set: ${cidr}`)
    return address
  }
  const portsOf = ({ hostNetwork, portMappings }: SandboxConfig) =>
    (hostNetwork ? [] : portMappings).map(({ protocol, hostIP, hostPort }) => {
      const key = `${protocol}/${hostIP || '0.0.0.0'}/${hostPort}`
      const isTaken = records.hostPorts.has(key) || records.hostPorts.has(`${protocol}/0.0.0.0/${hostPort}`)
      if (isTaken)
        throw new RuntimeError('create', `Bind for ${hostIP || '0.0.0.0'}:${hostPort} failed: port is already allocated`)
      return key
    })
  const remove = (container: ContainerRecord) => {
    container.kill?.(137, 'Error')
    dropContainer(records, container)
  }
  const halt = (sandbox: SandboxRecord) => {
    for (const container of membersOf(sandbox.id)) container.kill?.(137, 'Error')
    if (sandbox.ip) records.addresses?.release(sandbox.ip)
    for (const [port, owner] of records.hostPorts) if (owner === sandbox.id) records.hostPorts.delete(port)
    sandbox.ip = ''
    sandbox.state = 'notReady'
    announce(records, sandbox)
  }
  const beforeList = async () => {
    reach()
    const slow = engine.book.ofNode(subject).find(({ relistTakes }) => relistTakes !== undefined)
    if (slow) await clock.sleep(slow.relistTakes ?? 0)
  }
  /** Whatever the pod's annotations or the stages say that is wrong stands in the way of the pod. */
  const readable = <T>(read: () => T): T => {
    try {
      return read()
    } catch (cause) {
      throw cause instanceof RuntimeError
        ? cause
        : new RuntimeError('create', cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }

  return {
    name: 'simulated',
    async version() {
      reach()
      return { name: 'simulated', version: '1.0.0' }
    },

    async runSandbox(config) {
      reach()
      const { pod, attempt, labels, annotations, hostname, hostNetwork, runtimeHandler = '' } = config
      if (runtimeHandler !== '' && !handlers.includes(runtimeHandler))
        throw new RuntimeError('create', `failed to get sandbox runtime: no runtime for "${runtimeHandler}" is configured`)
      const own = readable(() => stagesOf(annotations))
      const turn = engine.book.playFor({ ...subject, pod, labels, annotations }, own)?.next('sandbox')
      if (turn && turn.delayInMs > 0) {
        await clock.sleep(turn.delayInMs)
        reach()
      }
      const failure = turn && failureOf(turn.stage, 'create')
      if (failure) throw failure
      const ports = portsOf(config)
      const ip = hostNetwork ? '' : addressFor()
      const id = newId()
      const createdAt = clock.now()
      const record = { id, pod, attempt, ip, hostNetwork, createdAt, labels, annotations, hostname }
      const sandbox: SandboxRecord = { ...record, state: 'ready' }
      keepSandbox(records, sandbox)
      for (const port of ports) records.hostPorts.set(port, id)
      announce(records, sandbox)
      return sandboxOf(sandbox)
    },
    async stopSandbox(id) {
      reach()
      const sandbox = sandboxes.get(id)
      if (sandbox?.state === 'ready') halt(sandbox)
    },
    async removeSandbox(id) {
      reach()
      const sandbox = sandboxes.get(id)
      if (!sandbox) return
      if (sandbox.state === 'ready') halt(sandbox)
      for (const container of membersOf(id)) remove(container)
      dropSandbox(records, sandbox)
      const { uid } = sandbox.pod
      if (!records.pods.get(uid)?.sandboxes.size) engine.book.forget(uid)
      announce(records, sandbox)
    },

    async createContainer(sandboxId, config) {
      reach()
      const sandbox = sandboxes.get(sandboxId)
      if (sandbox?.state !== 'ready') throw new RuntimeError('create', `sandbox ${sandboxId} is not ready`)
      if (!images.isHere(config.image)) throw new RuntimeError('create', `No such image: ${config.image}`)
      const isTaken = membersOf(sandboxId).some(one => one.name === config.name && one.attempt === config.attempt)
      if (isTaken)
        throw new RuntimeError('create', `the container name "${config.name}" is already in use, attempt ${config.attempt}`)
      const id = newId()
      const surroundings = { createdAt: clock.now(), book: engine.book, node: subject }
      const container = readable(() => containerRecord(id, sandbox, config, surroundings))
      const turn = container.play?.next('create')
      if (turn && turn.delayInMs > 0) {
        await clock.sleep(turn.delayInMs)
        reach()
        container.createdAt = clock.now()
      }
      const failure = turn && failureOf(turn.stage, 'create')
      if (failure) throw failure
      if (sandboxes.get(sandboxId)?.state !== 'ready') throw new RuntimeError('create', `sandbox ${sandboxId} is not ready`)
      keepContainer(records, container)
      return id
    },
    startContainer: async id => start(engine, records, containerOf(id), limits),
    async stopContainer(id, graceInSeconds) {
      reach()
      const container = containers.get(id)
      if (container) await stop(engine, container, graceInSeconds * 1000)
    },
    async removeContainer(id) {
      reach()
      const container = containers.get(id)
      if (!container) return
      remove(container)
      announce(records, container)
    },
    async updateResources(id, resources) {
      const container = runningOf(id)
      container.resources = { ...container.resources, ...resources }
      if (resources.memoryLimitInBytes !== undefined) container.rearm?.()
    },

    async list() {
      await beforeList()
      return { sandboxes: Array.from(sandboxes.values(), sandboxOf), containers: Array.from(containers.values(), stateOf) }
    },
    async listPod(uid) {
      await beforeList()
      const pod = records.pods.get(uid)
      return { sandboxes: Array.from(pod?.sandboxes ?? [], sandboxOf), containers: Array.from(pod?.containers ?? [], stateOf) }
    },
    async inspect(id) {
      reach()
      const container = containers.get(id)
      return container && stateOf(container)
    },
    async inspectSandbox(id) {
      reach()
      const sandbox = sandboxes.get(id)
      return sandbox && sandboxOf(sandbox)
    },
    watchEvents: (onEvent, onLink) => watchNode({ engine, records, subject }, onEvent, onLink),

    images,
    async *logs(id, logOptions, signal) {
      yield* limitBytes(logBytes(containerOf(id), logOptions, { clock, limits }, signal), logOptions.limitBytes)
    },
    ...simulatedCommands({ engine, records, runningOf }),
    async attach(id, attachOptions) {
      return attachSession(runningOf(id), { clock, limits }, attachOptions)
    },
    async connect(id, port) {
      reach()
      if (sandboxes.get(id)?.state !== 'ready') throw new RuntimeError('notFound', `no such sandbox: ${id}`)
      if (!membersOf(id).some(({ state, behaviour }) => state === 'running' && behaviour.echoPorts.includes(port))) {
        throw new ConnectionRefused(id, port)
      }
      return new PassThrough()
    },
    async stats() {
      reach()
      const running = [...containers.values()].filter(container => container.state === 'running')
      return running.map(container => usageOf(container, clock.now()))
    },
    async imageFilesystem() {
      reach()
      return options.filesystem?.() ?? nodeDisk(engine, records, subject)
    },
    async writableInodes(id) {
      const container = containerOf(id)
      return container.startedAt === 0 ? 0 : (usageOf(container, clock.now()).inodes ?? 0)
    },
    async features() {
      const none = { appArmor: false, seLinux: false, userNamespaces: false }
      return { ...none, supplementalGroupsPolicy: true, handlers }
    },
    async cleanUp() {
      if (sandboxes.size === 0) records.addresses = undefined
    },
  }
}
