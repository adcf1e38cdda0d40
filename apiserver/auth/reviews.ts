import { ApiError } from '../../api/errors.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import { defineKind } from '../../api/kind.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Provider } from '../pipeline.ts'
import type { ApiRequest } from '../request.ts'
import type { Authorizer } from './authorizer.ts'
import type { ServiceAccountTokens } from './tokens.ts'

const authorization = 'authorization.k8s.io'
const authentication = 'authentication.k8s.io'

interface ReviewDependencies {
  readonly authorizer: Authorizer
  readonly tokens: Pick<ServiceAccountTokens, 'verify' | 'audiences'>
}

/** What the body of a review holds, as far as the six kinds go. */
interface Review {
  readonly metadata?: { readonly name?: string; readonly namespace?: string }
  readonly spec?: Spec
}

interface Spec {
  readonly resourceAttributes?: ResourceQuestion
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string }
  readonly user?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: UserInfo['extra']
  readonly namespace?: string
  readonly token?: string
  readonly audiences?: readonly string[]
}

interface ResourceQuestion {
  readonly namespace?: string
  readonly verb?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly name?: string
}

type Answer = (review: Review, request: ApiRequest) => object | Promise<object>

/** Questions about users and rights: posted, answered in `status`, never stored (contract 16). */
export function accessReviews({ authorizer, tokens }: ReviewDependencies): readonly Provider[] {
  const answers: Record<string, { kind: string; isNamespaced?: boolean; answer: Answer }> = {
    [`${authorization}/selfsubjectaccessreviews`]: {
      kind: 'SelfSubjectAccessReview',
      answer: ({ spec = {}, metadata }, { user }) => {
        refuse('SelfSubjectAccessReview', [...emptyMetadata(metadata), ...oneQuestion(spec)])
        return decide(authorizer, user, spec)
      },
    },
    [`${authorization}/subjectaccessreviews`]: {
      kind: 'SubjectAccessReview',
      answer: ({ spec = {}, metadata }) => {
        refuse('SubjectAccessReview', [...emptyMetadata(metadata), ...oneQuestion(spec), ...someSubject(spec)])
        return decide(authorizer, subjectOf(spec), spec)
      },
    },
    [`${authorization}/localsubjectaccessreviews`]: {
      kind: 'LocalSubjectAccessReview',
      isNamespaced: true,
      answer: ({ spec = {} }, { namespace = '' }) => {
        refuse('LocalSubjectAccessReview', [...oneQuestion(spec), ...someSubject(spec), ...inNamespace(spec, namespace)])
        return decide(authorizer, subjectOf(spec), spec)
      },
    },
    [`${authorization}/selfsubjectrulesreviews`]: {
      kind: 'SelfSubjectRulesReview',
      answer: ({ spec = {} }, { user }) => {
        if (!spec.namespace) throw new ApiError('BadRequest', 'no namespace on request')
        return rulesOf(authorizer, user, spec.namespace)
      },
    },
    [`${authentication}/selfsubjectreviews`]: {
      kind: 'SelfSubjectReview',
      answer: (_, { user }) => ({ userInfo: described(user) }),
    },
    [`${authentication}/tokenreviews`]: { kind: 'TokenReview', answer: ({ spec = {} }) => reviewToken(tokens, spec) },
  }

  return Object.entries(answers).map(([path, { kind, isNamespaced: namespaced = false, answer }]) => {
    const [group = '', plural = ''] = path.split('/')
    const description = 'A question about a user or their rights.'
    return {
      kind: defineKind({ group, version: 'v1', kind, plural, namespaced, description, fields: {}, verbs: ['create'] }),
      async handle(_, request) {
        const body = (request.body ?? {}) as Review
        const status = await answer(body, request)
        const metadata = { ...body.metadata, creationTimestamp: null }
        const object = { kind, apiVersion: `${group}/v1`, metadata, ...(body.spec && { spec: body.spec }), status }
        return { type: 'object', status: 201, object, warnings: [] }
      },
    }
  })
}

function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject({ group: authorization, kind }, '', errors)
}

const emptyMetadata = (metadata: Review['metadata'] = {}): FieldError[] =>
  metadata.name || metadata.namespace ? [fieldError.invalid('metadata', metadata, 'must be empty')] : []

function oneQuestion({ resourceAttributes, nonResourceAttributes }: Spec): FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    const detail = 'cannot be specified in combination with resourceAttributes'
    return [fieldError.invalid('spec.nonResourceAttributes', nonResourceAttributes, detail)]
  }
  if (resourceAttributes || nonResourceAttributes) return []
  return [
    fieldError.invalid(
      'spec.resourceAttributes',
      null,
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ),
  ]
}

const someSubject = ({ user, groups = [] }: Spec): FieldError[] =>
  user || groups.length > 0 ? [] : [fieldError.invalid('spec.user', '', 'at least one of user or group must be specified')]

function inNamespace({ resourceAttributes, nonResourceAttributes }: Spec, namespace: string): FieldError[] {
  if (nonResourceAttributes) {
    return [fieldError.invalid('spec.nonResourceAttributes', nonResourceAttributes, 'disallowed on this kind of request')]
  }
  const asked = resourceAttributes?.namespace ?? ''
  return asked === namespace
    ? []
    : [fieldError.invalid('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace')]
}

const subjectOf = ({ user = '', uid, groups = [], extra }: Spec): UserInfo => ({
  name: user,
  groups,
  ...(uid && { uid }),
  ...(extra && { extra }),
})

function decide(authorizer: Authorizer, user: UserInfo, { resourceAttributes, nonResourceAttributes }: Spec): object {
  const { allowed, reason } = resourceAttributes
    ? authorizer.authorize(user, questionOf(resourceAttributes))
    : authorizer.authorizePath(user, nonResourceAttributes?.verb ?? '', nonResourceAttributes?.path ?? '')
  return { allowed, ...(reason && { reason }) }
}

const questionOf = ({ verb = '', group = '', resource = '', subresource, namespace, name }: ResourceQuestion) => ({
  ...{ verb, group, resource },
  ...(subresource && { subresource }),
  ...(namespace && { namespace }),
  ...(name && { name }),
})

function rulesOf(authorizer: Authorizer, user: UserInfo, namespace: string): object {
  const rules = authorizer.rulesFor(user, namespace)
  return {
    resourceRules: rules
      .filter(({ resources }) => resources)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  }
}

async function reviewToken({ verify, audiences: own }: ReviewDependencies['tokens'], spec: Spec): Promise<object> {
  const { token, audiences = [] } = spec
  if (!token) throw new ApiError('BadRequest', 'token is required for TokenReview in authentication')
  const verified = await verify(token, audiences.length > 0 ? audiences : own)
  if (!verified) return { authenticated: false, user: {}, error: '[invalid bearer token]' }
  return { authenticated: true, user: described(verified.user), audiences: verified.audiences }
}

const described = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid && { uid }),
  groups,
  ...(extra && { extra }),
})
