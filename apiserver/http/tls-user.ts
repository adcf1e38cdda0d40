import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { UserInfo } from '../../api/user.ts'
import { type Authenticator, impersonate, unauthorized } from '../auth/authenticator.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { tokenFromProtocols } from './upgrade.ts'

/** What a connection's certificate says, worked out once per connection: a user, nobody, or somebody who is not to be believed. */
const bySocket = new WeakMap<object, UserInfo | 'none' | 'invalid'>()

/**
 * Who a request comes from: the client certificate, else the bearer token, else anonymous; then whom it wants to act as. Answers at
 * once for certificates, which is what busy clients have. Throws Unauthorized for credentials that are wrong.
 */
export function userOf(
  request: IncomingMessage,
  authenticator: Authenticator,
  authorizer: Authorizer,
): UserInfo | Promise<UserInfo> {
  let known = bySocket.get(request.socket)
  if (known === undefined) bySocket.set(request.socket, (known = certificateUser(request.socket as TLSSocket, authenticator)))
  const actingAs = (user: UserInfo) => impersonate(user, request.headers, authorizer)
  if (typeof known === 'object') return isImpersonating(request) ? actingAs(known) : known
  const { authorization } = request.headers
  const token = authorization === undefined ? tokenFromProtocols(request) : bearer(authorization)
  if (token !== undefined) return authenticator.tokenUser(token).then(actingAs)
  if (known === 'invalid') throw unauthorized()
  return actingAs(authenticator.anonymous)
}

const isImpersonating = ({ rawHeaders }: IncomingMessage) => {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length > 12 && (name[0] === 'I' || name[0] === 'i') && name.toLowerCase().startsWith('impersonate-')) return true
  }
  return false
}

function certificateUser(socket: TLSSocket, authenticator: Authenticator): UserInfo | 'none' | 'invalid' {
  const certificate = socket.getPeerCertificate?.()
  if (!certificate?.subject) return 'none'
  if (!socket.authorized) return 'invalid'
  try {
    return authenticator.certificateUser(certificate.subject)
  } catch {
    return 'invalid' // it names nobody
  }
}

/** The token of `Bearer <token>`; other schemes are not ours and say nothing. */
function bearer(authorization: string): string | undefined {
  const match = /^bearer\s+(\S+)\s*$/i.exec(authorization)
  return match?.[1]
}
