import { SelfSubjectReview, SelfSubjectReviewBeta } from '../../api/authentication/self-subject-review.ts'
import { TokenReview } from '../../api/authentication/token-review.ts'
import { SelfSubjectAccessReview } from '../../api/authorization/self-subject-access-review.ts'
import { SelfSubjectRulesReview } from '../../api/authorization/self-subject-rules-review.ts'
import { LocalSubjectAccessReview, SubjectAccessReview } from '../../api/authorization/subject-access-review.ts'
import { ApiError, isReason } from '../../api/errors.ts'
import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import type { UserInfo } from '../../api/user.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import { decodeBody } from '../decode-body.ts'
import type { Provider } from '../pipeline.ts'
import type { ApiRequest } from '../request.ts'
import type { Authorizer } from './authorizer.ts'
import { nodeNameOf } from './node-authorizer.ts'
import { checkReview, type Question, questionOf } from './review-questions.ts'

interface ReviewDependencies {
  readonly authorizer: Authorizer
  /** Whose a token is; throws Unauthorized with a message that says what is wrong with it. */
  readonly identify: (token: string, audiences: readonly string[]) => Promise<Identified>
  readonly audiences: readonly string[]
  readonly clock: Clock
}

/** Whose token it is. */
export interface Identified {
  readonly user: UserInfo
  /** Those asked for that the token is meant for; absent for tokens that are meant for no one in particular. */
  readonly audiences?: readonly string[] | undefined
}

interface Answered {
  readonly status: object
  readonly metadata?: object
}

type Answer<T> = (review: T, request: ApiRequest) => Answered | Promise<Answered>

/** Questions about users and rights: posted, answered in `status`, never stored (contract 16). */
export function accessReviews({ authorizer, identify, audiences, clock }: ReviewDependencies): readonly Provider[] {
  const decide = (user: UserInfo, question: Question) => ({ status: decisionOn(authorizer, user, question) })
  const self: Answer<SelfSubjectReview> = (_, { user }) => ({
    metadata: { creationTimestamp: timestamp(clock.now()) },
    status: { userInfo: described(user) },
  })
  return [
    provider(SelfSubjectAccessReview, (review, { user }) => {
      checkReview(SelfSubjectAccessReview, review)
      return decide(user, review.spec)
    }),
    provider(SubjectAccessReview, review => {
      checkReview(SubjectAccessReview, review, { names: review.spec })
      return decide(subjectOf(review.spec), review.spec)
    }),
    provider(LocalSubjectAccessReview, (review, { namespace = '' }) => {
      checkReview(LocalSubjectAccessReview, review, { names: review.spec, isLocal: true })
      if (namespace !== review.metadata.namespace) {
        throw new ApiError('BadRequest', `spec.resourceAttributes.namespace must match namespace: ${namespace}`)
      }
      return decide(subjectOf(review.spec), review.spec)
    }),
    provider(SelfSubjectRulesReview, ({ spec: { namespace } }, { user }) => {
      if (!namespace) throw new ApiError('BadRequest', 'no namespace on request')
      return { status: rulesOf(authorizer, user, namespace) }
    }),
    provider(SelfSubjectReview, self),
    provider(SelfSubjectReviewBeta, self),
    provider(TokenReview, async ({ spec: { token, audiences: wanted = audiences } }) => {
      if (!token) throw new ApiError('BadRequest', 'token is required for TokenReview in authentication')
      try {
        const { user, audiences: shared } = await identify(token, wanted)
        return { status: { authenticated: true, user: described(user), ...(shared && { audiences: shared }) } }
      } catch (error) {
        if (!isReason(error, 'Unauthorized')) throw error
        return { status: { user: {}, error: error.message } }
      }
    }),
  ]
}

/** Decodes the review, and puts the answer into it. */
function provider<K extends AnyKind>(kind: K, answer: Answer<ObjectOf<K>>): Provider {
  return {
    kind,
    async handle(_, request) {
      const fieldValidation = request.options?.fieldValidation
      const { draft, warnings } = decodeBody(kind, request.body ?? {}, { fieldValidation })
      if (kind.namespaced && request.namespace) place(draft.metadata, request.namespace)
      const { status, metadata } = await answer(draft as ObjectOf<K>, request)
      const { apiVersion, kind: name, spec } = draft
      const told = metadata ?? (draft.metadata.namespace ? { namespace: draft.metadata.namespace } : {})
      const object = { kind: name, apiVersion, metadata: told, ...(spec !== undefined && { spec }), status }
      return { type: 'object', status: 201, object, warnings }
    },
  }
}

/** The namespace of the path, for a body that names none; one that names another is refused. */
function place(metadata: { namespace?: string }, namespace: string): void {
  metadata.namespace ||= namespace
  if (metadata.namespace !== namespace) {
    const message = 'the namespace of the provided object does not match the namespace sent on the request'
    throw new ApiError('BadRequest', message)
  }
}

type Subject = Pick<ObjectOf<typeof SubjectAccessReview>['spec'], 'user' | 'uid' | 'groups' | 'extra'>

const subjectOf = ({ user = '', uid, groups = [], extra }: Subject): UserInfo => ({
  name: user,
  groups,
  ...(uid && { uid }),
  ...(extra && { extra }),
})

function decisionOn(authorizer: Authorizer, user: UserInfo, question: Question): object {
  const { resourceAttributes, nonResourceAttributes: { verb = '', path = '' } = {} } = question
  if (!resourceAttributes) return told(authorizer.authorizePath(user, verb, path))
  const { attributes, ignored } = questionOf(resourceAttributes)
  return { ...told(authorizer.authorize(user, attributes)), ...(ignored && { evaluationError: ignored }) }
}

const told = ({ allowed, reason }: { allowed: boolean; reason: string }) => ({ allowed, ...(reason && { reason }) })

/** What RBAC grants. What the node authorizer lets a kubelet do cannot be listed. */
function rulesOf(authorizer: Authorizer, user: UserInfo, namespace: string): object {
  const resourceRules: object[] = []
  const nonResourceRules: object[] = []
  for (const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } of authorizer.rulesFor(user, namespace)) {
    if (resources && resources.length > 0) {
      resourceRules.push({ verbs, apiGroups, resources, ...(resourceNames && { resourceNames }) })
    }
    if (nonResourceURLs && nonResourceURLs.length > 0) nonResourceRules.push({ verbs, nonResourceURLs })
  }
  const isNode = nodeNameOf(user) !== undefined
  return {
    resourceRules,
    nonResourceRules,
    incomplete: isNode,
    ...(isNode && { evaluationError: 'node authorizer does not support user rule resolution' }),
  }
}

/** A user as reviews and the audit log tell of him. */
export const described = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid && { uid }),
  groups,
  ...(extra && Object.keys(extra).length > 0 && { extra }),
})
