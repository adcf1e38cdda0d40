import type { Clock } from '../../lib/clock.ts'
import { sameText } from '../../lib/same-text.ts'
import type { Payload } from './token-claims.ts'
import type { TokenLookup } from './token-lookup.ts'

/** By so much clocks may differ (go-jose's DefaultLeeway). */
export const leewayInSeconds = 60
/** What is said of a token whose time is over. */
export const expired = 'service account token has expired'

/** What is wrong with a token that is genuine: its time is over, or what it is bound to is gone (pkg/serviceaccount). */
export function tokenFaults({ clock, lookup }: { readonly clock: Clock; readonly lookup: TokenLookup }) {
  async function faultOfBound({ namespace, serviceaccount, pod, node, secret }: Bound): Promise<string | undefined> {
    const uid = await lookup.serviceAccountUid(namespace, serviceaccount.name, serviceaccount.uid)
    if (uid === undefined) return `serviceaccounts "${serviceaccount.name}" not found`
    if (uid !== serviceaccount.uid) return `service account UID (${uid}) does not match claim (${serviceaccount.uid})`
    const invalidated = 'service account token has been invalidated'
    const compare = (what: string, found: string | undefined, claimed: string) =>
      found === undefined
        ? invalidated
        : found === claimed
          ? undefined
          : `${what} UID (${found}) does not match service account ${what} ref claim (${claimed})`
    if (secret) return compare('secret', await lookup.secretUid(namespace, secret.name), secret.uid)
    if (pod) return compare('pod', await lookup.podUid(namespace, pod.name, pod.uid), pod.uid)
    return node && compare('node', await lookup.nodeUid(node.name), node.uid)
  }

  async function faultOfSecret(payload: Payload, token: string): Promise<string | undefined> {
    const namespace = payload['kubernetes.io/serviceaccount/namespace'] ?? ''
    const held = await lookup.secretToken(namespace, payload['kubernetes.io/serviceaccount/secret.name'] ?? '')
    if (held === undefined) return 'Token has been invalidated'
    if (!sameText(held, token)) return "Token does not match server's copy"
    const name = payload['kubernetes.io/serviceaccount/service-account.name'] ?? ''
    const claimed = payload['kubernetes.io/serviceaccount/service-account.uid'] ?? ''
    const uid = await lookup.serviceAccountUid(namespace, name, claimed)
    if (uid === undefined) return `serviceaccounts "${name}" not found`
    return uid === claimed ? undefined : `ServiceAccount UID (${uid}) does not match claim (${claimed})`
  }

  return async function fault(payload: Payload, token: string): Promise<string | undefined> {
    const { exp, 'kubernetes.io': bound } = payload
    if (exp !== undefined && (exp + leewayInSeconds) * 1000 <= clock.now()) return expired
    return bound ? faultOfBound(bound) : faultOfSecret(payload, token)
  }
}

type Bound = NonNullable<Payload['kubernetes.io']>
