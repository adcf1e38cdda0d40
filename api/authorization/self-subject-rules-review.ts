import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, flag, named, text, texts } from '../schema.ts'

const ResourceRule = named(
  'authorization/v1.ResourceRule',
  'What may be done to resources.',
  () => ({
    verbs: z.array(z.string()).default([]).describe('What may be done; * is everything.'),
    apiGroups: texts('To resources of these groups; * is all.'),
    resources: texts('To these resources; * is all, */x the part x of all.'),
    resourceNames: texts('To objects of these names; none: of any.'),
  }),
  { wire: 'verbs apiGroups resources resourceNames' },
)

const NonResourceRule = named(
  'authorization/v1.NonResourceRule',
  'What may be done to paths that are no resources.',
  () => ({
    verbs: z.array(z.string()).default([]).describe('HTTP methods in lower case; * is all.'),
    nonResourceURLs: texts('To these paths; a * at the end stands for anything.'),
  }),
  { wire: 'verbs nonResourceURLs' },
)

/** Asks for everything that oneself may do in a namespace (`kubectl auth can-i --list`). Never stored. */
export const SelfSubjectRulesReview = defineKind({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
  verbs: ['create'],
  description: 'Asks for everything that oneself may do in a namespace.',
  fields: () => ({
    spec: named('authorization/v1.SelfSubjectRulesReviewSpec', 'Where.', () => ({ namespace: text('The namespace.') }), {
      wire: 'namespace',
    })
      .prefault({})
      .describe('Where.'),
    status: named(
      'authorization/v1.SubjectRulesReviewStatus',
      'What may be done there.',
      () => ({
        resourceRules: atomicList(ResourceRule).default([]).describe('What may be done to resources.'),
        nonResourceRules: atomicList(NonResourceRule).default([]).describe('What may be done to paths that are no resources.'),
        incomplete: flag('Whether there may be more that could not be listed.').default(false),
        evaluationError: text('Why it could not.'),
      }),
      { wire: 'resourceRules nonResourceRules incomplete evaluationError' },
    )
      .prefault({})
      .describe('What may be done there.'),
  }),
})
export type SelfSubjectRulesReview = ObjectOf<typeof SelfSubjectRulesReview>
