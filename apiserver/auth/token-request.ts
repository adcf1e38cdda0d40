import { TokenRequest } from '../../api/authentication/token-request.ts'
import { ApiError, conflict, notFound } from '../../api/errors.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import { apiVersionOf } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { IssueToken } from '../subresources.ts'
import type { ServiceAccountTokens, TokenClaims } from './tokens.ts'

/** Finds what a token may be bound to; `undefined` when there is no such object. */
export interface BoundObjects {
  pod(namespace: string, name: string): Promise<(KubeObject & BoundPod) | undefined>
  node(name: string): Promise<KubeObject | undefined>
  secret(namespace: string, name: string): Promise<KubeObject | undefined>
}

interface BoundPod {
  readonly spec: { readonly serviceAccountName?: string | undefined; readonly nodeName?: string | undefined }
}

const shortestInSeconds = 600
const longestInSeconds = 2 ** 32

/** POST serviceaccounts/x/token: checks the request, issues the token, answers both (pkg/registry/core/serviceaccount/storage/token.go). */
export function tokenRequests({ tokens, objects }: { tokens: ServiceAccountTokens; objects: BoundObjects }): IssueToken {
  return async ({ serviceAccount, body, isDryRun }) => {
    const parsed = TokenRequest.schema.safeParse(body ?? {})
    if (!parsed.success) {
      throw new ApiError(
        'BadRequest',
        `TokenRequest in version "v1" cannot be handled as a TokenRequest: ${parsed.error.message}`,
      )
    }
    const request = parsed.data
    const { name, namespace = '', uid, creationTimestamp } = serviceAccount.metadata
    const { boundObjectRef, expirationSeconds } = request.spec
    const errors = requestErrors(serviceAccount, request)
    if (errors.length > 0) throw invalidObject(TokenRequest, name, errors)
    const audiences = request.spec.audiences.length > 0 ? request.spec.audiences : tokens.audiences
    const bound = boundObjectRef ? await boundTo(objects, serviceAccount, boundObjectRef) : {}
    const claims = { namespace, serviceAccount: { name, uid }, audiences, expirationSeconds, ...bound }
    const status = isDryRun ? { token: '', expirationTimestamp: '' } : await tokens.issue(claims)
    return {
      kind: 'TokenRequest',
      apiVersion: apiVersionOf(TokenRequest),
      metadata: { name, namespace, uid, creationTimestamp },
      spec: { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null },
      status,
    }
  }
}

function requestErrors({ metadata }: KubeObject, { metadata: given, spec }: TokenRequest): FieldError[] {
  const errors: FieldError[] = []
  const mustMatch = 'must match the service account name if specified'
  if (given.name && given.name !== metadata.name) errors.push(fieldError.invalid('metadata.name', given.name, mustMatch))
  if (given.namespace && given.namespace !== metadata.namespace) {
    errors.push(fieldError.invalid('metadata.namespace', given.namespace, mustMatch))
  }
  const field = 'spec.expirationSeconds'
  const { expirationSeconds } = spec
  if (expirationSeconds < shortestInSeconds) {
    errors.push(fieldError.invalid(field, expirationSeconds, 'may not specify a duration less than 10 minutes'))
  }
  if (expirationSeconds > longestInSeconds) {
    errors.push(fieldError.invalid(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
  }
  return errors
}

type BoundReference = NonNullable<TokenRequest['spec']['boundObjectRef']>

/** The claims about what the token lives and dies with; a pod brings its node along. */
async function boundTo(objects: BoundObjects, account: KubeObject, reference: BoundReference): Promise<Partial<TokenClaims>> {
  const { kind = '', apiVersion = '', name = '', uid } = reference
  const { namespace = '' } = account.metadata
  const found = <Found extends KubeObject>(plural: string, object: Found | undefined): Found => {
    if (!object) throw notFound({ group: '', plural }, name)
    if (uid && uid !== object.metadata.uid) throw replaced(plural, name, uid)
    return object
  }
  const refer = ({ metadata }: KubeObject) => ({ name: metadata.name, uid: metadata.uid })
  if (kind === 'Secret') return { secret: refer(found('secrets', await objects.secret(namespace, name))) }
  if (kind === 'Node') return { node: refer(found('nodes', await objects.node(name))) }
  if (kind !== 'Pod') throw new ApiError('BadRequest', `cannot bind token to object of type ${apiVersion}, Kind=${kind}`)
  const pod = found('pods', await objects.pod(namespace, name))
  const { serviceAccountName = 'default', nodeName } = pod.spec
  if (serviceAccountName !== account.metadata.name) {
    const what = `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)}`
    throw new ApiError('BadRequest', `${what} to pod running with different serviceaccount name.`)
  }
  const node = nodeName ? await objects.node(nodeName) : undefined
  return { pod: refer(pod), ...(node && { node: refer(node) }) }
}

function replaced(plural: string, name: string, uid: string): ApiError {
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
  return conflict({ group: '', plural }, name, why)
}
