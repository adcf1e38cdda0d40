import { Agent, request } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import type { Access } from '../access.ts'
import { type Address, addressOf, type ClientConfig } from './address.ts'

/** Sends JSON to a webhook and answers its JSON; throws an Error with what went wrong, in client-go's words. */
export type CallWebhook = (client: ClientConfig, body: unknown, timeoutInMs: number) => Promise<unknown>

const defaultTimeoutInMs = 30_000
/** More than this nobody has to say. */
const mostBytes = 10 * 1024 * 1024

/** Calls webhooks over HTTPS. Connections are kept, one pool for each authority. */
export function webhookCaller({ access, clock }: { access: Access; clock: Clock }): CallWebhook {
  const agents = new Map<string, Agent>()

  function agentFor({ caBundle = '' }: ClientConfig, { url }: Address): Agent {
    const key = `${url.host} ${caBundle}`
    let agent = agents.get(key)
    if (!agent) {
      const ca = caBundle && Buffer.from(caBundle, 'base64').toString()
      const servername = isIP(url.hostname) ? '' : url.hostname
      agents.set(key, (agent = new Agent({ keepAlive: true, timeout: defaultTimeoutInMs, servername, ...(ca && { ca }) })))
    }
    return agent
  }

  return async function call(client, body, timeoutInMs) {
    const address = await addressOf(client, access)
    const url = new URL(address.url)
    url.searchParams.set('timeout', `${Math.ceil(timeoutInMs / 1000)}s`)
    const shown = url.href.replace(':443/', '/')
    const { status, text } = await post({ address, url, agent: agentFor(client, address), body, timeoutInMs, clock }).catch(
      error => {
        throw new Error(`Post ${JSON.stringify(shown)}: ${describe(error, address)}`, { cause: error })
      },
    )
    if (status < 200 || status > 206) throw new Error(statusFault(status, text))
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new Error(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

interface Post {
  readonly address: Address
  readonly url: URL
  readonly agent: Agent
  readonly body: unknown
  readonly timeoutInMs: number
  readonly clock: Clock
}

class DeadlineExceeded extends Error {}

function post({ address, url, agent, body, timeoutInMs, clock }: Post): Promise<{ status: number; text: string }> {
  const payload = Buffer.from(JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, */*',
      'content-length': payload.length,
      host: url.host,
    }
    const sent = request(
      { host: address.host, port: address.port, path: url.pathname + url.search, method: 'POST', headers, agent },
      response => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > mostBytes) sent.destroy(new Error('response body is too large'))
          else chunks.push(chunk)
        })
        response.on('end', () => {
          cancel()
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
        })
        response.on('error', fail)
      },
    )
    const fail = (error: Error) => {
      cancel()
      reject(error)
    }
    const cancel = clock.after(timeoutInMs, () => sent.destroy(new DeadlineExceeded()))
    sent.on('error', fail)
    sent.end(payload)
  })
}

const unknownAuthority = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/** What Go says about the same. */
function describe(error: NodeJS.ErrnoException, { url, host, port }: Address): string {
  if (error instanceof DeadlineExceeded) return 'context deadline exceeded'
  const { code = '' } = error
  const at = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
  if (code === 'ECONNREFUSED') return `dial tcp ${at}: connect: connection refused`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${host}: no such host`
  if (code === 'ECONNRESET') return 'EOF'
  if (unknownAuthority.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${url.hostname}`
  }
  return error.message
}

function statusFault(status: number, text: string): string {
  if (status === 404) return 'the server could not find the requested resource'
  if (status === 503) return 'the server is currently unable to handle the request'
  if (status >= 500)
    return `an error on the server (${JSON.stringify(text.trim() || 'unknown')}) has prevented the request from succeeding`
  return `the server responded with the status code ${status} but did not return more information`
}
