import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AnyContainer } from '../pod-types.ts'

/** As much of an answer's body as anybody looks at. */
const maxBody = 10 * 1024
const version = '1.34'

export interface HttpTarget {
  readonly url: URL
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

export interface HttpAnswer {
  readonly status: number
  readonly location: string | undefined
  /** Rejects when the answer breaks off in the middle. */
  readonly body: Promise<string>
}

interface HttpAction {
  readonly scheme: string
  readonly host?: string | undefined
  readonly path: string
  readonly port: string | number
}

/** The URL of an httpGet action; the host is the pod unless another is given. Throws an Error when a port's name is nobody's. */
export function httpUrl({ scheme, host, path, port }: HttpAction, container: AnyContainer, podIp: string): URL {
  const to = host || podIp
  // Whatever host a path may name (`//elsewhere/`), the port is the container's.
  const url = new URL(`http://${to.includes(':') ? `[${to}]` : to}/`)
  const [, pathname = '', search = ''] = /^(?:[a-z]+:)?(?:\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?/i.exec(path) ?? []
  url.protocol = scheme.toLowerCase()
  url.port = String(portOf(port, container))
  url.pathname = pathname
  url.search = search
  return url
}

/** A URL as Go writes it: the port stands there even if it is the usual one. */
export function urlText(url: URL): string {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return `${url.protocol}//${url.hostname}:${port}${url.pathname}${url.search}`
}

/** The number of a port that is given by number or by name. Throws an Error for a name that the container does not know. */
export function portOf(port: string | number, { ports, name }: AnyContainer): number {
  if (typeof port === 'number') return port
  const number = /^\d+$/.test(port) ? Number(port) : ports?.find(one => one.name === port)?.containerPort
  if (number === undefined) throw new Error(`couldn't find port: ${port} in container ${name}`)
  if (number < 1 || number > 65_535) throw new Error(`invalid port number: ${number}`)
  return number
}

/**
 * One GET as kubelets make them (pkg/probe/http): certificates are not verified, connections are not kept, nobody's proxy is asked.
 * Resolves when the head of the answer is there, whatever it says. `purpose` goes into the user agent.
 */
export function httpGet({ url, headers }: HttpTarget, purpose: 'probe' | 'lifecycle', signal: AbortSignal): Promise<HttpAnswer> {
  const isSecure = url.protocol === 'https:'
  const send = isSecure ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = send(url, {
      agent: false,
      // Go's parser takes what many small servers write: lines that end without a carriage return.
      insecureHTTPParser: true,
      headers: headersOf(headers, purpose),
      signal,
      ...(isSecure && { rejectUnauthorized: false }),
    })
    request.on('error', reject)
    request.on('response', response => {
      const body = new Promise<string>((finish, fail) => {
        const chunks: Buffer[] = []
        let size = 0
        const end = () => {
          finish(Buffer.concat(chunks).subarray(0, maxBody).toString())
          response.destroy()
        }
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size >= maxBody) end()
        })
        response.on('end', end)
        response.on('error', fail)
      })
      body.catch(() => {}) // not everybody looks at it
      resolve({ status: response.statusCode ?? 0, location: response.headers.location, body })
    })
    request.end()
  })
}

/** Headers of one name add up; an empty Accept means none. */
function headersOf(given: HttpTarget['headers'], purpose: string): Record<string, string | string[]> {
  const headers: Record<string, string[]> = {}
  for (const { name, value } of given) (headers[name.toLowerCase()] ??= []).push(value)
  headers['user-agent'] ??= [`kube-${purpose}/${version}`]
  headers.accept ??= ['*/*']
  if (headers.accept[0] === '') delete headers.accept
  const { host, ...rest } = headers
  return { ...rest, ...(host?.[0] && { host: host[0] }) }
}

/** What went wrong with a connection, as Go tells it. */
export function connectionFault(error: unknown): string {
  const { code, address, port, message } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  const where = `dial tcp ${address?.includes(':') ? `[${address}]` : address}:${port}`
  switch (code) {
    case 'ECONNREFUSED':
      return `${where}: connect: connection refused`
    case 'EHOSTUNREACH':
      return `${where}: connect: no route to host`
    case 'ENETUNREACH':
      return `${where}: connect: network is unreachable`
    case 'ETIMEDOUT':
      return address ? `${where}: i/o timeout` : String(message)
    case 'ENOTFOUND':
      return `dial tcp: lookup ${(error as { hostname?: string }).hostname}: no such host`
    case 'ECONNRESET':
      return message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer'
    case undefined:
    default:
      return isPlainHttp(error) ? 'http: server gave HTTP response to HTTPS client' : String(message)
  }
}

/** Whether a server that was asked over HTTPS answered in plain HTTP. */
export function isPlainHttp(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_HTTP_REQUEST'
}
