import type { ClientHttp2Session } from 'node:http2'
import type { Clock } from '../../lib/clock.ts'
import { goDuration } from '../names.ts'
import type { CheckResult } from './checks.ts'

const serving = 1
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
/** google.golang.org/grpc/codes, from 0. */
const codeNames = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied'],
  ...['ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable'],
  ...['DataLoss', 'Unauthenticated'],
]
const unimplemented = 12
const userAgent = 'kube-probe/1.34'
/** A connection that could not be made is tried again after so long (grpc's first back-off). */
const connectAgainInMs = 1000

interface GrpcTarget {
  readonly host: string
  readonly port: number
  readonly service: string
  readonly timeoutInMs: number
}

/**
 * Asks grpc.health.v1.Health/Check; SERVING is success, everything else a failure (pkg/probe/grpc). Whoever does not listen yet may
 * still begin to until the time is over. The one message is written and read by hand.
 */
export async function grpcCheck(target: GrpcTarget, clock: Clock, signal: AbortSignal): Promise<CheckResult> {
  const { host, port, timeoutInMs } = target
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const limit = goDuration(timeoutInMs)
  for (;;) {
    const session = await connected(where, signal)
    if (session) return ask(session, target.service, limit, signal).finally(() => session.destroy())
    if (!signal.aborted) await clock.sleep(connectAgainInMs, signal)
    if (signal.aborted)
      return fail(`timeout: failed to connect service ${JSON.stringify(where)} within ${limit}: context deadline exceeded`)
  }
}

const fail = (output: string): CheckResult => ({ outcome: 'failure', output })

/** `undefined`: it could not be made, or not in time. */
async function connected(where: string, signal: AbortSignal): Promise<ClientHttp2Session | undefined> {
  const { connect } = await import('node:http2') // which takes a while to load
  return new Promise(resolve => {
    const session = connect(`http://${where}`)
    const give = (answer: ClientHttp2Session | undefined) => {
      signal.removeEventListener('abort', onAbort)
      if (!answer) session.destroy()
      resolve(answer)
    }
    const onAbort = () => give(undefined)
    session.on('error', onAbort)
    // Only who sends its settings speaks HTTP/2 at all.
    session.once('remoteSettings', () => give(session))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

function ask(session: ClientHttp2Session, service: string, limit: string, signal: AbortSignal): Promise<CheckResult> {
  return new Promise(resolve => {
    const answer = (result: CheckResult) => {
      signal.removeEventListener('abort', onAbort)
      resolve(result)
    }
    const onAbort = () => answer(fail(`timeout: health rpc did not complete within ${limit}`))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const broken = (error: Error) =>
      answer(fail(`error: health rpc probe failed: rpc error: code = Unavailable desc = ${error.message}`))
    session.on('error', broken)
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': userAgent,
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let status: { code: number; message: string } | undefined
    let httpStatus = 200
    const learn = (headers: Record<string, unknown>) => {
      if (headers[':status'] !== undefined) httpStatus = Number(headers[':status'])
      if (headers['grpc-status'] === undefined) return
      status = { code: Number(headers['grpc-status']), message: decodeURIComponent(String(headers['grpc-message'] ?? '')) }
    }
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', broken)
    stream.on('response', learn)
    stream.on('trailers', learn)
    stream.on('end', () => answer(resultOf(status ?? { code: httpStatus === 200 ? 13 : 2, message: '' }, Buffer.concat(chunks))))
    stream.end(frame(service))
  })
}

function resultOf({ code, message }: { code: number; message: string }, bytes: Buffer): CheckResult {
  if (code === unimplemented)
    return fail(`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`)
  if (code !== 0) return fail(`error: health rpc probe failed: rpc error: code = ${codeNames[code] ?? code} desc = ${message}`)
  const health = healthStatus(bytes)
  if (health === serving) return { outcome: 'success', output: 'service healthy' }
  return fail(`service unhealthy (responded with ${JSON.stringify(statusNames[health] ?? String(health))})`)
}

/** HealthCheckRequest{1: service} behind gRPC's five bytes: not compressed, length. */
function frame(service: string): Buffer {
  const text = Buffer.from(service)
  const message = text.length === 0 ? text : Buffer.concat([Buffer.from([0x0a, ...varint(text.length)]), text])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)]
}

/** HealthCheckResponse{1: status}. */
function healthStatus(bytes: Buffer): number {
  return bytes.length >= 7 && bytes[5] === 0x08 ? (bytes[6] ?? 0) : 0
}
