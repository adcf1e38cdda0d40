import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, rmdir, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { csiProto, registrationProto } from '../../kubelet/csi/proto.ts'
import { systemClock } from '../../lib/clock.ts'
import { type GrpcCode, GrpcError } from '../../lib/grpc/errors.ts'
import { grpcSchema } from '../../lib/grpc/schema.ts'
import { type GrpcHandler, serveGrpc } from '../../lib/grpc/server.ts'

const run = promisify(execFile)

/** What happens to the next calls of a method. */
export interface Fault {
  readonly code?: GrpcCode
  readonly message?: string
  /** The work is done, and then the answer gets lost. */
  readonly isLate?: boolean
  readonly delayInMs?: number
  /** For how many calls; default 1. */
  readonly times?: number
}

export interface DriverOptions {
  readonly name?: string
  /** Each node's name, and its kubelet's folder. */
  readonly nodes: readonly { readonly name: string; readonly rootDir: string }[]
  /** What it can; by default all of it. */
  readonly stages?: boolean
  readonly attaches?: boolean
  readonly expandsOnNode?: boolean
  readonly isFine?: boolean
  /** Volumes that a node takes. */
  readonly limit?: number
  /** Bytes that it has in all. */
  readonly capacityInBytes?: number
  /** Each node is a place of its own. */
  readonly hasTopology?: boolean
}

interface StoredVolume {
  readonly id: string
  readonly name: string
  bytes: number
  readonly isBlock: boolean
  readonly attachedTo: Set<string>
  readonly places: readonly { segments: Record<string, string> }[]
}

/** A storage driver over folders (and files behind loop devices) of this machine, for tests. It remembers what it was asked. */
export interface TestDriver extends AsyncDisposable {
  readonly name: string
  readonly volumes: Map<string, StoredVolume>
  /** `Method id`, in the order in which they came. */
  readonly calls: string[]
  /** The last request of a method. */
  last(method: string): Record<string, unknown>
  fail(method: string, fault: Fault): void
  /** Everything works again. */
  heal(): void
  /** Serves, on every node. */
  start(): Promise<void>
  /** As if it had died: sockets go, mounts stay. */
  stop(): Promise<void>
  /** Places where something of its is mounted. */
  mounts(): Promise<string[]>
  /** Where the files of a volume are. */
  dataOf(id: string): string
}

type Request = Record<string, never> & {
  volumeId: string
  nodeId: string
  stagingTargetPath: string
  targetPath: string
  readonly: boolean
  name: string
  capacityRange?: { requiredBytes: number; limitBytes: number }
  volumeCapabilities: { block?: object }[]
  volumeCapability?: { block?: object; accessMode?: { mode: string } }
  volumeContext?: Record<string, string>
  volumePath: string
  accessibilityRequirements?: { preferred?: { segments: Record<string, string> }[] }
}

export const topologyKey = 'topology.test.csi/node'

export async function testCsiDriver(options: DriverOptions): Promise<TestDriver> {
  const { name = 'test.csi.wherry.dev', nodes, stages = true, attaches = true, expandsOnNode = true, isFine = false } = options
  const folder = await mkdtemp(join(tmpdir(), 'csi-'))
  const volumes = new Map<string, StoredVolume>()
  const calls: string[] = []
  const requests = new Map<string, Request>()
  const faults = new Map<string, Fault[]>()
  const [csi, registration] = await Promise.all([grpcSchema(csiProto), grpcSchema(registrationProto)])
  const dataOf = (id: string) => join(folder, 'data', id)
  const stops: (() => void)[] = []

  const faulty =
    (method: string, handler: (request: Request) => Promise<object>): GrpcHandler =>
    async (raw: never) => {
      const request = raw as Request
      calls.push(`${method} ${request.volumeId || request.name || ''}`.trim())
      requests.set(method, request)
      const [fault] = faults.get(method) ?? []
      if (fault) {
        const left = (fault.times ?? 1) - 1
        faults.set(method, left > 0 ? [{ ...fault, times: left }] : (faults.get(method) ?? []).slice(1))
        if (fault.delayInMs) await systemClock.sleep(fault.delayInMs)
        if (fault.isLate) await handler(request)
        if (fault.code) throw new GrpcError(fault.code, fault.message ?? 'as told')
      }
      return handler(request)
    }
  const found = (id: string): StoredVolume => {
    const volume = volumes.get(id)
    if (!volume) throw new GrpcError('NotFound', `volume ${id} does not exist`)
    return volume
  }

  const controller: Record<string, (request: Request) => Promise<object>> = {
    async CreateVolume({ name: wanted, capacityRange, volumeCapabilities, accessibilityRequirements }) {
      const bytes = capacityRange?.requiredBytes || 2 ** 20
      const known = [...volumes.values()].find(volume => volume.name === wanted)
      if (known && known.bytes < bytes) throw new GrpcError('AlreadyExists', `volume ${wanted} is smaller`)
      const used = [...volumes.values()].reduce((sum, volume) => sum + volume.bytes, 0)
      if (!known && options.capacityInBytes !== undefined && used + bytes > options.capacityInBytes)
        throw new GrpcError('ResourceExhausted', 'no room left')
      const isBlock = volumeCapabilities.some(({ block }) => block)
      const places = (accessibilityRequirements?.preferred ?? []).slice(0, 1)
      const volume = known ?? { id: `vol-${wanted}`, name: wanted, bytes, isBlock, attachedTo: new Set<string>(), places }
      volumes.set(volume.id, volume)
      await mkdir(dirname(dataOf(volume.id)), { recursive: true })
      if (!isBlock) await mkdir(dataOf(volume.id), { recursive: true, mode: 0o777 })
      else if (!known) {
        await writeFile(dataOf(volume.id), '')
        await truncate(dataOf(volume.id), bytes)
      }
      return {
        volume: {
          volumeId: volume.id,
          capacityBytes: volume.bytes,
          volumeContext: { made: 'here' },
          accessibleTopology: volume.places,
        },
      }
    },
    async DeleteVolume({ volumeId }) {
      if ((volumes.get(volumeId)?.attachedTo.size ?? 0) > 0) throw new GrpcError('FailedPrecondition', `${volumeId} is attached`)
      volumes.delete(volumeId)
      await rm(dataOf(volumeId), { recursive: true, force: true })
      return {}
    },
    async ControllerPublishVolume({ volumeId, nodeId }) {
      found(volumeId).attachedTo.add(nodeId)
      return { publishContext: { attachedTo: nodeId } }
    },
    async ControllerUnpublishVolume({ volumeId, nodeId }) {
      volumes.get(volumeId)?.attachedTo.delete(nodeId)
      return {}
    },
    async ControllerExpandVolume({ volumeId, capacityRange }) {
      const volume = found(volumeId)
      volume.bytes = Math.max(volume.bytes, capacityRange?.requiredBytes ?? 0)
      if (volume.isBlock) await truncate(dataOf(volumeId), volume.bytes)
      return { capacityBytes: volume.bytes, nodeExpansionRequired: expandsOnNode }
    },
    async GetCapacity() {
      const used = [...volumes.values()].reduce((sum, volume) => sum + volume.bytes, 0)
      return { availableCapacity: (options.capacityInBytes ?? 2 ** 40) - used }
    },
    async ControllerGetCapabilities() {
      const abilities = [
        'CREATE_DELETE_VOLUME',
        'GET_CAPACITY',
        'EXPAND_VOLUME',
        ...(attaches ? ['PUBLISH_UNPUBLISH_VOLUME'] : []),
        ...(isFine ? ['SINGLE_NODE_MULTI_WRITER'] : []),
      ]
      return { capabilities: abilities.map(type => ({ rpc: { type } })) }
    },
  }

  const nodeService = (nodeName: string): Record<string, (request: Request) => Promise<object>> => ({
    async NodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }) {
      if (attaches && !found(volumeId).attachedTo.has(nodeName))
        throw new GrpcError('FailedPrecondition', `${volumeId} is not attached to ${nodeName}`)
      if (volumeCapability?.block) await loopOf(dataOf(volumeId))
      else if (!(await isMounted(stagingTargetPath))) await run('mount', ['--bind', dataOf(volumeId), stagingTargetPath])
      return {}
    },
    async NodeUnstageVolume({ volumeId, stagingTargetPath }) {
      if (await isMounted(stagingTargetPath)) await run('umount', [stagingTargetPath])
      if (volumes.get(volumeId)?.isBlock) await releaseLoop(dataOf(volumeId))
      return {}
    },
    async NodePublishVolume({ volumeId, targetPath, stagingTargetPath, readonly, volumeCapability, volumeContext }) {
      if (await isMounted(targetPath)) return {}
      if (volumeCapability?.block) {
        await writeFile(targetPath, '')
        await run('mount', ['--bind', await loopOf(dataOf(volumeId)), targetPath])
        return {}
      }
      await mkdir(targetPath, { recursive: true })
      const isInline = volumeContext?.['csi.storage.k8s.io/ephemeral'] === 'true'
      if (isInline) {
        await mkdir(dataOf(volumeId), { recursive: true })
        await writeFile(join(dataOf(volumeId), 'context.json'), JSON.stringify(volumeContext))
      } else found(volumeId)
      await run('mount', ['--bind', stages && !isInline ? stagingTargetPath : dataOf(volumeId), targetPath])
      if (readonly) await run('mount', ['-o', 'remount,bind,ro', targetPath])
      return {}
    },
    async NodeUnpublishVolume({ volumeId, targetPath }) {
      if (await isMounted(targetPath)) await run('umount', [targetPath])
      const left = await stat(targetPath).catch(() => undefined)
      if (left?.isDirectory()) await rmdir(targetPath)
      else await rm(targetPath, { force: true })
      if (!volumes.has(volumeId)) await rm(dataOf(volumeId), { recursive: true, force: true })
      return {}
    },
    async NodeGetVolumeStats({ volumeId }) {
      const { bytes } = found(volumeId)
      return { usage: [{ unit: 'BYTES', total: bytes, used: 4096, available: bytes - 4096 }] }
    },
    async NodeExpandVolume({ volumeId }) {
      return { capacityBytes: found(volumeId).bytes }
    },
    async NodeGetCapabilities() {
      const abilities = [
        'GET_VOLUME_STATS',
        ...(stages ? ['STAGE_UNSTAGE_VOLUME'] : []),
        ...(expandsOnNode ? ['EXPAND_VOLUME'] : []),
        ...(isFine ? ['SINGLE_NODE_MULTI_WRITER'] : []),
      ]
      return { capabilities: abilities.map(type => ({ rpc: { type } })) }
    },
    async NodeGetInfo() {
      return {
        nodeId: nodeName,
        maxVolumesPerNode: options.limit ?? 0,
        ...(options.hasTopology && { accessibleTopology: { segments: { [topologyKey]: nodeName } } }),
      }
    },
  })
  const identity: Record<string, (request: Request) => Promise<object>> = {
    GetPluginInfo: async () => ({ name, vendorVersion: '1' }),
    Probe: async () => ({ ready: { value: true } }),
    GetPluginCapabilities: async () => ({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        ...(options.hasTopology ? [{ service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } }] : []),
      ],
    }),
  }
  const withFaults = (methods: Record<string, (request: Request) => Promise<object>>) =>
    Object.fromEntries(Object.entries(methods).map(([method, handler]) => [method, faulty(method, handler)]))

  const sockets = nodes.map(({ name: node, rootDir }) => ({
    csi: join(folder, `${node}.sock`),
    registration: join(rootDir, 'plugins_registry', `${name}-reg.sock`),
  }))
  const self: TestDriver = {
    name,
    volumes,
    calls,
    dataOf,
    last: method => requests.get(method) ?? ({} as Request),
    fail: (method, fault) => void faults.set(method, [...(faults.get(method) ?? []), fault]),
    heal: () => faults.clear(),
    async start() {
      for (const [i, { name: node }] of nodes.entries()) {
        const { csi: socket = '', registration: door = '' } = sockets[i] ?? {}
        await Promise.all([socket, door].map(path => rm(path, { force: true })))
        await mkdir(dirname(door), { recursive: true })
        const services = {
          'csi.v1.Identity': withFaults(identity),
          'csi.v1.Controller': withFaults(controller),
          'csi.v1.Node': withFaults(nodeService(node)),
        }
        stops.push(await serveGrpc({ address: `unix://${socket}`, schema: csi, services }))
        const info = { type: 'CSIPlugin', name, endpoint: socket, supportedVersions: ['1.0.0'] }
        const registrar = {
          'pluginregistration.Registration': {
            GetInfo: () => info,
            NotifyRegistrationStatus: (status: { pluginRegistered: boolean; error: string }) => {
              calls.push(status.pluginRegistered ? 'registered' : `not registered: ${status.error}`)
              return {}
            },
          },
        }
        stops.push(await serveGrpc({ address: `unix://${door}`, schema: registration, services: registrar }))
      }
    },
    async stop() {
      for (const stop of stops.splice(0)) stop()
      for (const { csi: socket, registration: door } of sockets)
        for (const path of [socket, door]) await rm(path, { force: true })
    },
    async mounts() {
      const { stdout } = await run('cat', ['/proc/self/mountinfo'])
      const places = stdout.split('\n').map(line => line.split(' ')[4] ?? '')
      return places.filter(place => nodes.some(({ rootDir }) => place.startsWith(`${rootDir}/`)) && /csi/.test(place))
    },
    async [Symbol.asyncDispose]() {
      await self.stop()
      for (const place of (await self.mounts()).reverse()) await run('umount', [place]).catch(() => {})
      for (const file of await readdir(join(folder, 'data')).catch(() => [])) await releaseLoop(dataOf(file)).catch(() => {})
      await rm(folder, { recursive: true, force: true })
    },
  }
  return self
}

async function isMounted(place: string): Promise<boolean> {
  const { stdout } = await run('cat', ['/proc/self/mountinfo'])
  return stdout.split('\n').some(line => line.split(' ')[4] === place)
}

/** The loop device over a file. */
async function loopOf(file: string): Promise<string> {
  const { stdout } = await run('losetup', ['-j', file])
  const [known] = stdout.split(':')
  if (known) return known
  return (await run('losetup', ['--show', '-f', file])).stdout.trim()
}

async function releaseLoop(file: string): Promise<void> {
  const { stdout } = await run('losetup', ['-j', file])
  const [device] = stdout.split(':')
  if (device) await run('losetup', ['-d', device])
}
