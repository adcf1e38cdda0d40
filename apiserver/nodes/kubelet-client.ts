import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../../lib/clock.ts'
import { hostPort, type KubeletAddress } from './address.ts'
import { connectionFailure, plainError, refusalOf } from './failures.ts'

/** How the API server shows kubelets who it is, and how they show it. */
export interface KubeletCredentials {
  /** PEMs of a user that may do everything with kubelets. */
  readonly certificate: string
  readonly key: string
  /** The authority (PEM) that kubelets' certificates must come from; absent: any will do, as upstream without the flag of that name. */
  readonly certificateAuthority?: string | undefined
}

/** Speaks HTTPS with kubelets; connections are kept and used again. */
export interface KubeletClient {
  /** The body of a GET, once its answer says that there will be one. Throws ApiErrors. */
  get(at: KubeletAddress, path: string, signal?: AbortSignal): Promise<IncomingMessage>
  /** The answer of a GET, whatever it is. */
  fetch(at: KubeletAddress, path: string, signal?: AbortSignal): Promise<{ status: number; contentType: string; body: string }>
  /** A connection that has become SPDY/3.1 and agreed on the protocol. Throws ApiErrors. */
  upgrade(at: KubeletAddress, path: string, protocol: string): Promise<Duplex>
  /** A bare encrypted connection. Rejects with what the socket says. */
  connect(at: KubeletAddress): Promise<Duplex>
  /** Lets go of connections that are not in use. */
  close(): void
}

/** How long a machine may take to say whether it is there (client-go's dialer). */
const dialTimeoutInMs = 30_000
const longestRefusal = 10_000

export function kubeletClient({ credentials, clock }: { credentials: KubeletCredentials; clock: Clock }): KubeletClient {
  const { certificate, key, certificateAuthority } = credentials
  const tls: ConnectionOptions = {
    cert: certificate,
    key,
    ...(certificateAuthority === undefined ? { rejectUnauthorized: false } : { ca: certificateAuthority }),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
  }
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: 15_000, ...tls })
  /** Remembers what was agreed on with whom, which makes the next handshake short. */
  const fresh = new Agent({ keepAlive: false, ...tls })

  const ask = (at: KubeletAddress, path: string, signal?: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { agent, host: at.host, port: at.port, path, headers: { 'user-agent': 'kube-apiserver' } }
      const outgoing = httpsRequest({ ...options, ...(signal && { signal }) }, resolve)
      outgoing.once('socket', socket => stayInTouch(socket as TLSSocket))
      const cancel = clock.after(dialTimeoutInMs, () => {
        if (!isConnected(outgoing.socket)) outgoing.destroy(timeout())
      })
      outgoing.once('close', cancel)
      outgoing.once('response', cancel)
      outgoing.on('error', error => {
        cancel()
        const isStale = outgoing.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
        // It closed an idle connection just as we took it up. Reading twice harms nobody.
        if (isStale && !signal?.aborted) return resolve(ask(at, path, signal))
        reject(error)
      })
      outgoing.end()
    })
  const get = (at: KubeletAddress, path: string, signal?: AbortSignal) =>
    ask(at, path, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error
      throw plainError(`Get "https://${hostPort(at)}${path}": ${connectionFailure(hostPort(at), error)}`, error)
    })

  return {
    async get(at, path, signal) {
      const response = await get(at, path, signal)
      const status = response.statusCode ?? 0
      if (status < 200 || status > 206) throw refusalOf(status, await textOf(response, longestRefusal))
      return response
    },
    async fetch(at, path, signal) {
      const response = await get(at, path, signal)
      const contentType = response.headers['content-type'] ?? 'text/plain; charset=utf-8'
      return { status: response.statusCode ?? 502, contentType, body: await textOf(response) }
    },
    upgrade: (at, path, protocol) =>
      new Promise((resolve, reject) => {
        const outgoing = httpsRequest({
          // On a connection of its own: one that was idle may be gone, and what was begun twice would be run twice.
          ...{ agent: fresh, method: 'POST', host: at.host, port: at.port, path },
          headers: {
            'user-agent': 'kube-apiserver',
            connection: 'Upgrade',
            upgrade: 'SPDY/3.1',
            'x-stream-protocol-version': protocol,
            'content-length': '0',
          },
        })
        const cancel = clock.after(dialTimeoutInMs, () => {
          if (!isConnected(outgoing.socket)) outgoing.destroy(timeout())
        })
        outgoing.once('close', cancel)
        outgoing.once('upgrade', (_response, socket, head) => {
          cancel()
          stayInTouch(socket as TLSSocket)
          if (head.length > 0) socket.unshift(head)
          resolve(socket)
        })
        outgoing.once('response', response => {
          cancel()
          const told = textOf(response, longestRefusal)
          told.then(text => reject(refusalOf(response.statusCode ?? 500, text)), reject)
        })
        outgoing.on('error', error => {
          cancel()
          reject(plainError(`error dialing backend: ${connectionFailure(hostPort(at), error)}`, error))
        })
        outgoing.end()
      }),
    connect: ({ host, port }) =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ host, port, ...tls }, () => {
          cancel()
          stayInTouch(socket)
          socket.off('error', reject)
          resolve(socket)
        })
        const cancel = clock.after(dialTimeoutInMs, () => socket.destroy(timeout()))
        socket.once('close', cancel)
        socket.once('error', reject)
      }),
    close() {
      agent.destroy()
      fresh.destroy()
    },
  }
}

/** Says at once what there is to say; and notices in half a minute when a machine has been cut off, which says nothing itself. */
function stayInTouch(socket: TLSSocket): void {
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 15_000)
}

const timeout = () => Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })

/** A socket of TLS is connected when the hands have been shaken. */
function isConnected(socket: Duplex | null): boolean {
  return socket !== null && 'getProtocol' in socket && (socket as { getProtocol(): string | null }).getProtocol() !== null
}

async function textOf(response: IncomingMessage, most = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > most) break
  }
  return Buffer.concat(chunks).subarray(0, most).toString()
}
