import { defineKind, type ObjectOf } from '../kind.ts'
import { named } from '../schema.ts'
import { UserInfoFields } from './user-info.ts'

const common = {
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  verbs: ['create'],
  description: 'Asks who oneself is.',
  wire: 'metadata status',
} as const

const fields = { userInfo: UserInfoFields.prefault({}).describe('Who asks.') }
const described = 'Who the server takes the caller for.'

/** Asks who oneself is (`kubectl auth whoami`). Never stored. */
export const SelfSubjectReview = defineKind({
  ...common,
  version: 'v1',
  verbs: ['create'],
  fields: () => ({
    status: named('authentication/v1.SelfSubjectReviewStatus', described, () => fields, { wire: 'userInfo' })
      .prefault({})
      .describe(described),
  }),
})
export type SelfSubjectReview = ObjectOf<typeof SelfSubjectReview>

/** The same in the version that kubectl 1.27 asks for. */
export const SelfSubjectReviewBeta = defineKind({
  ...common,
  version: 'v1beta1',
  verbs: ['create'],
  fields: () => ({
    status: named('authentication/v1beta1.SelfSubjectReviewStatus', described, () => fields, { wire: 'userInfo' })
      .prefault({})
      .describe(described),
  }),
})
