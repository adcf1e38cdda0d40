import type { WebSocket as Socket } from 'ws'
import { connectionError, responseError } from './http-errors.ts'

/** TLS and headers of a connection that becomes a WebSocket. */
export interface DialOptions {
  headers: Record<string, string | string[]>
  ca?: string
  cert?: string
  key?: string
  servername?: string
  rejectUnauthorized?: boolean
}

/**
 * Opens a WebSocket; `listen` is handed it before it is open, as the first messages may come in the packet that accepts the connection.
 * Rejects with the server's Status when it refuses.
 */
export async function dial<T>(
  url: URL,
  protocols: readonly string[],
  options: DialOptions,
  listen: (socket: Socket) => T,
): Promise<T> {
  const { WebSocket } = await import('ws')
  const socket = new WebSocket(url, [...protocols], { ...options, perMessageDeflate: false })
  const result = listen(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => {
        reject(responseError(response.statusCode ?? 0, Buffer.concat(chunks).toString(), response.headers))
        socket.terminate()
      })
    })
    socket.on('error', error => reject(connectionError(error, url.host)))
  })
  return result
}
