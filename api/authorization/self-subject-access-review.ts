import { defineKind, type ObjectOf } from '../kind.ts'
import { named } from '../schema.ts'
import { questionFields, SubjectAccessReviewStatus } from './access-attributes.ts'

/** Asks whether oneself may do something (`kubectl auth can-i`). Never stored. */
export const SelfSubjectAccessReview = defineKind({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  description: 'Asks whether oneself may do something.',
  fields: () => ({
    spec: named('authorization/v1.SelfSubjectAccessReviewSpec', 'What one wants to do.', () => questionFields, {
      wire: 'resourceAttributes nonResourceAttributes',
    })
      .prefault({})
      .describe('What one wants to do.'),
    status: SubjectAccessReviewStatus,
  }),
})
export type SelfSubjectAccessReview = ObjectOf<typeof SelfSubjectAccessReview>
