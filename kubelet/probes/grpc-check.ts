import { connect } from 'node:http2'
import type { CheckResult } from './checks.ts'

const serving = 1
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** Asks grpc.health.v1.Health/Check; SERVING is success (pkg/probe/grpc). The one message is written and read by hand. */
export function grpcCheck(
  { host, port, service }: { host: string; port: number; service: string },
  signal: AbortSignal,
): Promise<CheckResult> {
  return new Promise(resolve => {
    const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
    const answer = (result: CheckResult) => {
      signal.removeEventListener('abort', onAbort)
      session.destroy()
      resolve(result)
    }
    const fail = (output: string) => answer({ outcome: 'failure', output })
    const onAbort = () => fail(`timeout: failed to connect service "${host}:${port}" within the timeout`)
    signal.addEventListener('abort', onAbort, { once: true })
    session.on('error', error =>
      fail(`error: this server does not implement the grpc protocol or is not there: ${error.message}`),
    )
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', error => fail(`rpc error: ${error.message}`))
    let grpcStatus: string | undefined
    const readStatus = (headers: Record<string, unknown>) => {
      const status = headers['grpc-status']
      if (status !== undefined) grpcStatus = String(status)
    }
    stream.on('response', readStatus)
    stream.on('trailers', readStatus)
    stream.on('end', () => {
      const status = healthStatus(Buffer.concat(chunks))
      if (grpcStatus !== undefined && grpcStatus !== '0') fail(`service unhealthy: rpc error: code = ${grpcStatus}`)
      else if (status === serving) answer({ outcome: 'success', output: '' })
      else fail(`service unhealthy (responded with "${statusNames[status] ?? status}")`)
    })
    stream.end(frame(service))
  })
}

/** HealthCheckRequest{1: service} behind gRPC's five bytes: not compressed, length. */
function frame(service: string): Buffer {
  const text = Buffer.from(service)
  const message = text.length === 0 ? text : Buffer.concat([Buffer.from([0x0a, text.length]), text])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** HealthCheckResponse{1: status}. */
function healthStatus(bytes: Buffer): number {
  return bytes.length >= 7 && bytes[5] === 0x08 ? (bytes[6] ?? 0) : 0
}
