import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { type GrpcClient, grpcClient } from '../../lib/grpc/client.ts'
import { GrpcError } from '../../lib/grpc/errors.ts'
import { type GrpcSchema, grpcSchema } from '../../lib/grpc/schema.ts'
import { serveGrpc } from '../../lib/grpc/server.ts'
import type { Log } from '../../lib/log.ts'
import { aborted, type Run } from '../../lib/run.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { Devices } from './devices.ts'
import { type Device, type DeviceOptions, type DevicePlugin, noDeviceOptions } from './plugin.ts'
import { isExtendedResource } from './resource-names.ts'

/** As much of k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1 as is spoken here; the numbers are what counts. */
export const devicePluginProto = `
syntax = "proto3";
package v1beta1;
service Registration { rpc Register(RegisterRequest) returns (Empty) {} }
service DevicePlugin {
  rpc GetDevicePluginOptions(Empty) returns (Options) {}
  rpc ListAndWatch(Empty) returns (stream Listed) {}
  rpc Allocate(AllocateRequest) returns (AllocateResponse) {}
  rpc PreStartContainer(ContainerDevices) returns (Empty) {}
}
message Empty {}
message Options { bool pre_start_required = 1; bool get_preferred_allocation_available = 2; }
message RegisterRequest { string version = 1; string endpoint = 2; string resource_name = 3; Options options = 4; }
message Listed { repeated Device devices = 1; }
message Device { string id = 1; string health = 2; }
message ContainerDevices { repeated string ids = 1; }
message AllocateRequest { repeated ContainerDevices containers = 1; }
message AllocateResponse { repeated Allocated containers = 1; }
message Allocated {
  map<string, string> envs = 1; repeated Mount mounts = 2; repeated Node devices = 3; map<string, string> annotations = 4;
  repeated CDIDevice cdi_devices = 5;
}
message Mount { string container_path = 1; string host_path = 2; bool read_only = 3; }
message Node { string container_path = 1; string host_path = 2; string permissions = 3; }
message CDIDevice { string name = 1; }
`

const version = 'v1beta1'
const socketName = 'kubelet.sock'
const answerWithinInMs = 10_000
/** A plugin that has gone is waited for so long before its devices count as none (pkg/kubelet/cm/devicemanager/endpoint.go). */
const goneAfterMs = 300_000

interface Options {
  /** Sockets of plugins lie in it beside ours. */
  readonly folder: string
  readonly devices: Pick<Devices, 'add' | 'remove'>
  /** What there is, or its health, has changed. */
  readonly onChange: () => void
  readonly clock: Clock
  readonly log: Log
}

interface Registration {
  readonly version: string
  readonly endpoint: string
  readonly resourceName: string
  readonly options: { readonly preStartRequired: boolean } | null
}

/** Lets device plugins register over gRPC and follows what they tell of their devices. Needs whoever came before to be gone. */
export function devicePlugins(options: Options): Run {
  const { folder, log } = options
  return async signal => {
    const schema = await grpcSchema(devicePluginProto)
    await mkdir(folder, { recursive: true })
    // Plugins see their sockets vanish, and come again (pkg/kubelet/cm/devicemanager/plugin/v1beta1/server.go).
    for (const name of await readdir(folder))
      if ((await stat(join(folder, name)).catch(() => undefined))?.isSocket()) await rm(join(folder, name), { force: true })
    const latest = new Map<string, AbortController>()
    const Register = (given: Registration) => {
      const { resourceName, endpoint } = given
      if (given.version !== version)
        throw new GrpcError(
          'Unknown',
          `requested API version ${JSON.stringify(given.version)} is not supported by kubelet. Supported version is ${JSON.stringify(version)}`,
        )
      if (!isExtendedResource(resourceName))
        throw new GrpcError('Unknown', `the ResourceName ${JSON.stringify(resourceName)} is invalid`)
      if (!/^[^/]+$/.test(endpoint))
        throw new GrpcError('Unknown', `the endpoint ${JSON.stringify(endpoint)} is no name in the folder`)
      latest.get(resourceName)?.abort()
      const mine = new AbortController()
      latest.set(resourceName, mine)
      const until = AbortSignal.any([mine.signal, signal])
      follow(options, schema, given, until).catch((err: unknown) =>
        log.warn({ err: messageOf(err), resourceName }, 'device plugin lost'),
      )
      return {}
    }
    const stop = await serveGrpc({
      address: `unix://${join(folder, socketName)}`,
      schema,
      services: { 'v1beta1.Registration': { Register } },
    })
    await aborted(signal)
    stop()
  }
}

/** One plugin, from its registration until it has been away for long, or another comes for its resource. */
async function follow(
  { folder, devices, onChange, clock, log }: Options,
  schema: GrpcSchema,
  { endpoint, resourceName: resource, options }: Registration,
  signal: AbortSignal,
): Promise<void> {
  const client = await grpcClient({ address: `unix://${join(folder, endpoint)}`, schema })
  let known: readonly Device[] = []
  const { allocate, beforeStart } = callsOf(client)
  const plugin: DevicePlugin = {
    resource,
    devices: () => known,
    allocate,
    ...(options?.preStartRequired && { beforeStart }),
  }
  try {
    const listing = client.stream<{ devices: { id: string; health: string }[] }>('v1beta1.DevicePlugin/ListAndWatch', {}, signal)
    for await (const { devices: listed } of listing) {
      if (signal.aborted) break
      known = listed.map(({ id, health }) => ({ id, isHealthy: health === 'Healthy' }))
      devices.add(plugin)
      onChange()
    }
  } catch (err) {
    if (!signal.aborted) log.info({ err: messageOf(err), resource }, 'device plugin went away')
  }
  if (!signal.aborted) {
    known = known.map(({ id }) => ({ id, isHealthy: false }))
    onChange()
    await clock.sleep(goneAfterMs, signal)
  }
  client.close()
  devices.remove(plugin)
  if (!signal.aborted) onChange()
}

interface Allocated {
  readonly envs: Record<string, string>
  readonly annotations: Record<string, string>
  readonly mounts: readonly { containerPath: string; hostPath: string; readOnly: boolean }[]
  readonly devices: readonly { containerPath: string; hostPath: string; permissions: string }[]
  readonly cdiDevices: readonly { name: string }[]
}

function callsOf(client: GrpcClient) {
  return {
    async allocate(ids: readonly string[]): Promise<DeviceOptions> {
      const request = { containers: [{ ids }] }
      const { containers } = await client.call<{ containers: Allocated[] }>('v1beta1.DevicePlugin/Allocate', request, {
        timeoutInMs: answerWithinInMs,
      })
      const [given] = containers
      if (!given) return noDeviceOptions
      if (given.cdiDevices.length > 0) throw new Error('the plugin wants CDI devices, which this runtime does not know')
      return { env: given.envs, annotations: given.annotations, mounts: given.mounts, nodes: given.devices }
    },
    async beforeStart(ids: readonly string[]): Promise<void> {
      await client.call('v1beta1.DevicePlugin/PreStartContainer', { ids }, { timeoutInMs: answerWithinInMs })
    },
  }
}
