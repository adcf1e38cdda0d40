import type { CheckResult } from './checks.ts'
import { connectionFault, type HttpTarget, httpGet, urlText } from './http-get.ts'

const maxRequests = 10
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * GETs a URL as upstream's prober does: 200 to 399 is success, redirects are followed on the same host, and one that leads elsewhere or
 * nowhere is a success with a warning. What goes wrong on the way is a failure; a body that breaks off is an error, and so rejects.
 */
export async function httpCheck({ url, headers }: HttpTarget, signal: AbortSignal): Promise<CheckResult> {
  let at: HttpTarget = { url, headers }
  for (let asked = 1; ; asked++) {
    const answer = await httpGet(at, 'probe', signal).catch((error: unknown) => failureOf(error, at.url, signal))
    if ('outcome' in answer) return answer
    const { status, location } = answer
    const next = redirects.has(status) && location !== undefined ? nextTarget(at, location) : undefined
    if (next && next.url.hostname === url.hostname) {
      if (asked === maxRequests)
        return { outcome: 'failure', output: `Get "${location}": stopped after ${maxRequests} redirects` }
      at = next
      continue
    }
    const body = await answer.body
    // The body of a failing answer may hold secrets.
    if (status < 200 || status >= 400) return { outcome: 'failure', output: `HTTP probe failed with statuscode: ${status}` }
    if (status < 300) return { outcome: 'success', output: body }
    return { outcome: 'success', output: body, warning: `Probe terminated redirects, Response body: ${body}` }
  }
}

function failureOf(error: unknown, url: URL, signal: AbortSignal): CheckResult {
  const why = signal.aborted
    ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    : connectionFault(error)
  return { outcome: 'failure', output: `Get "${urlText(url)}": ${why}` }
}

/** Where a redirect leads; a Host of the pod's own goes along only when the way is given from where we are. */
function nextTarget({ url, headers }: HttpTarget, location: string): HttpTarget | undefined {
  if (!URL.canParse(location, url.href)) return undefined
  const isRelative = !URL.canParse(location)
  return { url: new URL(location, url), headers: isRelative ? headers : headers.filter(({ name }) => !/^host$/i.test(name)) }
}
