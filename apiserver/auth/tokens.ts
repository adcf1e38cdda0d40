import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { UserInfo } from '../../api/user.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'

/** What a token is issued for: a service account, often bound to a pod whose end is the token's end too. */
export interface TokenClaims {
  readonly namespace: string
  readonly serviceAccount: ObjectRef
  readonly audiences?: readonly string[]
  readonly expirationSeconds: number
  readonly pod?: ObjectRef
  readonly node?: ObjectRef
  readonly secret?: ObjectRef
}

interface ObjectRef {
  readonly name: string
  readonly uid: string
}

/** Reads the watch caches: the uid of an object that exists and is not being deleted (any longer ago than a minute). */
export interface TokenLookup {
  serviceAccountUid(namespace: string, name: string): string | undefined
  podUid(namespace: string, name: string): string | undefined
  secretUid(namespace: string, name: string): Promise<string | undefined>
}

/** Issues and verifies the JWTs of service accounts (ES256). */
export interface ServiceAccountTokens {
  readonly issuer: string
  readonly audiences: readonly string[]
  issue(claims: TokenClaims): Promise<{ token: string; expirationTimestamp: string }>
  /** The user of a token that is genuine, in time, meant for one of the audiences and bound to what still exists. */
  verify(token: string, audiences?: readonly string[]): Promise<VerifiedToken | undefined>
  /** The public keys, as /openid/v1/jwks answers them. */
  jwks(): { keys: Record<string, unknown>[] }
}

export interface VerifiedToken {
  readonly user: UserInfo
  /** Those asked for that the token is meant for. */
  readonly audiences: readonly string[]
}

interface Payload {
  readonly sub?: string
  readonly aud?: string | readonly string[]
  readonly exp?: number
  readonly jti?: string
  readonly 'kubernetes.io'?: {
    readonly namespace: string
    readonly serviceaccount: ObjectRef
    readonly pod?: ObjectRef
    readonly node?: ObjectRef
    readonly secret?: ObjectRef
  }
}

export interface TokenOptions {
  /** P-256, PKCS #8 PEM. */
  readonly key: string
  readonly clock: Clock
  readonly random: Random
  readonly lookup: TokenLookup
  readonly issuer?: string
}

export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'
/**
 * Pods ask for 3607 s; for the API server's own audience they get a year, so that old clients that never re-read the file keep
 * working, and are told in `warnafter` when to come back (pkg/serviceaccount/claims.go, ExpirationExtensionSeconds).
 */
const extendedSeconds = 365 * 24 * 60 * 60
const warnOnlySeconds = 3607
const mostVerified = 10_000

export function serviceAccountTokens({ key, clock, random, lookup, issuer = defaultIssuer }: TokenOptions): ServiceAccountTokens {
  const privateKey = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey)
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  const ownAudiences = [issuer]
  // Signatures cost 140 us each; what was found genuine once stays so. What a token is bound to is looked at every time.
  const genuine = new Map<string, { payload: Payload; user: UserInfo }>()

  async function read(token: string): Promise<{ payload: Payload; user: UserInfo } | undefined> {
    const known = genuine.get(token)
    if (known) return known
    const { jwtVerify } = await import('jose')
    const options = { issuer, algorithms: ['ES256'], clockTolerance: 10, currentDate: new Date(clock.now()) }
    const verified = await jwtVerify<Payload>(token, publicKey, options).catch(() => undefined)
    const user = verified && userOf(verified.payload)
    if (!verified || !user) return undefined
    const entry = { payload: verified.payload, user }
    if (genuine.size >= mostVerified) genuine.clear()
    genuine.set(token, entry)
    return entry
  }

  async function isAlive({ exp = 0, 'kubernetes.io': bound }: Payload): Promise<boolean> {
    if (!bound || exp * 1000 <= clock.now()) return false
    const { namespace, serviceaccount, pod, secret } = bound
    if (lookup.serviceAccountUid(namespace, serviceaccount.name) !== serviceaccount.uid) return false
    if (pod && lookup.podUid(namespace, pod.name) !== pod.uid) return false
    return !secret || (await lookup.secretUid(namespace, secret.name)) === secret.uid
  }

  return {
    issuer,
    audiences: ownAudiences,
    async issue({ namespace, serviceAccount, audiences = ownAudiences, expirationSeconds, pod, node, secret }) {
      const { SignJWT } = await import('jose')
      const now = Math.floor(clock.now() / 1000)
      const isExtended =
        pod && expirationSeconds === warnOnlySeconds && audiences.every(audience => ownAudiences.includes(audience))
      const bound = {
        namespace,
        ...(node && { node }),
        ...(pod && { pod }),
        ...(secret && { secret }),
        serviceaccount: serviceAccount,
        ...(isExtended && { warnafter: now + expirationSeconds }),
      }
      const token = await new SignJWT({ 'kubernetes.io': bound })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(issuer)
        .setSubject(`system:serviceaccount:${namespace}:${serviceAccount.name}`)
        .setAudience([...audiences])
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + (isExtended ? extendedSeconds : expirationSeconds))
        .setJti(random.uuid())
        .sign(privateKey)
      return { token, expirationTimestamp: timestamp((now + expirationSeconds) * 1000) }
    },
    async verify(token, audiences = ownAudiences) {
      const entry = await read(token)
      if (!entry || !(await isAlive(entry.payload))) return undefined
      const meantFor = [entry.payload.aud ?? []].flat()
      const shared = audiences.filter(audience => meantFor.includes(audience))
      return shared.length > 0 ? { user: entry.user, audiences: shared } : undefined
    },
    jwks: () => ({ keys: [{ use: 'sig', kty: 'EC', kid, alg: 'ES256', ...publicKey.export({ format: 'jwk' }) }] }),
  }
}

/** Who a token's claims speak of, if subject and claims agree. */
function userOf({ sub, jti, 'kubernetes.io': bound }: Payload): UserInfo | undefined {
  if (!bound?.serviceaccount) return undefined
  const { namespace, serviceaccount, pod, node } = bound
  const name = `system:serviceaccount:${namespace}:${serviceaccount.name}`
  if (sub !== name) return undefined
  const extra: Record<string, string[]> = {}
  const tell = (key: string, value: string | undefined) => {
    if (value) extra[`authentication.kubernetes.io/${key}`] = [value]
  }
  tell('credential-id', jti && `JTI=${jti}`)
  tell('node-name', node?.name)
  tell('node-uid', node?.uid)
  tell('pod-name', pod?.name)
  tell('pod-uid', pod?.uid)
  return { ...serviceAccountUser(namespace, serviceaccount.name), uid: serviceaccount.uid, extra }
}

/** The user that a service account's pods act as, with its fixed groups. */
export function serviceAccountUser(namespace: string, name: string): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}
