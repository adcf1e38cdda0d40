import { timingSafeEqual } from 'node:crypto'
import { ApiError } from '../../api/errors.ts'
import { type UserInfo, users } from '../../api/user.ts'
import type { Authorizer } from './authorizer.ts'
import { forbiddenResource } from './authorizer.ts'
import { type ServiceAccountTokens, serviceAccountUser } from './tokens.ts'

/** A token that is known by heart. */
export interface StaticToken {
  readonly token: string
  readonly user: UserInfo
}

/** Finds out who someone is. What was presented and is wrong is a 401, never anonymous. */
export interface Authenticator {
  /** The subject of a client certificate that was verified already: CN is the name, each O a group. */
  certificateUser(subject: { CN?: string | string[]; O?: string | string[] }): UserInfo
  /** The user of a bearer token; throws Unauthorized. */
  tokenUser(token: string): Promise<UserInfo>
  /** Who came without any credentials. */
  readonly anonymous: UserInfo
}

const allAuthenticated = 'system:authenticated'

export function unauthorized(): ApiError {
  return new ApiError('Unauthorized', 'Unauthorized')
}

export function authenticator(options: {
  tokens?: ServiceAccountTokens | undefined
  staticTokens?: readonly StaticToken[] | undefined
}): Authenticator {
  const { tokens, staticTokens = [] } = options
  const known = staticTokens.map(({ token, user }) => ({ bytes: Buffer.from(token), user: authenticated(user) }))
  return {
    anonymous: users.anonymous,
    certificateUser({ CN, O = [] }) {
      const [name] = [CN ?? []].flat()
      if (!name) throw unauthorized()
      return authenticated({ name, groups: [O].flat() })
    },
    async tokenUser(token) {
      const bytes = Buffer.from(token)
      for (const entry of known) {
        if (entry.bytes.length === bytes.length && timingSafeEqual(entry.bytes, bytes)) return entry.user
      }
      const verified = await tokens?.verify(token)
      if (!verified) throw unauthorized()
      return verified.user
    },
  }
}

const authenticated = (user: UserInfo): UserInfo =>
  user.groups.includes(allAuthenticated) ? user : { ...user, groups: [...user.groups, allAuthenticated] }

type HeaderValue = string | string[] | undefined

/**
 * The user that a request wants to act as (`kubectl --as`), or the user itself. Each part of the identity needs the verb
 * `impersonate` on it (k8s.io/apiserver/pkg/endpoints/filters/impersonation.go).
 */
export function impersonate(user: UserInfo, headers: Readonly<Record<string, HeaderValue>>, authorizer: Authorizer): UserInfo {
  const name = one(headers['impersonate-user'])
  const groups = many(headers['impersonate-group'])
  const uid = one(headers['impersonate-uid'])
  const extra = extraOf(headers)
  if (!name) {
    if (groups.length === 0 && !uid && Object.keys(extra).length === 0) return user
    throw new ApiError('BadRequest', 'requested impersonation without impersonating a user')
  }
  const need = (resource: string, what: string, group = '', more: { namespace?: string; subresource?: string } = {}) => {
    const attributes = { verb: 'impersonate', group, resource, name: what, ...more }
    const decision = authorizer.authorize(user, attributes)
    if (!decision.allowed) throw forbiddenResource(user, attributes, decision)
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)
  if (account) need('serviceaccounts', account[2] ?? '', '', { namespace: account[1] ?? '' })
  else need('users', name)
  for (const group of groups) need('groups', group)
  if (uid) need('uids', uid, 'authentication.k8s.io')
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) need('userextras', value, 'authentication.k8s.io', { subresource: key })
  }
  const given = account && groups.length === 0 ? [...serviceAccountUser(account[1] ?? '', account[2] ?? '').groups] : groups
  const base = name === users.anonymous.name ? 'system:unauthenticated' : allAuthenticated
  if (!given.includes(allAuthenticated) && !given.includes('system:unauthenticated')) given.push(base)
  return { name, groups: given, ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) }
}

const one = (value: HeaderValue) => (Array.isArray(value) ? value[0] : value)
/** Node joins repeated headers of one name with a comma and a blank. */
const many = (value: HeaderValue) => (value === undefined ? [] : [value].flat().flatMap(text => text.split(', ')))

const extraPrefix = 'impersonate-extra-'

function extraOf(headers: Readonly<Record<string, HeaderValue>>): Record<string, string[]> {
  const extra: Record<string, string[]> = {}
  for (const header in headers) {
    if (!header.startsWith(extraPrefix)) continue
    extra[decodeURIComponent(header.slice(extraPrefix.length))] = many(headers[header])
  }
  return extra
}
