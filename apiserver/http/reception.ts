import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, isReason, type Status } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Auditor, Trail } from '../audit/auditor.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { Gate } from '../overload/gate.ts'
import type { Pass } from '../overload/level.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import type { RequestAttributes } from './attributes.ts'
import type { Exchange } from './reply.ts'
import type { RequestHeaders } from './request-header.ts'
import { actingAs, requesterOf } from './tls-user.ts'

/** A request on its way through the front door. An upgrade has no response. */
export interface Arrival extends Omit<Exchange, 'response'> {
  readonly response?: ServerResponse
  trail?: Trail | undefined
  pass?: Pass | undefined
  /** Its pass has been given back. */
  hasLeft?: boolean
  attributes?: RequestAttributes
}

/** A visit that has a response is an exchange. */
export type Visit = Arrival & Exchange

interface ReceptionOptions {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly tls: { readonly ca: string }
  readonly requestHeaders?: RequestHeaders | undefined
  readonly audit?: Auditor | undefined
  readonly gate?: Gate | undefined
}

/** These go on for as long as somebody looks at them: they take no seat. */
const endless = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])

/** What happens to every request before anybody looks at what it asks: who is it, may it come in now, and who writes that down. */
export function reception({ authenticator, authorizer, tls, requestHeaders, audit, gate }: ReceptionOptions) {
  const identification = { authenticator, ca: tls.ca, requestHeaders }

  /** The user that the request acts as; at once for those with certificates. Throws Unauthorized and Forbidden. */
  function arrive(visit: Arrival, attributes: RequestAttributes): UserInfo | Promise<UserInfo> {
    visit.attributes = attributes
    if (audit) return arriveInWriting(visit, attributes, audit)
    const { request } = visit
    const requester = requesterOf(request, identification)
    if (requester instanceof Promise) return requester.then(user => actingAs(user, request, authorizer))
    return actingAs(requester, request, authorizer)
  }

  async function arriveInWriting(visit: Arrival, attributes: RequestAttributes, audit: Auditor): Promise<UserInfo> {
    const { request } = visit
    const begin = (user: UserInfo | undefined) => {
      const { url: uri = '/', headers } = request
      const userAgent = headers['user-agent']
      visit.trail = audit.begin({ auditId: visit.auditId, uri, userAgent, sourceIPs: sourceIPs(request), attributes, user })
      const { trail } = visit
      if (trail) (visit.response ?? request.socket).once('close', () => trail.ended(visit.response?.statusCode ?? 101))
    }
    let requester: UserInfo
    try {
      requester = await requesterOf(request, identification)
    } catch (error) {
      if (isReason(error, 'Unauthorized')) begin(undefined)
      throw error
    }
    begin(requester)
    const user = actingAs(requester, request, authorizer)
    if (user !== requester) visit.trail?.actsAs(user)
    const { path, verb } = attributes
    const { trail } = visit
    if (trail) {
      trail.decided(path === undefined ? authorizer.authorize(user, attributes) : authorizer.authorizePath(user, verb, path))
    }
    return user
  }

  /** Waits for its turn, if it has to. Throws TooManyRequests. */
  function admit(visit: Visit, user: UserInfo, attributes: RequestAttributes): Promise<void> | undefined {
    if (!gate || (attributes.subresource !== undefined && endless.has(attributes.subresource))) return undefined
    const entering = gate.enter(user, attributes, () => closing(visit.response))
    if (entering instanceof Promise) return entering.then(pass => void (visit.pass = pass))
    visit.pass = entering
    return undefined
  }

  function leave(visit: Arrival): void {
    if (visit.pass && !visit.hasLeft) gate?.leave(visit.pass)
    visit.hasLeft = true
  }

  const onCall = (exchange: Exchange, call: ApiRequest) => {
    const { trail }: Arrival = exchange
    if (!trail) return
    trail.asked(call)
    call.annotate = trail.annotate
  }

  const onAnswer = (exchange: Exchange, answer: ApiResponse) => {
    const visit: Arrival = exchange
    visit.trail?.answered(answer)
    if (answer.type === 'list' && visit.attributes) gate?.listed(visit.attributes, answer.items.length)
    if (answer.type !== 'watch' && answer.type !== 'bytes') return
    leave(visit) // from here on it costs little
    visit.trail?.started(200)
  }

  return {
    arrive,
    admit,
    leave,
    onCall: audit && onCall,
    onAnswer: audit || gate ? onAnswer : undefined,
  }
}

/** Aborts when the client is gone. */
export function closing(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.closed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}

/** The id that the client gave its request, to find it in the audit log. */
export function auditIdOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['audit-id']
  return typeof given === 'string' && given !== '' ? given : undefined
}

/** For the audit log: a refusal, or a fault of the server's. */
export function tellFailure({ trail }: Arrival, error: unknown, status: Status): void {
  if (!trail) return
  if (error instanceof ApiError) return trail.failed(status)
  trail.panicked(error instanceof Error ? error.message : String(error))
}

/** Where a request comes from, as proxies on the way have it, and who sent it here at last (k8s.io/apimachinery net.SourceIPs). */
function sourceIPs({ headers, socket }: IncomingMessage): string[] {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().flatMap(text => text.split(','))
  const ips = forwarded.map(text => text.trim()).filter(Boolean)
  const real = [headers['x-real-ip'] ?? []].flat()[0]
  if (real && !ips.includes(real)) ips.push(real)
  const remote = socket.remoteAddress?.replace(/^::ffff:/, '')
  if (remote && ips.at(-1) !== remote) ips.push(remote)
  return ips
}
