import { GrpcError } from '../../lib/grpc/errors.ts'
import type { CsiCalls } from './messages.ts'

/** A storage driver that has registered here. Its capabilities are asked for once. */
export interface CsiDriver {
  readonly name: string
  /** One call. Throws a GrpcError; `DeadlineExceeded` after two minutes unless told otherwise. */
  call<M extends keyof CsiCalls>(
    method: M,
    request: CsiCalls[M]['ask'],
    options?: { timeoutInMs?: number },
  ): Promise<CsiCalls[M]['answer']>
  nodeCan(what: NodeAbility): Promise<boolean>
  /** False also where the driver has no Controller service behind this socket. */
  controllerCan(what: ControllerAbility): Promise<boolean>
  /** Whether volumes are not reachable from everywhere. */
  hasTopology(): Promise<boolean>
  close(): void
}

export type NodeAbility =
  | 'STAGE_UNSTAGE_VOLUME'
  | 'GET_VOLUME_STATS'
  | 'EXPAND_VOLUME'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'VOLUME_MOUNT_GROUP'

export type ControllerAbility =
  | 'CREATE_DELETE_VOLUME'
  | 'PUBLISH_UNPUBLISH_VOLUME'
  | 'GET_CAPACITY'
  | 'PUBLISH_READONLY'
  | 'EXPAND_VOLUME'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'MODIFY_VOLUME'

/** What a connection must offer: lib/grpc's client does. */
export interface CsiConnection {
  call<Answer extends object>(method: string, request: object, options: { timeoutInMs: number }): Promise<Answer>
  close(): void
}

/** pkg/volume/csi csiTimeout. */
const callLimitInMs = 2 * 60_000

export function csiDriver(name: string, connection: CsiConnection): CsiDriver {
  const call: CsiDriver['call'] = (method, request, { timeoutInMs = callLimitInMs } = {}) =>
    connection.call(`csi.v1.${method}`, request, { timeoutInMs })

  /** What failed is asked again the next time. */
  const once = <T>(ask: () => Promise<T>) => {
    let asked: Promise<T> | undefined
    return () =>
      (asked ??= ask().catch((error: unknown) => {
        asked = undefined
        throw error
      }))
  }
  const typesOf = ({ capabilities = [] }: CsiCalls['Node/NodeGetCapabilities']['answer']) =>
    new Set(capabilities.flatMap(({ rpc }) => rpc?.type ?? []))
  const ofNode = once(async () => typesOf(await call('Node/NodeGetCapabilities', {})))
  const ofPlugin = once(async () => {
    const { capabilities = [] } = await call('Identity/GetPluginCapabilities', {})
    return new Set(capabilities.flatMap(({ service }) => service?.type ?? []))
  })
  const ofController = once(async () => {
    if (!(await ofPlugin()).has('CONTROLLER_SERVICE')) return new Set<string>()
    try {
      return typesOf(await call('Controller/ControllerGetCapabilities', {}))
    } catch (error) {
      // The part of a driver that runs on nodes may tell of a controller that runs elsewhere.
      if (error instanceof GrpcError && error.code === 'Unimplemented') return new Set<string>()
      throw error
    }
  })
  return {
    name,
    call,
    nodeCan: async what => (await ofNode()).has(what),
    controllerCan: async what => (await ofController()).has(what),
    hasTopology: async () => (await ofPlugin()).has('VOLUME_ACCESSIBILITY_CONSTRAINTS'),
    close: () => connection.close(),
  }
}

const unclear = new Set(['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted'])

/** Whether nothing has been done, for sure: other failures leave open what the driver did or still does (csi_client.go isFinalError). */
export function isFinal(error: unknown): boolean {
  return !(error instanceof GrpcError) || !unclear.has(error.code)
}
