import { PassThrough } from 'node:stream'
import type { Clock } from '../../../lib/clock.ts'
import { systemRandom, type Random } from '../../../lib/random.ts'
import { limitBytes } from '../byte-stream.ts'
import { type ContainerRuntime, ConnectionRefused, type FilesystemUsage, RuntimeError } from '../runtime.ts'
import { addressesOf } from './addresses.ts'
import { type ContainerRecord, type SandboxRecord, type SimulatedEngine, simulatedEngine } from './engine.ts'
import { isMissing, simulatedImages } from './images.ts'
import { announce, start, stop } from './life.ts'
import { attachSession, execSession, logBytes } from './sessions.ts'
import { containerRecord, sandboxOf, stateOf, usageOf } from './records.ts'
import { canRun } from './shell.ts'

export interface SimulatedRuntimeOptions {
  clock: Clock
  random?: Random
  /** The same engine given to the next runtime of this node is what a restart of the kubelet finds again. */
  engine?: SimulatedEngine
  cluster?: string
  node: string
  podCIDR: () => string | undefined
  /** What `imageFilesystem` answers: how disk pressure is simulated. */
  filesystem?: () => FilesystemUsage
}

const roomyDisk: FilesystemUsage = {
  capacityInBytes: 100 * 2 ** 30,
  availableInBytes: 80 * 2 ** 30,
  inodes: 6_553_600,
  inodesFree: 6_000_000,
}

/**
 * A runtime without containers: pods are records that live as their annotations say (README). Cheap enough for thousands of nodes in
 * one process. Images named `missing`, or under `missing/`, do not exist.
 */
export function simulatedRuntime(options: SimulatedRuntimeOptions): ContainerRuntime {
  const { clock, random = systemRandom, cluster = '', node: name, podCIDR, filesystem = () => roomyDisk } = options
  const engine = options.engine ?? simulatedEngine({ clock, random })
  const records = engine.node(cluster, name)
  const { sandboxes, containers, listeners } = records

  const reach = () => {
    if (!engine.isReachable) throw new RuntimeError('unavailable', 'the simulated engine is not reachable')
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
  const membersOf = (sandboxId: string) => [...containers.values()].filter(container => container.sandboxId === sandboxId)
  const newId = () => random.uuid().replaceAll('-', '')
  const addressFor = () => {
    const cidr = podCIDR()
    if (cidr === undefined) throw new RuntimeError('create', `network is not ready: node ${name} has no pod CIDR yet`)
    records.addresses ??= addressesOf(cidr)
    const address = records.addresses.take()
    if (address === undefined) throw new RuntimeError('create', `no IP addresses available in range set: ${cidr}`)
    return address
  }
  const remove = (container: ContainerRecord) => {
    container.kill?.(137, 'Error')
    containers.delete(container.id)
  }
  const halt = (sandbox: SandboxRecord) => {
    for (const container of membersOf(sandbox.id)) container.kill?.(137, 'Error')
    if (sandbox.ip) records.addresses?.release(sandbox.ip)
    sandbox.ip = ''
    sandbox.state = 'notReady'
    announce(records, sandbox)
  }

  return {
    name: 'simulated',
    async version() {
      reach()
      return { name: 'simulated', version: '1.0.0' }
    },

    async runSandbox({ pod, attempt, labels, annotations, hostname, hostNetwork }) {
      reach()
      const ip = hostNetwork ? '' : addressFor()
      const id = newId()
      const createdAt = clock.now()
      const sandbox: SandboxRecord = { id, pod, attempt, state: 'ready', ip, createdAt, labels, annotations, hostname }
      sandboxes.set(id, sandbox)
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
      sandboxes.delete(id)
      announce(records, sandbox)
    },

    async createContainer(sandboxId, config) {
      reach()
      const sandbox = sandboxes.get(sandboxId)
      if (sandbox?.state !== 'ready') throw new RuntimeError('create', `sandbox ${sandboxId} is not ready`)
      if (isMissing(config.image)) throw new RuntimeError('create', `No such image: ${config.image}`)
      const id = newId()
      const container = containerRecord(id, sandbox, config, clock.now())
      containers.set(id, container)
      return id
    },
    startContainer: async id => start(engine, records, containerOf(id)),
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
    async updateResources(id, { memoryLimitInBytes }) {
      const container = runningOf(id)
      if (memoryLimitInBytes === undefined) return
      container.memoryLimitInBytes = memoryLimitInBytes
      if (container.behaviour.memoryInBytes > memoryLimitInBytes) container.kill?.(137, 'OOMKilled')
    },

    async list() {
      reach()
      return { sandboxes: Array.from(sandboxes.values(), sandboxOf), containers: Array.from(containers.values(), stateOf) }
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
    watchEvents: onEvent => async signal => {
      listeners.add(onEvent)
      while (!signal.aborted) {
        await engine.reachability.wait(signal)
        if (engine.isReachable && !signal.aborted) onEvent(undefined)
      }
      listeners.delete(onEvent)
    },

    images: simulatedImages(reach, () => Array.from(containers.values(), container => container.image)),
    async *logs(id, logOptions, signal) {
      yield* limitBytes(logBytes(containerOf(id), logOptions, clock.now(), signal), logOptions.limitBytes)
    },
    async exec(id, execOptions) {
      return execSession(engine, sandboxes.get(runningOf(id).sandboxId)?.hostname ?? '', execOptions)
    },
    async execSync(id, command, timeoutInMs) {
      const { sandboxId, behaviour } = runningOf(id)
      if (!canRun(command)) return { exitCode: behaviour.isReady ? 0 : 1, output: '', timedOut: false }
      const session = execSession(engine, sandboxes.get(sandboxId)?.hostname ?? '', {
        ...{ command, stdin: false, stdout: true, stderr: true, tty: true },
      })
      let timedOut = false
      const cancel =
        timeoutInMs > 0
          ? clock.after(timeoutInMs, () => {
              timedOut = true
              session.close()
            })
          : undefined
      const { exitCode } = await session.done
      cancel?.()
      const chunks: Uint8Array[] = []
      for await (const chunk of session.stdout) chunks.push(chunk)
      return { exitCode, output: Buffer.concat(chunks).toString().replaceAll('\r\n', '\n'), timedOut }
    },
    async attach(id) {
      return attachSession(runningOf(id))
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
      return filesystem()
    },
    async cleanUp() {
      if (sandboxes.size === 0) records.addresses = undefined
    },
  }
}
