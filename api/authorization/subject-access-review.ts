import { extraValues } from '../authentication/user-info.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { named, text, texts } from '../schema.ts'
import { questionFields, SubjectAccessReviewStatus } from './access-attributes.ts'

const SubjectAccessReviewSpec = named(
  'authorization/v1.SubjectAccessReviewSpec',
  'Who wants to do what.',
  () => ({
    ...questionFields,
    user: text('The name of the user; this or a group must be given.'),
    groups: texts('The groups of the user.'),
    extra: extraValues('What else whoever authenticated the user had to say.'),
    uid: text('The UID of the user.'),
  }),
  { wire: 'resourceAttributes nonResourceAttributes user groups extra uid' },
)

const fields = {
  spec: SubjectAccessReviewSpec.prefault({}).describe('Who wants to do what.'),
  status: SubjectAccessReviewStatus,
}

/** Asks whether somebody may do something. Never stored. */
export const SubjectAccessReview = defineKind({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  description: 'Asks whether somebody may do something.',
  fields: () => fields,
})
export type SubjectAccessReview = ObjectOf<typeof SubjectAccessReview>

/** Asks whether somebody may do something in one namespace, so that rights in it are enough to ask. Never stored. */
export const LocalSubjectAccessReview = defineKind({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  namespaced: true,
  verbs: ['create'],
  description: 'Asks whether somebody may do something in one namespace.',
  fields: () => fields,
})
