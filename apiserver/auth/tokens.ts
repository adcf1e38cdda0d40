import { createHash, createPrivateKey, createPublicKey, timingSafeEqual } from 'node:crypto'
import type { UserInfo } from '../../api/user.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { type ObjectRef, type Payload, serviceAccountUser, userOf } from './token-claims.ts'

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

/** Finds the uid of what exists and is not being deleted (any longer ago than a minute); `claimed` is what the token says. */
export interface TokenLookup {
  serviceAccountUid(namespace: string, name: string, claimed: string): MaybePromise<string | undefined>
  podUid(namespace: string, name: string, claimed: string): MaybePromise<string | undefined>
  nodeUid(name: string): MaybePromise<string | undefined>
  secretUid(namespace: string, name: string): MaybePromise<string | undefined>
  /** What a Secret of type kubernetes.io/service-account-token holds as its token, unless it is marked invalid. */
  secretToken(namespace: string, name: string): Promise<string | undefined>
}

type MaybePromise<T> = T | Promise<T>

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

export interface VerifiedToken {
  readonly user: UserInfo
  /** Those asked for that the token is meant for. */
  readonly audiences: readonly string[]
}

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
/** By so much clocks may differ (go-jose's DefaultLeeway). */
const leewayInSeconds = 60
const mostVerified = 10_000

interface Genuine {
  readonly payload: Payload
  readonly user: UserInfo
}

export function serviceAccountTokens({ key, clock, random, lookup, issuer = defaultIssuer }: TokenOptions): ServiceAccountTokens {
  const privateKey = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey)
  const alg = privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  const ownAudiences = [issuer]
  // Signatures cost 140 us each; what was found genuine once stays so. What a token is bound to is looked at every time.
  const genuine = new Map<string, Genuine>()

  async function read(token: string): Promise<Genuine | string | undefined> {
    const known = genuine.get(token)
    if (known) return known
    if (!isOurs(token)) return undefined
    const { jwtVerify, errors } = await import('jose')
    const options = { algorithms: [alg], clockTolerance: leewayInSeconds, currentDate: new Date(clock.now()) }
    try {
      const { payload } = await jwtVerify<Payload>(token, publicKey, options)
      const user = userOf(payload)
      if (!user) return 'sub claim is invalid'
      if (genuine.size >= mostVerified) genuine.clear()
      const entry = { payload, user }
      genuine.set(token, entry)
      return entry
    } catch (error) {
      if (error instanceof errors.JWTExpired) return expired
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf')
        return 'service account token is not valid yet'
      return 'invalid signature'
    }
  }

  function isOurs(token: string): boolean {
    const { iss } = claimsOf(token)
    return iss === issuer || iss === secretIssuer
  }

  /** What is wrong with a token that once was genuine. */
  async function fault({ payload }: Genuine, token: string): Promise<string | undefined> {
    const { exp, 'kubernetes.io': bound } = payload
    if (exp !== undefined && (exp + leewayInSeconds) * 1000 <= clock.now()) return expired
    if (!bound) return faultOfSecret(payload, token)
    const { namespace, serviceaccount, pod, node, secret } = bound
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
    return (await fault(entry, token)) ?? { user: entry.user, audiences: shared }
  }

  const sign = async (payload: object) => {
    const { SignJWT } = await import('jose')
    return new SignJWT({ ...payload }).setProtectedHeader({ alg, kid }).sign(privateKey)
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
    jwks: () => {
      const { kty, ...parameters } = publicKey.export({ format: 'jwk' })
      return { keys: [{ use: 'sig', kty, kid, alg, ...parameters }] }
    },
  }
}

const expired = 'service account token has expired'

/** What an unverified token claims; nothing if it is no JWT. */
function claimsOf(token: string): Payload {
  const parts = token.split('.')
  if (parts.length !== 3) return {}
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {}
  }
}

/** Compares without telling by its duration where two texts differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
