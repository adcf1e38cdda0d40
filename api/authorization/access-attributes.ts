import { LabelSelectorRequirement } from '../meta.ts'
import { atomicList, choice, flag, named, requiredText, text, texts } from '../schema.ts'

const FieldSelectorRequirement = named(
  'meta/v1.FieldSelectorRequirement',
  'A field, an operator, and values.',
  () => ({
    key: requiredText('The field.'),
    operator: choice('In', 'NotIn', 'Exists', 'DoesNotExist')
      .default('' as 'In')
      .describe('How the field relates to the values.'),
    values: texts('For In and NotIn: one or more; otherwise none.'),
  }),
  { wire: 'key operator values' },
)

/** The question about a resource (k8s.io/api/authorization/v1 ResourceAttributes). */
export const ResourceAttributes = named(
  'authorization/v1.ResourceAttributes',
  'What somebody wants to do to a resource.',
  () => ({
    namespace: text('The namespace; empty: all, or none for kinds of the cluster.'),
    verb: text('get, list, create, ... or *.'),
    group: text('The API group; * is all.'),
    version: text('The API version; * is all.'),
    resource: text('The plural of the kind; * is all.'),
    subresource: text('The part of the resource; empty: the resource itself.'),
    name: text('The name of the object; empty: all.'),
    fieldSelector: named(
      'authorization/v1.FieldSelectorAttributes',
      'Narrows the question to objects with certain fields.',
      () => ({
        rawSelector: text('The selector as a query parameter has it; either this or requirements.'),
        requirements: atomicList(FieldSelectorRequirement).optional().describe('The selector, taken apart.'),
      }),
      { wire: 'rawSelector requirements' },
    )
      .optional()
      .describe('Narrows the question to objects with certain fields.'),
    labelSelector: named(
      'authorization/v1.LabelSelectorAttributes',
      'Narrows the question to objects with certain labels.',
      () => ({
        rawSelector: text('The selector as a query parameter has it; either this or requirements.'),
        requirements: atomicList(LabelSelectorRequirement).optional().describe('The selector, taken apart.'),
      }),
      { wire: 'rawSelector requirements' },
    )
      .optional()
      .describe('Narrows the question to objects with certain labels.'),
  }),
  { wire: 'namespace verb group version resource subresource name fieldSelector labelSelector' },
)

/** The question about a path that is no resource. */
const NonResourceAttributes = named(
  'authorization/v1.NonResourceAttributes',
  'What somebody wants to do to a path that is no resource.',
  () => ({ path: text('The path.'), verb: text('The HTTP method in lower case.') }),
  { wire: 'path verb' },
)

/** What every access review asks: one of the two. */
export const questionFields = {
  resourceAttributes: ResourceAttributes.optional().describe('What somebody wants to do to a resource.'),
  nonResourceAttributes: NonResourceAttributes.optional().describe('What somebody wants to do to a path that is no resource.'),
}

/** The answer to it. */
export const SubjectAccessReviewStatus = named(
  'authorization/v1.SubjectAccessReviewStatus',
  'Whether it may be done.',
  () => ({
    allowed: flag('Whether it may be done.').default(false),
    denied: flag('Whether somebody said no; neither allowed nor denied: nobody said yes.'),
    reason: text('Why.'),
    evaluationError: text('What went wrong while this was found out; the answer holds nevertheless.'),
  }),
  { wire: 'allowed reason evaluationError denied' },
)
  .prefault({})
  .describe('Whether it may be done.')
