import { ApiError, isReason } from '../../api/errors.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { sameText } from '../../lib/same-text.ts'
import type { Identified } from './reviews.ts'
import type { ServiceAccountTokens } from './tokens.ts'

/** A token that is known by heart. */
export interface StaticToken {
  readonly token: string
  readonly user: UserInfo
}

/** Finds out who someone is. What was presented and is wrong is a 401, never anonymous. */
export interface Authenticator {
  /** The subject of a client certificate that was verified already: CN is the name, each O a group. */
  certificateUser(subject: { CN?: string | string[]; O?: string | string[] }): UserInfo
  /** The user that a front proxy which may be trusted speaks for. */
  proxiedUser(user: UserInfo): UserInfo
  /** The user of a bearer token; throws Unauthorized. */
  tokenUser(token: string): Promise<UserInfo>
  /** As `tokenUser`, for a token that somebody else was given; the error says what is wrong with it. */
  identify(token: string, audiences: readonly string[]): Promise<Identified>
  /** Who came without any credentials. */
  readonly anonymous: UserInfo
}

const allAuthenticated = 'system:authenticated'
const unknownToken = 'invalid bearer token'

export function unauthorized(): ApiError {
  return new ApiError('Unauthorized', 'Unauthorized')
}

/** The ways to know somebody. */
export interface AuthenticatorOptions {
  readonly tokens?: ServiceAccountTokens | undefined
  readonly staticTokens?: readonly StaticToken[] | undefined
  /** The user of a bootstrap token. */
  readonly bootstrapUser?: ((token: string) => Promise<UserInfo | undefined>) | undefined
}

/** Tokens that are known by heart come first, then bootstrap tokens, then those of service accounts. */
export function authenticator({ tokens, staticTokens = [], bootstrapUser }: AuthenticatorOptions): Authenticator {
  const known = staticTokens.map(({ token, user }) => ({ token, user: authenticated(user) }))

  async function identify(token: string, audiences: readonly string[] | undefined): Promise<Identified> {
    // These two are meant for this server, whoever asks.
    const other = known.find(entry => sameText(entry.token, token))?.user ?? (await bootstrapUser?.(token))
    if (other) {
      const own = tokens?.audiences ?? []
      const shared = audiences?.filter(audience => own.includes(audience))
      if (shared?.length === 0 && own.length > 0) throw new ApiError('Unauthorized', unknownToken)
      return { user: other, audiences: shared }
    }
    const found = await tokens?.examine(token, audiences)
    if (typeof found === 'object') return found
    throw new ApiError('Unauthorized', found ?? unknownToken)
  }

  return {
    anonymous: users.anonymous,
    certificateUser({ CN, O = [] }) {
      const [name] = [CN ?? []].flat()
      if (!name) throw unauthorized()
      return authenticated({ name, groups: [O].flat() })
    },
    proxiedUser: authenticated,
    identify,
    async tokenUser(token) {
      try {
        return (await identify(token, undefined)).user
      } catch (error) {
        throw isReason(error, 'Unauthorized') ? unauthorized() : error // what is wrong with it is not for strangers
      }
    },
  }
}

const authenticated = (user: UserInfo): UserInfo =>
  user.name === users.anonymous.name || user.groups.includes(allAuthenticated)
    ? user
    : { ...user, groups: [...user.groups, allAuthenticated] }
