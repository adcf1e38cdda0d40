import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError } from '../../api/errors.ts'

/** A whole answer. */
export interface Answer {
  readonly code: number
  readonly body: string | Uint8Array
  /** Absent: plain text. */
  readonly contentType?: string | undefined
  readonly headers?: OutgoingHttpHeaders | undefined
}

/** An answer that is thrown from where there is nothing better to do. */
export class Refused extends Error {
  readonly answer: Answer
  constructor(code: number, text: string) {
    super(text)
    this.name = 'Refused'
    this.answer = { code, body: text }
  }
}

export const plainText = 'text/plain; charset=utf-8'

/** What a failure is answered with: kubelets say it in plain text. */
export function answerTo(error: unknown): Answer {
  if (error instanceof Refused) return error.answer
  if (error instanceof ApiError) return { code: error.status.code, body: error.message }
  return { code: 500, body: error instanceof Error ? error.message : String(error) }
}

export function send(response: ServerResponse, { code, body, contentType = plainText, headers }: Answer): void {
  if (response.headersSent) return void response.destroy()
  const bytes = Buffer.from(body)
  response.writeHead(code, {
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

/** An answer on the socket of a request that wanted to become something else; nothing follows it. */
export function sendLast(socket: Duplex, { code, body, contentType = plainText }: Answer): void {
  if (socket.destroyed) return
  const bytes = Buffer.from(body)
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${bytes.length}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]))
}
