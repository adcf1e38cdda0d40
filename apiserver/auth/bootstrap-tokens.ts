import type { Secret } from '../../api/core/secret.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { sameText } from './same-text.ts'

/** Finds a Secret of kube-system. */
type FindSecret = (name: string) => Promise<Secret | undefined>

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/**
 * The user of a bootstrap token, `<id>.<secret>`: it is good as long as kube-system holds a Secret `bootstrap-token-<id>` of type
 * bootstrap.kubernetes.io/token that says so (plugin/pkg/auth/authenticator/token/bootstrap). Nobody otherwise.
 */
export async function bootstrapUser(
  token: string,
  { secret: find, clock }: { readonly secret: FindSecret; readonly clock: Clock },
): Promise<UserInfo | undefined> {
  const [, id = '', password = ''] = form.exec(token) ?? []
  const secret = id ? await find(`bootstrap-token-${id}`) : undefined
  if (!secret || secret.type !== 'bootstrap.kubernetes.io/token' || secret.metadata.deletionTimestamp) return undefined
  const read = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
  if (!sameText(read('token-secret'), password) || read('token-id') !== id) return undefined
  if (hasExpired(read('expiration'), clock) || read('usage-bootstrap-authentication') !== 'true') return undefined
  const extra = read('auth-extra-groups').split(',').filter(Boolean)
  if (!extra.every(group => groupForm.test(group))) return undefined
  const groups = [...new Set(['system:bootstrappers', ...extra])].sort()
  return { name: `system:bootstrap:${id}`, groups: [...groups, 'system:authenticated'] }
}

/** A time that cannot be read is over. */
function hasExpired(expiration: string, clock: Clock): boolean {
  if (expiration === '') return false
  const until = /^\d{4}-\d\d-\d\d[Tt]/.test(expiration) ? Date.parse(expiration) : Number.NaN
  return !(clock.now() < until)
}
