import type { UserInfo } from '../../api/user.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { type ObjectRef, serviceAccountUser } from './token-claims.ts'
import { tokenFaults } from './token-faults.ts'
import type { TokenLookup } from './token-lookup.ts'
import { tokenSignatures } from './token-signatures.ts'

/** What a token is issued for: a service account, often bound to a pod whose end is the token's end too. */
export interface TokenClaims {
  readonly namespace: string
  readonly serviceAccount: ObjectRef
  readonly audiences?: readonly string[]
  readonly expirationSeconds: number
  readonly pod?: ObjectRef
  /** The pod's node; without a pod: what the token is bound to. A node that is not known has no uid. */
  readonly node?: ObjectRef
  readonly secret?: ObjectRef
}

/** Issues and verifies the JWTs of service accounts. */
export interface ServiceAccountTokens {
  readonly issuer: string
  readonly audiences: readonly string[]
  /** `credentialId`: how logs name the token. */
  issue(claims: TokenClaims): Promise<{ token: string; expirationTimestamp: string; credentialId: string }>
  /** The token of a Secret: it has no end but the Secret's (pkg/serviceaccount/legacy.go). */
  issueForSecret(namespace: string, serviceAccount: ObjectRef, secretName: string): Promise<string>
  /** The user of a token that is genuine, in time, meant for one of the audiences and bound to what still exists. */
  verify(token: string, audiences?: readonly string[]): Promise<VerifiedToken | undefined>
  /** As `verify`; answers what is wrong with a token of ours, and `undefined` for one that is not. */
  examine(token: string, audiences?: readonly string[]): Promise<VerifiedToken | string | undefined>
  /** The public keys, as /openid/v1/jwks answers them. */
  jwks(): { keys: Record<string, unknown>[] }
}

/** Whose token it is. */
export interface VerifiedToken {
  readonly user: UserInfo
  /** Those asked for that the token is meant for. */
  readonly audiences: readonly string[]
}

/** How tokens are signed, and what they are compared with. */
export interface TokenOptions {
  /** PKCS #8 PEM, of a key on P-256 or of RSA. */
  readonly key: string
  readonly clock: Clock
  readonly random: Random
  readonly lookup: TokenLookup
  /** An https URL. */
  readonly issuer?: string | undefined
}

const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'
const secretIssuer = 'kubernetes/serviceaccount'
/**
 * Pods ask for 3607 s; for the API server's own audience they get a year, so that old clients that never re-read the file keep
 * working, and are told in `warnafter` when to come back (pkg/serviceaccount/claims.go, ExpirationExtensionSeconds).
 */
const extendedSeconds = 365 * 24 * 60 * 60
const warnOnlySeconds = 3607

/** What is genuine is believed by heart; what a token is bound to is looked at every time. */
export function serviceAccountTokens({ key, clock, random, lookup, issuer = defaultIssuer }: TokenOptions): ServiceAccountTokens {
  const ownAudiences = [issuer]
  const { read, sign, jwks } = tokenSignatures({ key, clock, issuers: [issuer, secretIssuer] })
  const fault = tokenFaults({ clock, lookup })

  async function examine(
    token: string,
    audiences: readonly string[] = ownAudiences,
  ): Promise<VerifiedToken | string | undefined> {
    const entry = await read(token)
    if (entry === undefined || typeof entry === 'string') return entry
    const { aud } = entry.payload
    const meantFor = aud === undefined ? ownAudiences : [aud].flat()
    const shared = audiences.filter(audience => meantFor.includes(audience))
    if (shared.length === 0) {
      const list = (values: readonly string[]) => `[${values.map(value => JSON.stringify(value)).join(' ')}]`
      return `token audiences ${list(meantFor)} is invalid for the target audiences ${list(audiences)}`
    }
    return (await fault(entry.payload, token)) ?? { user: entry.user, audiences: shared }
  }

  return {
    issuer,
    audiences: ownAudiences,
    examine,
    async verify(token, audiences) {
      const found = await examine(token, audiences)
      return typeof found === 'string' ? undefined : found
    },
    async issue({ namespace, serviceAccount, audiences = ownAudiences, expirationSeconds, pod, node, secret }) {
      const now = Math.floor(clock.now() / 1000)
      const isExtended =
        pod && expirationSeconds === warnOnlySeconds && audiences.every(audience => ownAudiences.includes(audience))
      const bound = {
        namespace,
        ...(node && { node: { name: node.name, ...(node.uid && { uid: node.uid }) } }),
        ...(pod && { pod }),
        ...(secret && { secret }),
        serviceaccount: serviceAccount,
        ...(isExtended && { warnafter: now + expirationSeconds }),
      }
      const jti = random.uuid()
      const token = await sign({
        aud: audiences,
        exp: now + (isExtended ? extendedSeconds : expirationSeconds),
        iat: now,
        iss: issuer,
        jti,
        'kubernetes.io': bound,
        nbf: now,
        sub: serviceAccountUser(namespace, serviceAccount.name).name,
      })
      return { token, expirationTimestamp: timestamp((now + expirationSeconds) * 1000), credentialId: `JTI=${jti}` }
    },
    issueForSecret: (namespace, { name, uid }, secretName) =>
      sign({
        iss: secretIssuer,
        'kubernetes.io/serviceaccount/namespace': namespace,
        'kubernetes.io/serviceaccount/secret.name': secretName,
        'kubernetes.io/serviceaccount/service-account.name': name,
        'kubernetes.io/serviceaccount/service-account.uid': uid,
        sub: serviceAccountUser(namespace, name).name,
      }),
    jwks,
  }
}
