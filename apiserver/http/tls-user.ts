import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { UserInfo } from '../../api/user.ts'
import { tokenFromProtocols } from '../../streaming/websocket.ts'
import { type Authenticator, unauthorized } from '../auth/authenticator.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { impersonate } from '../auth/impersonation.ts'
import { type RequestHeaders, spokenFor } from './request-header.ts'

/** What a connection's certificate says, worked out once: a user, nobody, somebody who is not to be believed, a front proxy. */
type Peer = UserInfo | 'none' | 'invalid' | 'proxy'

const bySocket = new WeakMap<object, Peer>()

/** How credentials are told apart. */
export interface Identification {
  readonly authenticator: Authenticator
  /** The authority (PEM) that client certificates come from. */
  readonly ca: string
  /** Proxies that may say for whom they speak. */
  readonly requestHeaders?: RequestHeaders | undefined
}

/**
 * Who a request comes from: whom a front proxy names, else the client certificate, else the bearer token, else anonymous. Answers
 * at once for certificates, which is what busy clients have. Throws Unauthorized for credentials that are wrong.
 */
export function requesterOf(request: IncomingMessage, identification: Identification): UserInfo | Promise<UserInfo> {
  const { authenticator } = identification
  let known = bySocket.get(request.socket)
  if (known === undefined) bySocket.set(request.socket, (known = peerOf(request.socket as TLSSocket, identification)))
  if (typeof known === 'object') return known
  const proxied = known === 'proxy' ? spokenFor(request) : undefined
  if (proxied) return authenticator.proxiedUser(proxied)
  const { authorization } = request.headers
  const token = authorization === undefined ? tokenFromProtocols(request) : bearer(authorization)
  if (token !== undefined) return authenticator.tokenUser(token)
  if (known === 'invalid') throw unauthorized()
  return authenticator.anonymous
}

/** Whom a request wants to act as; its own user if it does not. Throws Forbidden. */
export function actingAs(user: UserInfo, request: IncomingMessage, authorizer: Authorizer): UserInfo {
  return isImpersonating(request) ? impersonate(user, request.headersDistinct, authorizer) : user
}

const isImpersonating = ({ rawHeaders }: IncomingMessage) => {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length > 12 && (name[0] === 'I' || name[0] === 'i') && name.toLowerCase().startsWith('impersonate-')) return true
  }
  return false
}

function peerOf(socket: TLSSocket, { authenticator, ca, requestHeaders }: Identification): Peer {
  const certificate = socket.getPeerCertificate?.()
  if (!certificate?.subject) return 'none'
  if (!socket.authorized) return 'invalid'
  if (requestHeaders) {
    // Two authorities are believed then, each for its own purpose.
    const names = [certificate.subject.CN].flat()
    const { allowedNames = [] } = requestHeaders
    const isProxy = isIssuedBy(certificate.raw, requestHeaders.ca)
    if (isProxy && (allowedNames.length === 0 || names.some(name => allowedNames.includes(name)))) return 'proxy'
    if (!isIssuedBy(certificate.raw, ca)) return 'invalid'
  }
  try {
    return authenticator.certificateUser(certificate.subject)
  } catch {
    return 'invalid' // it names nobody
  }
}

function isIssuedBy(certificate: Buffer, authority: string): boolean {
  const issuer = new X509Certificate(authority)
  const subject = new X509Certificate(certificate)
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}

/** The token of `Bearer <token>`; other schemes are not ours and say nothing. */
function bearer(authorization: string): string | undefined {
  const match = /^bearer\s+(\S+)\s*$/i.exec(authorization)
  return match?.[1]
}
