import { ApiError } from '../../api/errors.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { type Authorizer, forbiddenResource } from './authorizer.ts'
import { serviceAccountOf, serviceAccountUser } from './token-claims.ts'

type HeaderValue = string | readonly string[] | undefined
type Headers = Readonly<Record<string, HeaderValue>>

const authenticated = 'system:authenticated'
const unauthenticated = 'system:unauthenticated'

/**
 * The user that a request wants to act as (`kubectl --as`), or the user itself. Each part of the identity needs the verb
 * `impersonate` on it (k8s.io/apiserver/pkg/endpoints/filters/impersonation.go).
 */
export function impersonate(user: UserInfo, headers: Headers, authorizer: Authorizer): UserInfo {
  const name = one(headers['impersonate-user'])
  const wanted = many(headers['impersonate-group'])
  const uid = one(headers['impersonate-uid'])
  const extra = extraOf(headers)
  if (!name) {
    if (wanted.length === 0 && !uid && Object.keys(extra).length === 0) return user
    throw new ApiError('BadRequest', 'requested impersonation without impersonating a user')
  }
  const need = (resource: string, what: string, group = '', more: { namespace?: string; subresource?: string } = {}) => {
    const attributes = { verb: 'impersonate', group, resource, name: what, ...more }
    const decision = authorizer.authorize(user, attributes)
    if (!decision.allowed) throw forbiddenResource(user, attributes, decision)
  }
  const account = serviceAccountOf(name)
  if (account) need('serviceaccounts', account.name, '', { namespace: account.namespace })
  else need('users', name)
  for (const group of wanted) need('groups', group)
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) need('userextras', value, 'authentication.k8s.io', { subresource: key })
  }
  if (uid) need('uids', uid, 'authentication.k8s.io')

  const base = account && serviceAccountUser(account.namespace, account.name).groups.filter(group => group !== authenticated)
  const groups = wanted.length === 0 && base ? [...base] : [...wanted]
  if (name === users.anonymous.name) {
    if (!groups.includes(unauthenticated)) groups.push(unauthenticated)
  } else if (!groups.includes(authenticated) && !groups.includes(unauthenticated)) groups.push(authenticated)
  return { name, groups, ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) }
}

const one = (value: HeaderValue) => (typeof value === 'string' ? value : value?.[0])
const many = (value: HeaderValue): readonly string[] => (value === undefined ? [] : [value].flat())

const extraPrefix = 'impersonate-extra-'

function extraOf(headers: Headers): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  for (const header in headers) {
    if (header.startsWith(extraPrefix)) extra[unescaped(header.slice(extraPrefix.length))] = many(headers[header])
  }
  return extra
}

/** Keys may hold what headers cannot, as %XX; a key that cannot be decoded is meant as it is. */
export function unescaped(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
