import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { type Payload, userOf } from './token-claims.ts'
import { expired, leewayInSeconds } from './token-faults.ts'

/** A token that this server once signed. What it is bound to may be gone since. */
export interface Genuine {
  readonly payload: Payload
  readonly user: UserInfo
}

/** Signs tokens and knows its own again. */
export interface TokenSignatures {
  sign(payload: object): Promise<string>
  /** What a token says; what is wrong with one of ours; `undefined`: it is not ours. */
  read(token: string): Promise<Genuine | string | undefined>
  /** The public keys, as /openid/v1/jwks answers them. */
  jwks(): { keys: Record<string, unknown>[] }
}

export interface TokenSignatureOptions {
  /** PKCS #8 PEM, of a key on P-256 or of RSA. */
  readonly key: string
  readonly clock: Clock
  /** Who our tokens say that they are from. */
  readonly issuers: readonly string[]
}

const mostVerified = 10_000

/** Signatures with one key. */
export function tokenSignatures({ key, clock, issuers }: TokenSignatureOptions): TokenSignatures {
  const privateKey = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey)
  const alg = privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  // Signatures cost 140 us each; what was found genuine once stays so.
  const genuine = new Map<string, Genuine>()

  async function read(token: string): Promise<Genuine | string | undefined> {
    const known = genuine.get(token)
    if (known) return known
    if (!issuers.includes(claimsOf(token).iss ?? '')) return undefined
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

  return {
    read,
    async sign(payload) {
      const { SignJWT } = await import('jose')
      return new SignJWT({ ...payload }).setProtectedHeader({ alg, kid }).sign(privateKey)
    },
    jwks() {
      const { kty, ...parameters } = publicKey.export({ format: 'jwk' })
      return { keys: [{ use: 'sig', kty, kid, alg, ...parameters }] }
    },
  }
}

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
