import type { IncomingMessage } from 'node:http'
import type { UserInfo } from '../../api/user.ts'
import { unescaped } from '../auth/impersonation.ts'

/** Which proxies may say in headers for whom they speak (`--requestheader-*` of upstream). */
export interface RequestHeaders {
  /** PEM of the authority that their certificates come from; not the one of other clients. */
  readonly ca: string
  /** Common names of their certificates; none: any. */
  readonly allowedNames?: readonly string[]
}

const extraPrefix = 'x-remote-extra-'

/** The user that a front proxy names: X-Remote-User, -Group, -Uid, -Extra-<key> (pkg/authentication/request/headerrequest). */
export function spokenFor({ headersDistinct: headers }: IncomingMessage): UserInfo | undefined {
  const name = headers['x-remote-user']?.[0]
  if (!name) return undefined
  const uid = headers['x-remote-uid']?.[0]
  const extra: Record<string, readonly string[]> = {}
  for (const header in headers) {
    if (header.startsWith(extraPrefix)) extra[unescaped(header.slice(extraPrefix.length))] = headers[header] ?? []
  }
  const groups = (headers['x-remote-group'] ?? []).filter(Boolean)
  return { name, groups, ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) }
}
