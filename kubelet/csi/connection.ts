import { type GrpcClient, grpcClient } from '../../lib/grpc/client.ts'
import { type GrpcSchema, grpcSchema } from '../../lib/grpc/schema.ts'
import { csiProto, registrationProto } from './proto.ts'

/** Speaks with plugins over their sockets. */
export interface PluginConnections {
  driver(socket: string): Promise<GrpcClient>
  registration(socket: string): Promise<GrpcClient>
}

export function socketConnections(): PluginConnections {
  let csi: Promise<GrpcSchema> | undefined
  let registration: Promise<GrpcSchema> | undefined
  return {
    driver: async socket => grpcClient({ address: `unix://${socket}`, schema: await (csi ??= grpcSchema(csiProto)) }),
    registration: async socket =>
      grpcClient({ address: `unix://${socket}`, schema: await (registration ??= grpcSchema(registrationProto)) }),
  }
}
