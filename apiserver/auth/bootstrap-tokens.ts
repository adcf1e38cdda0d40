import {
  bootstrapTokenName,
  bootstrapTokenType,
  parseBootstrapToken,
  tokenExpiry,
  tokenField,
} from '../../api/bootstrap-tokens.ts'
import type { Secret } from '../../api/core/secret.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { sameText } from '../../lib/same-text.ts'

/** Finds a Secret of kube-system. */
type FindSecret = (name: string) => Promise<Secret | undefined>

const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/**
 * The user of a bootstrap token, `<id>.<secret>`: it is good as long as kube-system holds a Secret `bootstrap-token-<id>` of type
 * bootstrap.kubernetes.io/token that says so (plugin/pkg/auth/authenticator/token/bootstrap). Nobody otherwise.
 */
export async function bootstrapUser(
  token: string,
  { secret: find, clock }: { readonly secret: FindSecret; readonly clock: Clock },
): Promise<UserInfo | undefined> {
  const given = parseBootstrapToken(token)
  const secret = given && (await find(bootstrapTokenName(given.id)))
  if (!given || !secret || secret.type !== bootstrapTokenType || secret.metadata.deletionTimestamp) return undefined
  const read = (key: string) => tokenField(secret, key)
  if (!sameText(read('token-secret'), given.secret) || read('token-id') !== given.id) return undefined
  if ((tokenExpiry(secret) ?? Number.POSITIVE_INFINITY) <= clock.now()) return undefined
  if (read('usage-bootstrap-authentication') !== 'true') return undefined
  const extra = read('auth-extra-groups').split(',').filter(Boolean)
  if (!extra.every(group => groupForm.test(group))) return undefined
  const groups = [...new Set(['system:bootstrappers', ...extra])].sort()
  return { name: `system:bootstrap:${given.id}`, groups: [...groups, 'system:authenticated'] }
}
