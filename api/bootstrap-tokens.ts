import { createHmac } from 'node:crypto'
import { sameText } from '../lib/same-text.ts'
import type { Secret } from './core/secret.ts'

/** A token by which a machine that nobody knows yet may ask to join (k8s.io/cluster-bootstrap/token). */
export interface BootstrapToken {
  /** Six letters and digits, which are no secret ... */
  readonly id: string
  /** ... and sixteen that are. */
  readonly secret: string
}

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token'
export const bootstrapTokenName = (id: string) => `bootstrap-token-${id}`
/** The group that nodes join in (kubeadm's). */
export const nodeTokenGroup = 'system:bootstrappers:kubeadm:default-node-token'

/** Where those who do not trust the server yet find its address and authority, and the signatures by which they come to trust them. */
export const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' } as const
export const clusterInfoKey = 'kubeconfig'
export const signaturePrefix = 'jws-kubeconfig-'

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

/** `<id>.<secret>`; undefined: it is none. */
export function parseBootstrapToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = form.exec(text) ?? []
  return id !== undefined && secret !== undefined ? { id, secret } : undefined
}

/** A field of a token's Secret; empty when it is not there. */
export const tokenField = (secret: Pick<Secret, 'data'>, key: string): string =>
  Buffer.from(secret.data?.[key] ?? '', 'base64').toString()

/** When a token ends, in milliseconds since the epoch: a time that cannot be read is over; undefined: never. */
export function tokenExpiry(secret: Pick<Secret, 'data'>): number | undefined {
  const text = tokenField(secret, 'expiration')
  if (text === '') return undefined
  const at = /^\d{4}-\d\d-\d\d[Tt]/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at
}

/** The signature of a text by a token: a JWS (HS256) without its payload (RFC 7515, appendix F). */
export function detachedSignature(content: string, { id, secret }: BootstrapToken): string {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: id }))
  const signature = createHmac('sha256', secret)
    .update(`${header}.${base64url(content)}`)
    .digest('base64url')
  return `${header}..${signature}`
}

export const isSignedBy = (token: BootstrapToken, content: string, signature: string): boolean =>
  sameText(detachedSignature(content, token), signature)

const base64url = (text: string) => Buffer.from(text).toString('base64url')
