import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { CheckResult } from './checks.ts'

const maxRedirects = 10
const maxBody = 10 * 1024
const userAgent = 'kube-probe/1.34'

export interface HttpTarget {
  readonly url: URL
  readonly headers: readonly { name: string; value: string }[]
}

/**
 * GETs a URL as upstream's prober does: 200 to 399 is success, redirects are followed on the same host, certificates are not
 * verified, connections are not kept. Everything that goes wrong on the way is a failure, not an error.
 */
export async function httpCheck({ url, headers }: HttpTarget, signal: AbortSignal): Promise<CheckResult> {
  let at = url
  for (let hops = 0; hops <= maxRedirects; hops++) {
    let answer: { status: number; location: string | undefined; body: string }
    try {
      answer = await get(at, headers, signal)
    } catch (error) {
      const why = signal.aborted ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : messageOf(error)
      return { outcome: 'failure', output: `Get "${url}": ${why}` }
    }
    const { status, location, body } = answer
    if (status >= 300 && status < 400 && location !== undefined) {
      const next = new URL(location, at)
      if (next.hostname !== url.hostname)
        return { outcome: 'success', warning: `Probe terminated redirects, Response body: ${body}`, output: body }
      at = next
      continue
    }
    if (status >= 200 && status < 400) return { outcome: 'success', output: body }
    return { outcome: 'failure', output: `HTTP probe failed with statuscode: ${status}` }
  }
  return { outcome: 'failure', output: `Get "${at}": stopped after 10 redirects` }
}

const messageOf = (error: unknown) => {
  const { code, address, port, message } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  return code === 'ECONNREFUSED' ? `dial tcp ${address}:${port}: connect: connection refused` : String(message)
}

/** One GET; resolves with the head and as much of the body as anybody will look at. Any status is an answer. */
export function get(
  url: URL,
  headers: HttpTarget['headers'],
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined; body: string }> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const own: Record<string, string> = { 'user-agent': userAgent, accept: '*/*' }
  for (const { name, value } of headers) own[name.toLowerCase()] = value
  return new Promise((resolve, reject) => {
    const request = send(url, {
      agent: false,
      headers: own,
      signal,
      ...(url.protocol === 'https:' && { rejectUnauthorized: false }),
    })
    request.on('error', reject)
    request.on('response', response => {
      const chunks: Buffer[] = []
      let size = 0
      const finish = () => {
        const body = Buffer.concat(chunks).toString('utf8').slice(0, maxBody)
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body })
        response.destroy()
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size >= maxBody) finish()
      })
      response.on('end', finish)
      response.on('error', reject)
    })
    request.end()
  })
}
