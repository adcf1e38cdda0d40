import * as z from 'zod'
import { LabelSelector } from '../meta.ts'
import { atomicList, atomicMap, choice, listMap, named, requiredText, text } from '../schema.ts'

const group = 'admissionregistration/v1'

const ruleFields = {
  operations: atomicList(z.string()).optional().describe('CREATE, UPDATE, DELETE, CONNECT, or * for all of them.'),
  apiGroups: atomicList(z.string()).optional().describe('The groups, or * for all.'),
  apiVersions: atomicList(z.string()).optional().describe('The versions, or * for all.'),
  resources: atomicList(z.string())
    .optional()
    .describe('The resources: pods, pods/log, */scale, pods/*, * for all without subresources, */* for all.'),
  scope: choice('Cluster', 'Namespaced', '*').default('*').describe('Where the resources live.'),
}
const ruleWire = 'operations 2:rule(apiGroups apiVersions resources scope)'

/** Which requests somebody wants to see. */
export const RuleWithOperations = named(
  `${group}.RuleWithOperations`,
  'Operations on resources. A request must match one of each list.',
  () => ruleFields,
  { wire: ruleWire },
)
export type RuleWithOperations = z.output<typeof RuleWithOperations>

/** Which requests a policy is about, down to the names of objects. */
const NamedRuleWithOperations = named(
  `${group}.NamedRuleWithOperations`,
  'Operations on resources, or on some of them by name.',
  () => ({ resourceNames: atomicList(z.string()).optional().describe('The names that match; none: all.'), ...ruleFields }),
  { ...atomicMap, wire: `resourceNames 2:ruleWithOperations(${ruleWire})` },
)

const matchPolicy = () =>
  choice('Exact', 'Equivalent')
    .default('Equivalent')
    .describe('Equivalent: also requests that reach the same objects through another group or version.')

/** The selectors and the policy that webhooks and policies have in common. */
export const matchFields = {
  matchPolicy: matchPolicy(),
  namespaceSelector: LabelSelector.prefault({}).describe('The namespaces of the objects; cluster-scoped objects always match.'),
  objectSelector: LabelSelector.prefault({}).describe('The objects themselves, new or old.'),
}

/** What a policy is about. */
export const MatchResources = named(
  `${group}.MatchResources`,
  'What a policy or a binding is about: all of it must match.',
  () => ({
    ...matchFields,
    resourceRules: atomicList(NamedRuleWithOperations).optional().describe('One of them must match.'),
    excludeResourceRules: atomicList(NamedRuleWithOperations).optional().describe('None of them may match; wins.'),
  }),
  { ...atomicMap, wire: 'namespaceSelector objectSelector resourceRules excludeResourceRules 7:matchPolicy' },
)
export type MatchResources = z.output<typeof MatchResources>

/** A condition before all others. */
export const MatchCondition = named(
  `${group}.MatchCondition`,
  'An expression that decides whether a request is looked at at all.',
  () => ({
    name: requiredText('A qualified name, for messages.'),
    expression: requiredText('CEL; true: the request is looked at.'),
  }),
  { wire: 'name expression' },
)
export type MatchCondition = z.output<typeof MatchCondition>

/** A name for an expression, for those that come after it. */
const Variable = named(
  `${group}.Variable`,
  'An expression that others may use as variables.<name>.',
  () => ({ name: requiredText('A CEL identifier.'), expression: requiredText('CEL; evaluated when first used.') }),
  { ...atomicMap, wire: 'name expression' },
)

/** What kind of objects parameterize a policy. */
export const ParamKind = named(
  `${group}.ParamKind`,
  'The kind of the objects that hold parameters.',
  () => ({ apiVersion: text('Group and version.'), kind: text('The kind.') }),
  { ...atomicMap, wire: 'apiVersion kind' },
)
export type ParamKind = z.output<typeof ParamKind>

/** Where a binding finds the parameters of its policy. */
export const ParamRef = named(
  `${group}.ParamRef`,
  'Which objects hold the parameters: one by name, or all that a selector selects.',
  () => ({
    name: text('The name of the object.'),
    namespace: text('Its namespace; absent: that of the object under review.'),
    selector: LabelSelector.optional().describe('Selects the objects.'),
    parameterNotFoundAction: choice('Allow', 'Deny').optional().describe('What to do when there are none.'),
  }),
  { ...atomicMap, wire: 'name namespace selector parameterNotFoundAction' },
)
export type ParamRef = z.output<typeof ParamRef>

/** Whether a webhook or a policy that fails refuses. */
export const failurePolicy = () =>
  choice('Ignore', 'Fail').default('Fail').describe('Whether a failure lets a request pass or refuses it.')

/** What a policy says besides what it demands or changes. */
export const policyFields = () => ({
  paramKind: ParamKind.optional().describe('The kind of its parameters.'),
  matchConstraints: MatchResources.optional().describe('Which requests it is about.'),
  variables: listMap(Variable, 'name').optional().describe('Expressions that others use.'),
  failurePolicy: failurePolicy(),
  matchConditions: listMap(MatchCondition, 'name').optional().describe('Expressions that must all be true for it to be applied.'),
})

/** How a policy is bound. */
export const bindingFields = () => ({
  policyName: text('The policy.'),
  paramRef: ParamRef.optional().describe('The parameters it works with.'),
  matchResources: MatchResources.optional().describe('What of the subjects of the policy it is about; absent: all.'),
})
