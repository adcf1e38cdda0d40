import type { ServerUnaryCall, ServerWritableStream, UntypedHandleCall, UntypedServiceImplementation } from '@grpc/grpc-js'
import { GrpcError, grpcCodes } from './errors.ts'
import type { GrpcSchema } from './schema.ts'

/** Answers one method. A GrpcError becomes the call's status, anything else `Unknown`. */
export type GrpcHandler = (request: never) => Promise<object> | object
/** Answers a method with a stream; the signal aborts when the caller has gone. */
export type GrpcStreamHandler = (request: never, signal: AbortSignal) => AsyncIterable<object>

export interface GrpcServerOptions {
  /** `unix:///path` or `host:port`, in clear text. */
  readonly address: string
  readonly schema: GrpcSchema
  /** By service, by method: `{ 'csi.v1.Identity': { Probe: () => ({ ready: true }) } }`. What is missing answers `Unimplemented`. */
  readonly services: Readonly<Record<string, Readonly<Record<string, GrpcHandler | GrpcStreamHandler>>>>
}

/** Serves them; resolves when callers can connect. What it answers stops serving, and cuts off whoever is still there. */
export async function serveGrpc({ address, schema, services }: GrpcServerOptions): Promise<() => void> {
  const { Server, ServerCredentials } = await import('@grpc/grpc-js')
  const server = new Server()
  for (const [service, handlers] of Object.entries(services)) {
    const definition: Record<string, object> = {}
    const implementation: UntypedServiceImplementation = {}
    for (const name of schema.methodsOf(service)) {
      const { path, isStream, request, answer } = schema.method(`${service}/${name}`)
      definition[name] = {
        path,
        requestStream: false,
        responseStream: isStream,
        requestSerialize: request.encode,
        requestDeserialize: request.decode,
        responseSerialize: answer.encode,
        responseDeserialize: answer.decode,
      }
      const handler = handlers[name]
      if (!handler) continue
      const answerer = isStream ? streamed(handler as GrpcStreamHandler) : unary(handler as GrpcHandler)
      implementation[name] = answerer as UntypedHandleCall
    }
    server.addService(definition as never, implementation)
  }
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), error => (error ? reject(error) : resolve())),
  )
  return () => server.forceShutdown()
}

const unary =
  (handler: GrpcHandler) =>
  (call: ServerUnaryCall<never, object>, answer: (error: object | null, value?: object) => void): void => {
    const work = async () => handler(call.request)
    work().then(
      value => answer(null, value),
      error => answer(statusOf(error)),
    )
  }

const streamed =
  (handler: GrpcStreamHandler) =>
  (call: ServerWritableStream<never, object>): void => {
    const gone = new AbortController()
    call.on('cancelled', () => gone.abort())
    const work = async () => {
      for await (const value of handler(call.request, gone.signal)) {
        if (gone.signal.aborted) return
        call.write(value)
      }
      call.end()
    }
    work().catch(error => void call.emit('error', statusOf(error)))
  }

function statusOf(error: unknown): { code: number; details: string } {
  if (error instanceof GrpcError) return { code: grpcCodes.indexOf(error.code), details: error.details }
  return { code: grpcCodes.indexOf('Unknown'), details: error instanceof Error ? error.message : String(error) }
}
