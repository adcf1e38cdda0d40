import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { TokenReview } from '../../api/authentication/token-review.ts'
import { type UserInfo, users } from '../../api/user.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import { answerCache } from './answer-cache.ts'
import type { KubeletServerConfig } from './config.ts'

/** Who a request comes from; `undefined`: nobody that is let in. Rejects when the API server cannot be asked. */
export type Authenticate = (request: IncomingMessage) => Promise<UserInfo | undefined>

interface Options {
  readonly client: Client
  readonly clock: Clock
  readonly config: Pick<KubeletServerConfig, 'clientCa' | 'anonymous' | 'tokenWebhook' | 'tokenLifetimeInMs'>
}

/** By client certificate, else by bearer token, else anonymously if that is allowed (pkg/kubelet/server, cmd/kubelet/app/auth.go). */
export function requestAuthenticator({ client, clock, config }: Options): Authenticate {
  const tokens = answerCache<UserInfo | undefined>({ clock, lifetimeInMs: () => config.tokenLifetimeInMs })
  const review = async (token: string) => {
    const { status } = await client.create(TokenReview, { metadata: {}, spec: { token } })
    return status.authenticated ? withGroup(userOf(status.user ?? {}), 'system:authenticated') : undefined
  }
  return async request => {
    const known = config.clientCa === undefined ? undefined : certificateUser(request.socket as TLSSocket)
    if (known) return known
    const token = config.tokenWebhook ? bearer(request.headers.authorization) : undefined
    if (token !== undefined) return tokens.get(token, () => review(token))
    const hasCredentials = request.headers.authorization !== undefined || isShowing(request.socket as TLSSocket)
    return config.anonymous && !hasCredentials ? users.anonymous : undefined
  }
}

function userOf({
  username = '',
  uid,
  groups = [],
  extra,
}: {
  username?: string | undefined
  uid?: string | undefined
  groups?: readonly string[] | undefined
  extra?: UserInfo['extra'] | undefined
}): UserInfo {
  return { name: username, groups, ...(uid && { uid }), ...(extra && { extra }) }
}

function withGroup(user: UserInfo, group: string): UserInfo {
  return user.groups.includes(group) ? user : { ...user, groups: [...user.groups, group] }
}

/** A certificate of the authority names its bearer by CN and his groups by O. */
function certificateUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined
  const { CN, O } = (socket.getPeerCertificate().subject ?? {}) as { CN?: string | string[]; O?: string | string[] }
  const [name] = [CN ?? []].flat()
  return name ? { name, groups: [...[O ?? []].flat(), 'system:authenticated'] } : undefined
}

const isShowing = (socket: TLSSocket) => Object.keys(socket.getPeerCertificate?.() ?? {}).length > 0

function bearer(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^bearer\s+(\S+)\s*$/i.exec(authorization)?.[1]
}
