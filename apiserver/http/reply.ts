import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import { ApiError, type Status } from '../../api/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Pass } from '../overload/level.ts'
import type { Format } from './negotiation.ts'

/** Answers from this size on are compressed for those who accept it (k8s.io/apiserver/pkg/endpoints/handlers/responsewriters). */
const gzipFrom = 128 * 1024
/** Bytes are handed to the socket in pieces of about this size, so that encrypting one never holds up the others. */
const pieceSize = 128 * 1024

/** One HTTP exchange, and what every answer to it has in common. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly auditId: string
  /** What it was let in by. */
  readonly pass?: Pass | undefined
}

const noCache = 'no-cache, private'

/** Headers of an answer, names and values in turn: its own, and those that every answer has. */
export function headersOf({ response, auditId, pass }: Exchange, ...own: string[]): string[] {
  const headers = [...own, 'Audit-Id', auditId]
  if (!response.hasHeader('Cache-Control')) headers.push('Cache-Control', noCache)
  // What is built in has no UID.
  if (pass?.schemaUid) headers.push('X-Kubernetes-Pf-Flowschema-Uid', pass.schemaUid)
  if (pass?.levelUid) headers.push('X-Kubernetes-Pf-Prioritylevel-Uid', pass.levelUid)
  return headers
}

function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
}

/** Sends bytes that are there already. */
export function sendBytes(exchange: Exchange, status: number, contentType: string, bytes: Uint8Array): void {
  if (bytes.length >= gzipFrom && acceptsGzip(exchange.request)) return void sendZipped(exchange, status, contentType, bytes)
  const { response } = exchange
  response.writeHead(status, headersOf(exchange, 'Content-Type', contentType, 'Content-Length', String(bytes.length)))
  response.end(bytes)
}

async function sendZipped(exchange: Exchange, status: number, contentType: string, bytes: Uint8Array): Promise<void> {
  const zipped = await promisify(gzip)(bytes, { level: constants.Z_BEST_SPEED })
  const { response } = exchange
  const length = String(zipped.length)
  const encoding = ['Content-Encoding', 'gzip', 'Content-Length', length, 'Vary', 'Accept-Encoding']
  response.writeHead(status, headersOf(exchange, 'Content-Type', contentType, ...encoding))
  response.end(zipped)
}

export function sendText(exchange: Exchange, status: number, text: string): void {
  sendBytes(exchange, status, 'text/plain; charset=utf-8', Buffer.from(text))
}

/** Whether people read the answer: they say so, or use a browser or curl (negotiation.isPrettyPrint upstream). */
export function isPretty({ request: { url = '', headers } }: Pick<Exchange, 'request'>): boolean {
  const said = /[?&]pretty=([^&]+)/.exec(url)
  if (said) return truths.has(said[1] ?? '')
  return /^(?:curl|Wget|Mozilla\/5\.0)/.test(headers['user-agent'] ?? '')
}

/** What Go's strconv.ParseBool takes for true. */
const truths = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])

/** Sends a value in the format that was agreed on. */
export async function sendValue(exchange: Exchange, status: number, value: unknown, format: Format): Promise<void> {
  if (format.type === 'yaml') {
    const { stringify } = await import('yaml')
    return sendBytes(
      exchange,
      status,
      'application/yaml',
      Buffer.from(stringify(value, { aliasDuplicateObjects: false, version: '1.1' })),
    )
  }
  const text = isPretty(exchange) ? `${JSON.stringify(value, undefined, 2)}\n` : JSON.stringify(value)
  sendBytes(exchange, status, 'application/json', Buffer.from(text))
}

/** The Status that stands for an error. What is no refusal is logged here and told to the client as an internal error. */
export function statusOf(error: unknown, log: Log): Status {
  if (error instanceof ApiError) return error.status
  log.error({ err: error }, 'a request failed for a reason that is not the client')
  const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`
  return new ApiError('InternalError', message, { details: { causes: [{ message: message.slice(25) }] }, cause: error }).status
}

export function sendStatus(exchange: Exchange, status: Status): void {
  const { response } = exchange
  const retryAfter = status.details?.retryAfterSeconds
  if (retryAfter) response.setHeader('Retry-After', retryAfter)
  const text = isPretty(exchange) ? `${JSON.stringify(status, undefined, 2)}\n` : JSON.stringify(status)
  sendBytes(exchange, status.code, 'application/json', Buffer.from(text))
}

/** For so long a client may go on talking while it is being told that it should not (Go's net/http, rstAvoidanceDelay). */
const lastWordsInMs = 500

/** Answers with a Status where there is no response to write to, and hangs up. */
export function sendLastStatus(socket: Duplex, status: Status, clock: Clock, auditId?: string): void {
  if (socket.destroyed || socket.writableEnded) return
  const body = JSON.stringify(status)
  const retryAfter = status.details?.retryAfterSeconds
  socket.end(
    `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code] ?? 'Error'}\r\nContent-Type: application/json\r\n` +
      (auditId ? `Audit-Id: ${latin1(auditId)}\r\n` : '') +
      (retryAfter ? `Retry-After: ${retryAfter}\r\n` : '') +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  socket.resume()
  socket.once(
    'close',
    clock.after(lastWordsInMs, () => socket.destroy()),
  )
}

/** Sends warnings as headers: texts past 4096 characters in all are cut to 256 each (k8s.io/apiserver/pkg/warning). */
export function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  if (warnings.length === 0) return
  const total = warnings.reduce((sum, text) => sum + text.length, 0)
  const told = total > 4096 ? cutWarnings(warnings) : warnings
  response.setHeader(
    'Warning',
    told.map(text => `299 - "${latin1(text).replace(/[\\"]/g, '\\$&')}"`),
  )
}

/** No more than what fills the room, as clients refuse headers that are longer (k8s.io/apiserver/pkg/endpoints/filters/warning.go). */
function cutWarnings(warnings: readonly string[]): string[] {
  const told: string[] = []
  for (let at = 0, written = 0; at < warnings.length && written < 4096; at++) {
    const text = (warnings[at] ?? '').slice(0, 256)
    told.push(text)
    written += text.length
  }
  return told
}

/** Headers hold one byte per character and no control characters. */
const latin1 = (text: string) => text.replace(/[\r\n\t]+/g, ' ').replace(/[^\x20-\x7e\xa0-\xff]/g, '?')

/** Sends pieces one after the other, as fast as the client takes them; compressed if that was said. Resolves at the end or when the client is gone. */
export async function sendPieces(
  exchange: Exchange,
  contentType: string,
  pieces: Iterable<Uint8Array>,
  length?: number,
): Promise<void> {
  const { request, response } = exchange
  const headers = headersOf(exchange, 'Content-Type', contentType)
  // They leave with the first piece: until then it can still become an error.
  for (let at = 0; at < headers.length; at += 2) response.setHeader(headers[at] ?? '', headers[at + 1] ?? '')
  if ((length === undefined || length >= gzipFrom) && acceptsGzip(request)) {
    response.setHeader('Vary', 'Accept-Encoding')
    response.setHeader('Content-Encoding', 'gzip')
    const zip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: pieceSize })
    zip.pipe(response)
    await writePieces(zip, pieces, response)
    return void zip.end()
  }
  if (length !== undefined) response.setHeader('Content-Length', length)
  await writePieces(response, pieces, response)
  response.end()
}

type Sink = Pick<NodeJS.WritableStream, 'write' | 'once' | 'removeListener'>

async function writePieces(sink: Sink, pieces: Iterable<Uint8Array>, response: ServerResponse): Promise<void> {
  for (const piece of inBatches(pieces)) {
    if (response.destroyed) return
    if (!sink.write(piece)) await drained(sink, response)
  }
}

/** Puts small pieces together: a write costs as much as copying tens of kilobytes. */
export function* inBatches(pieces: Iterable<Uint8Array>): Iterable<Uint8Array> {
  let batch: Uint8Array[] = []
  let size = 0
  for (const piece of pieces) {
    batch.push(piece)
    size += piece.length
    if (size < pieceSize) continue
    yield Buffer.concat(batch, size)
    batch = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(batch, size)
}

/** Resolves when the sink takes more, or the connection is gone. */
export function drained(sink: Pick<NodeJS.WritableStream, 'once' | 'removeListener'>, response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    if (response.destroyed) return resolve()
    const done = () => {
      sink.removeListener('drain', done)
      response.removeListener('close', done)
      resolve()
    }
    sink.once('drain', done)
    response.once('close', done)
  })
}
