import { labelName, subdomainName } from '../../api/names.ts'
import type { UserInfo } from '../../api/user.ts'

/** An object that a token is bound to. */
export interface ObjectRef {
  readonly name: string
  readonly uid: string
}

/** What the token of a service account says (pkg/serviceaccount/claims.go; the long names: legacy.go). */
export interface Payload {
  readonly iss?: string
  readonly sub?: string
  readonly aud?: string | string[]
  readonly exp?: number
  readonly jti?: string
  readonly 'kubernetes.io'?: {
    readonly namespace: string
    readonly serviceaccount: ObjectRef
    readonly pod?: ObjectRef
    readonly node?: ObjectRef
    readonly secret?: ObjectRef
    /** From then on, in seconds since the epoch, the bearer should have come back for another one. */
    readonly warnafter?: number
  }
  readonly 'kubernetes.io/serviceaccount/namespace'?: string
  readonly 'kubernetes.io/serviceaccount/secret.name'?: string
  readonly 'kubernetes.io/serviceaccount/service-account.name'?: string
  readonly 'kubernetes.io/serviceaccount/service-account.uid'?: string
}

/** Who a token's claims speak of, if subject and claims agree. */
export function userOf(payload: Payload): UserInfo | undefined {
  const { sub, jti, 'kubernetes.io': bound } = payload
  const namespace = bound?.namespace ?? payload['kubernetes.io/serviceaccount/namespace']
  const name = bound ? bound.serviceaccount?.name : payload['kubernetes.io/serviceaccount/service-account.name']
  const uid = bound ? bound.serviceaccount?.uid : payload['kubernetes.io/serviceaccount/service-account.uid']
  if (!namespace || !name || !uid || sub !== usernameOf(namespace, name)) return undefined
  if (!bound && !payload['kubernetes.io/serviceaccount/secret.name']) return undefined
  const extra: Record<string, string[]> = {}
  const tell = (key: string, value: string | undefined) => {
    if (value) extra[`authentication.kubernetes.io/${key}`] = [value]
  }
  tell('credential-id', jti && `JTI=${jti}`)
  tell('node-name', bound?.node?.name)
  tell('node-uid', bound?.node?.uid)
  tell('pod-name', bound?.pod?.name)
  tell('pod-uid', bound?.pod?.uid)
  return { ...serviceAccountUser(namespace, name), uid, ...(Object.keys(extra).length > 0 && { extra }) }
}

const prefix = 'system:serviceaccount:'
const usernameOf = (namespace: string, name: string) => `${prefix}${namespace}:${name}`

/** The user that a service account's pods act as, with its fixed groups. */
export function serviceAccountUser(namespace: string, name: string): UserInfo {
  return {
    name: usernameOf(namespace, name),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}

/** The service account that a user name stands for, if it does. */
export function serviceAccountOf(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(prefix)) return undefined
  const [namespace = '', name = '', ...rest] = username.slice(prefix.length).split(':')
  const isValid = rest.length === 0 && labelName(namespace).length === 0 && subdomainName(name).length === 0
  return isValid ? { namespace, name } : undefined
}
