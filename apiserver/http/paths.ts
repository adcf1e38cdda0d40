import { createHash } from 'node:crypto'
import { ApiError, ignore } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Swagger } from '../openapi/v2.ts'
import { encodeSwagger } from '../openapi/v2-protobuf.ts'
import { aggregatedDiscovery } from './aggregated-discovery.ts'
import { type HealthCheck, health } from './health.ts'
import { negotiate, parseAccept } from './negotiation.ts'
import { type Exchange, headersOf, sendBytes, sendText, sendValue } from './reply.ts'
import { locationOf } from './request.ts'

/**
 * What the server says about itself, by path: plain discovery, `/version`, `/openapi/v3` and the documents below it. Throws NotFound.
 * While the content stays the same the same object is answered, so that its bytes and its ETag are made once.
 */
export interface Documents {
  at(path: string): unknown
}

/** Paths of others: answers a promise of a JSON value, or `undefined` for "not mine". */
export type ExtraRoutes = (path: string, query: URLSearchParams, user: UserInfo) => Promise<unknown> | undefined

export interface PathOptions {
  readonly documents: Documents
  readonly checks?: Readonly<Record<string, HealthCheck>> | undefined
  readonly extraRoutes?: ExtraRoutes | undefined
  /** Which of them decide by what they are asked about whom they answer: everybody who is known may ask. */
  readonly decidesItself?: ((path: string) => boolean) | undefined
  /** The public keys of service account tokens, and who issues them. */
  readonly tokens?: TokenIssuer | undefined
}

/** Whose tokens can be verified with which keys. */
export interface TokenIssuer {
  readonly issuer: string
  jwks(): { readonly keys: readonly Readonly<Record<string, unknown>>[] }
}

export type PathHandler = (exchange: Exchange, body: Buffer, user: UserInfo) => Promise<void>

/** Answers what is no resource: discovery, OpenAPI, version, health, token keys, and what `extraRoutes` adds. */
export function pathHandler({ documents, checks = {}, extraRoutes, tokens }: PathOptions): PathHandler {
  return async function servePath(exchange, _body, user) {
    const { request } = exchange
    const { path: full, query } = locationOf(request.url ?? '/')
    const path = full.length > 1 && full.endsWith('/') ? full.slice(0, -1) : full

    const answer = await health(path, query, checks)
    if (answer) return sendText(exchange, answer.code, answer.text)
    const extra = extraRoutes?.(path, query, user)
    if (extra) return sendValue(exchange, 200, await extra, negotiate(request.headers.accept, []))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    }
    if (path === '/openapi/v2') return sendSwagger(exchange, documents)
    if (path.startsWith('/openapi/v3/')) return sendOpenApi(exchange, path, query, documents)
    if (tokens && path === '/openid/v1/jwks') return sendJwks(exchange, tokens)
    if (tokens && path === '/.well-known/openid-configuration') return sendIssuer(exchange, tokens)
    if (path === '/api' || path === '/apis') return sendRoot(exchange, path, documents)
    const document = find(documents, path)
    if (!document) return sendText(exchange, 404, '404 page not found\n')
    await sendValue(exchange, 200, document, negotiate(request.headers.accept, []))
  }
}

function find(documents: Documents, path: string): object | undefined {
  try {
    return documents.at(path) as object
  } catch (error) {
    return ignore('NotFound')(error)
  }
}

/** Bytes and hash of a document. */
interface Rendered {
  readonly bytes: Uint8Array
  readonly hash: string
}

type Encode<T extends object> = (document: T) => Uint8Array

const inJson: Encode<object> = document => Buffer.from(JSON.stringify(document))
const rendered = new WeakMap<Encode<never>, WeakMap<object, Rendered>>()

function render<T extends object>(document: T, encode: Encode<T> = inJson): Rendered {
  let byDocument = rendered.get(encode)
  if (!byDocument) rendered.set(encode, (byDocument = new WeakMap()))
  let known = byDocument.get(document)
  if (!known) {
    const bytes = encode(document)
    known = { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase().slice(0, 32) }
    byDocument.set(document, known)
  }
  return known
}

/** Aggregated documents by the plain one that they belong to: when that changes, so do they. */
const aggregated = new WeakMap<object, Partial<Record<'v2' | 'v2beta1', object>>>()

function sendRoot(exchange: Exchange, path: '/api' | '/apis', documents: Documents): void {
  const { request, response } = exchange
  const plain = documents.at(path) as object
  const version = aggregatedVersion(request.headers.accept)
  response.setHeader('Vary', 'Accept')
  if (!version) return sendBytes(exchange, 200, 'application/json', render(plain).bytes)
  let known = aggregated.get(plain)
  if (!known) aggregated.set(plain, (known = {}))
  const document = (known[version] ??= aggregatedDiscovery(path, version, documents.at))
  sendTagged(exchange, document, `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
}

/** The version of aggregated discovery that a client prefers over the plain lists. */
function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters, quality } of parseAccept(accept ?? '')) {
    if (quality === 0 || (type !== 'application/json' && type !== '*/*')) continue
    const { as, g, v } = parameters
    if (!as) return undefined
    if (as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && (v === 'v2' || v === 'v2beta1')) return v
  }
  return undefined
}

/** Sends a document with its ETag, or 304 to those who have it. */
function sendTagged<T extends object>(exchange: Exchange, document: T, type: string, encode?: Encode<T>): void {
  const { request, response } = exchange
  const { bytes, hash } = render(document, encode)
  const tag = `"${hash}"`
  response.setHeader('ETag', tag)
  response.setHeader('Cache-Control', 'public')
  const wanted = String(request.headers['if-none-match'] ?? '')
  if (wanted.split(',').some(text => text.trim() === tag)) return void response.writeHead(304, headersOf(exchange)).end()
  sendBytes(exchange, 200, type, bytes)
}

interface OpenApiIndex {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string } | undefined>>
}

/** Clients cache a document by its address, which carries the hash that the index gives it. */
function sendOpenApi(exchange: Exchange, path: string, query: URLSearchParams, documents: Documents): void {
  const { request, response } = exchange
  const { paths } = documents.at('/openapi/v3') as OpenApiIndex
  const address = paths[path.slice('/openapi/v3/'.length)]?.serverRelativeURL
  if (!address) return sendText(exchange, 404, '404 page not found\n')
  negotiate(request.headers.accept, [])
  const hash = locationOf(address).query.get('hash')
  const wanted = query.get('hash')
  response.setHeader('Vary', 'Accept')
  if (wanted !== null && wanted !== hash) return void response.writeHead(301, headersOf(exchange, 'Location', address)).end()
  response.setHeader('ETag', `"${hash}"`)
  if (wanted !== null) response.setHeader('Cache-Control', 'public, immutable')
  sendBytes(exchange, 200, 'application/json', render(documents.at(path) as object).bytes)
}

const swaggerAsked = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
const swaggerSent = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** OpenAPI v2 in protobuf, which is all that old clients read; in JSON for those who ask for it. */
function sendSwagger(exchange: Exchange, documents: Documents): void {
  const { request, response } = exchange
  const document = documents.at('/openapi/v2') as Swagger
  response.setHeader('Vary', 'Accept')
  const wanted = parseAccept(request.headers.accept ?? '').find(
    ({ type }) => type === swaggerAsked || type === 'application/json',
  )
  if (wanted?.type !== swaggerAsked) return sendTagged(exchange, document, 'application/json')
  sendTagged(exchange, document, swaggerSent, encodeSwagger)
}

/** The keys may be kept for an hour (k8s.io/kubernetes/pkg/routes/openidmetadata.go). */
const keysMayBeKept = 'public, max-age=3600'

function sendJwks(exchange: Exchange, tokens: TokenIssuer): void {
  exchange.response.setHeader('Cache-Control', keysMayBeKept)
  sendBytes(exchange, 200, 'application/jwk-set+json', Buffer.from(JSON.stringify(tokens.jwks())))
}

function sendIssuer(exchange: Exchange, { issuer, jwks }: TokenIssuer): void {
  const configuration = {
    issuer,
    jwks_uri: `https://${exchange.request.headers.host}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(jwks().keys.map(({ alg }) => alg))].sort(),
  }
  exchange.response.setHeader('Cache-Control', keysMayBeKept)
  sendBytes(exchange, 200, 'application/json', Buffer.from(JSON.stringify(configuration)))
}
