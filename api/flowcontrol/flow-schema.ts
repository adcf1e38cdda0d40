import * as z from 'zod'
import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, flag, int32, named, plain, requiredText } from '../schema.ts'
import { statusOf, validateConditions } from './conditions.ts'
import { validateFlowSchema } from './flow-schema-validation.ts'

const words = () => z.array(z.string()).default([]).meta({ 'x-kubernetes-list-type': 'set' })

const Subject = named(
  'flowcontrol/v1.Subject',
  'Who makes requests.',
  () => ({
    kind: requiredText('User, Group or ServiceAccount.'),
    user: named('flowcontrol/v1.UserSubject', 'A user.', () => ({ name: requiredText('Name of the user; * for everybody.') }), {
      wire: 'name',
    })
      .optional()
      .describe('A user.'),
    group: named('flowcontrol/v1.GroupSubject', 'A group.', () => ({ name: requiredText('Name of the group; * for all.') }), {
      wire: 'name',
    })
      .optional()
      .describe('A group.'),
    serviceAccount: named(
      'flowcontrol/v1.ServiceAccountSubject',
      'A service account.',
      () => ({ namespace: requiredText('Namespace of the account.'), name: requiredText('Name of the account; * for all.') }),
      { wire: 'namespace name' },
    )
      .optional()
      .describe('A service account.'),
  }),
  { wire: 'kind user group serviceAccount' },
)

const ResourcePolicyRule = named(
  'flowcontrol/v1.ResourcePolicyRule',
  'Requests for resources.',
  () => ({
    verbs: words().describe('What is done; * for anything.'),
    apiGroups: words().describe('API groups; * for all.'),
    resources: words().describe('Plural names of kinds; * for all.'),
    clusterScope: flag('Whether requests that name no namespace are meant.'),
    namespaces: z.array(z.string()).optional().meta({ 'x-kubernetes-list-type': 'set' }).describe('Namespaces; * for all.'),
  }),
  { wire: 'verbs apiGroups resources clusterScope namespaces' },
)

const NonResourcePolicyRule = named(
  'flowcontrol/v1.NonResourcePolicyRule',
  'Requests for paths that are no resources.',
  () => ({ verbs: words().describe('What is done; * for anything.'), nonResourceURLs: words().describe('Paths; * for all.') }),
  { wire: 'verbs 6:nonResourceURLs' },
)

const PolicyRulesWithSubjects = named(
  'flowcontrol/v1.PolicyRulesWithSubjects',
  'Who does what.',
  () => ({
    subjects: atomicList(Subject).default([]).describe('Who.'),
    resourceRules: atomicList(ResourcePolicyRule).optional().describe('Requests for resources.'),
    nonResourceRules: atomicList(NonResourcePolicyRule).optional().describe('Requests for other paths.'),
  }),
  { wire: 'subjects resourceRules nonResourceRules' },
)

const FlowSchemaSpec = named(
  'flowcontrol/v1.FlowSchemaSpec',
  'Which requests belong to a level.',
  () => ({
    priorityLevelConfiguration: named(
      'flowcontrol/v1.PriorityLevelConfigurationReference',
      'Names a level.',
      () => ({ name: requiredText('Name of the level.') }),
      { wire: 'name' },
    )
      .prefault({})
      .describe('The level that its requests belong to.'),
    matchingPrecedence: plain(int32().default(1000)).describe('The lowest one that matches a request counts.'),
    distinguisherMethod: named(
      'flowcontrol/v1.FlowDistinguisherMethod',
      'What makes two requests belong to different flows.',
      () => ({ type: requiredText('ByUser or ByNamespace.') }),
      { wire: 'type' },
    )
      .optional()
      .describe('What makes two requests belong to different flows.'),
    rules: atomicList(PolicyRulesWithSubjects).optional().describe('Which requests; any of them will do.'),
  }),
  { wire: 'priorityLevelConfiguration matchingPrecedence distinguisherMethod rules' },
)

/** What of a flow schema its rules look into. */
export interface FlowSchemaParts {
  readonly metadata: { readonly name: string }
  readonly spec: z.output<typeof FlowSchemaSpec>
}
export type Subject = z.output<typeof Subject>
export type ResourcePolicyRule = z.output<typeof ResourcePolicyRule>
export type NonResourcePolicyRule = z.output<typeof NonResourcePolicyRule>

/** Sorts requests into priority levels and flows. */
export const FlowSchema = defineKind({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  namespaced: false,
  description: 'Sorts requests into priority levels and flows.',
  fields: () => ({
    spec: FlowSchemaSpec.prefault({}).describe('Which requests belong to which level.'),
    status: statusOf('FlowSchema').prefault({}).describe('How it is.'),
  }),
  columns: [
    {
      name: 'PriorityLevel',
      description: 'The level that its requests belong to.',
      value: ({ spec }) => spec.priorityLevelConfiguration.name,
    },
    {
      name: 'MatchingPrecedence',
      description: 'The lowest one that matches a request counts.',
      value: ({ spec }) => spec.matchingPrecedence,
    },
    {
      name: 'DistinguisherMethod',
      description: 'What makes two requests belong to different flows.',
      value: ({ spec }) => spec.distinguisherMethod?.type ?? '<none>',
    },
    age,
    {
      name: 'MissingPL',
      description: 'Whether its level does not exist.',
      value: ({ status }) => status.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    },
  ],
  subresources: ['status'],
  statusKeeps: 'metadata',
  generationOf: ({ spec }) => spec,
  validate: validateFlowSchema,
  validateStatus: ({ status }) => validateConditions(status.conditions),
})
export type FlowSchema = ObjectOf<typeof FlowSchema>
