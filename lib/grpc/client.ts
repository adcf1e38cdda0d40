import { systemClock } from '../clock.ts'
import { asGrpcError } from './errors.ts'
import type { GrpcSchema } from './schema.ts'

/** Calls the services of one address. */
export interface GrpcClient {
  /** One question, one answer: `call('csi.v1.Node/NodeGetInfo', {}, { timeoutInMs: 2000 })`. Throws a GrpcError. */
  call<Answer extends object>(method: string, request: object, options: { timeoutInMs: number }): Promise<Answer>
  /** One question, answers until the other side ends or the signal aborts. Throws a GrpcError. */
  stream<Answer extends object>(method: string, request: object, signal: AbortSignal): AsyncIterable<Answer>
  close(): void
}

/** `address`: `unix:///path` or `host:port`, in clear text. Connects with the first call, and again when the connection was lost. */
export async function grpcClient({ address, schema }: { address: string; schema: GrpcSchema }): Promise<GrpcClient> {
  const { Client, credentials } = await import('@grpc/grpc-js')
  const client = new Client(address, credentials.createInsecure(), {
    // A driver that comes back is found at once rather than after minutes.
    'grpc.max_reconnect_backoff_ms': 1000,
    'grpc.initial_reconnect_backoff_ms': 100,
    // Every socket file is a peer of its own, whatever the proxy settings say.
    'grpc.enable_http_proxy': 0,
  })
  return {
    call(method, request, { timeoutInMs }) {
      const { path, request: question, answer } = schema.method(method)
      return new Promise((resolve, reject) => {
        // The library wants a date of the machine's own clock, whatever clock the rest lives by.
        const deadline = systemClock.now() + timeoutInMs
        client.makeUnaryRequest(path, question.encode, answer.decode, request, { deadline }, (error, value) => {
          if (error) reject(asGrpcError(error))
          else resolve((value ?? {}) as never)
        })
      })
    },
    async *stream(method, request, signal) {
      const { path, request: question, answer } = schema.method(method)
      const call = client.makeServerStreamRequest(path, question.encode, answer.decode, request)
      const stop = () => call.cancel()
      signal.addEventListener('abort', stop, { once: true })
      try {
        for await (const value of call) yield value
      } catch (error) {
        if (!signal.aborted) throw asGrpcError(error)
      } finally {
        signal.removeEventListener('abort', stop)
        call.cancel()
      }
    },
    close: () => client.close(),
  }
}
