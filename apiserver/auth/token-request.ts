import { TokenRequest } from '../../api/authentication/token-request.ts'
import { ApiError, conflict, forbiddenError, notFound } from '../../api/errors.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import { apiVersionOf } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import { decodeBody } from '../decode-body.ts'
import type { IssueToken } from '../subresources.ts'
import { refuseTokenForNode } from './node-restriction.ts'
import type { ServiceAccountTokens, TokenClaims } from './tokens.ts'

/** Finds what a token may be bound to; `undefined` when there is no such object. */
export interface BoundObjects {
  pod(namespace: string, name: string): Promise<(KubeObject & BoundPod) | undefined>
  node(name: string): Promise<KubeObject | undefined>
  secret(namespace: string, name: string): Promise<KubeObject | undefined>
  /** Audiences that the drivers of a pod's volumes want tokens for. */
  driverAudiences?(pod: KubeObject & BoundPod): Promise<readonly string[]>
}

/** What a pod must be like for tokens to be bound to it. */
export interface BoundPod {
  readonly spec: {
    readonly serviceAccountName?: string | undefined
    readonly nodeName?: string | undefined
    readonly volumes?:
      | readonly {
          readonly projected?:
            | {
                readonly sources?:
                  | readonly { readonly serviceAccountToken?: { readonly audience?: string | undefined } | undefined }[]
                  | undefined
              }
            | undefined
        }[]
      | undefined
  }
}

const shortestInSeconds = 600
const longestInSeconds = 2 ** 32

interface Dependencies {
  readonly tokens: ServiceAccountTokens
  readonly objects: BoundObjects
  readonly clock: Clock
}

/** POST serviceaccounts/x/token: checks the request, issues the token, answers both (pkg/registry/core/serviceaccount/storage/token.go). */
export function tokenRequests({ tokens, objects, clock }: Dependencies): IssueToken {
  return async ({ serviceAccount, body, user, isDryRun, annotate }) => {
    const request = decodeBody(TokenRequest, body ?? {}).draft as unknown as TokenRequest
    const { name, namespace = '', uid } = serviceAccount.metadata
    const { boundObjectRef, expirationSeconds } = request.spec
    checkIdentity(serviceAccount, request.metadata)
    const errors = requestErrors(request)
    if (errors.length > 0) throw invalidObject(TokenRequest, '', errors)
    const pod = boundObjectRef?.kind === 'Pod' ? await objects.pod(namespace, boundObjectRef.name ?? '') : undefined
    const refusal =
      refuseTokenForNode(user, request.spec, pod) &&
      refuseTokenForNode(user, request.spec, pod, pod && (await objects.driverAudiences?.(pod)))
    if (refusal) throw forbiddenError({ group: '', plural: 'serviceaccounts' }, name, refusal)
    const audiences = request.spec.audiences.length > 0 ? request.spec.audiences : tokens.audiences
    const bound = boundObjectRef ? await boundTo(objects, serviceAccount, boundObjectRef, pod) : {}
    const claims = { namespace, serviceAccount: { name, uid }, audiences, expirationSeconds, ...bound }
    const issued = isDryRun ? undefined : await tokens.issue(claims)
    if (issued) annotate?.('authentication.kubernetes.io/issued-credential-id', issued.credentialId)
    return {
      kind: 'TokenRequest',
      apiVersion: apiVersionOf(TokenRequest),
      metadata: { name, namespace, uid, creationTimestamp: timestamp(clock.now()) },
      spec: { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null },
      status: { token: issued?.token ?? '', expirationTimestamp: issued?.expirationTimestamp ?? '' },
    }
  }
}

/** A body may say which account it means, and must not mean another. */
function checkIdentity({ metadata }: KubeObject, given: TokenRequest['metadata']): void {
  const refuse = (field: 'name' | 'namespace') => {
    const detail = `must match the service account ${field} if specified`
    throw invalidObject(TokenRequest, metadata.name, [fieldError.invalid(`metadata.${field}`, given[field], detail)])
  }
  if (given.name && given.name !== metadata.name) refuse('name')
  if (given.namespace && given.namespace !== metadata.namespace) refuse('namespace')
  if (given.uid && given.uid !== metadata.uid) {
    const why = `the UID in the token request (${given.uid}) does not match the UID of the service account (${metadata.uid})`
    throw conflict({ group: TokenRequest.group, plural: TokenRequest.kind }, metadata.name, why)
  }
}

function requestErrors({ spec: { expirationSeconds } }: TokenRequest): FieldError[] {
  const field = 'spec.expirationSeconds'
  if (expirationSeconds < shortestInSeconds) {
    return [fieldError.invalid(field, expirationSeconds, 'may not specify a duration less than 10 minutes')]
  }
  if (expirationSeconds > longestInSeconds) {
    return [fieldError.invalid(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')]
  }
  return []
}

type BoundReference = NonNullable<TokenRequest['spec']['boundObjectRef']>

/** The claims about what the token lives and dies with; a pod brings its node along. */
async function boundTo(
  objects: BoundObjects,
  account: KubeObject,
  reference: BoundReference,
  pod: (KubeObject & BoundPod) | undefined,
): Promise<Partial<TokenClaims>> {
  const { kind = '', apiVersion = '', name = '', uid } = reference
  const { namespace = '' } = account.metadata
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  const found = <Found extends KubeObject>(plural: string, object: Found | undefined): Found => {
    if (!object) throw notFound({ group: '', plural }, name)
    return object
  }
  const refer = ({ metadata }: KubeObject) => {
    if (uid && uid !== metadata.uid) throw replaced(kind, name, uid)
    return { name: metadata.name, uid: metadata.uid }
  }
  if (group === '' && kind === 'Secret') return { secret: refer(found('secrets', await objects.secret(namespace, name))) }
  if (group === '' && kind === 'Node') return { node: refer(found('nodes', await objects.node(name))) }
  if (group !== '' || kind !== 'Pod') {
    throw new ApiError('BadRequest', `cannot bind token to object of type ${group}/${version}, Kind=${kind}`)
  }
  const { serviceAccountName = 'default', nodeName } = found('pods', pod).spec
  if (serviceAccountName !== account.metadata.name) {
    const what = `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)}`
    throw new ApiError('BadRequest', `${what} to pod running with different serviceaccount name.`)
  }
  const bound = { pod: refer(found('pods', pod)) }
  if (!nodeName) return bound
  // Of a node that is gone the token still tells the name.
  return { ...bound, node: { name: nodeName, uid: (await objects.node(nodeName))?.metadata.uid ?? '' } }
}

function replaced(kind: string, name: string, uid: string): ApiError {
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
  return conflict({ group: '', plural: kind }, name, why)
}
