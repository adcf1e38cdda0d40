import type * as z from 'zod'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, choice, named, plain, text } from '../schema.ts'
import { supported } from '../validation.ts'
import { bindingFields, policyFields } from './matching.ts'
import {
  onlyWrites,
  validateBinding,
  validateMatchConditions,
  validateMatchConstraints,
  validateParamKind,
  validateVariables,
} from './matching-validation.ts'
import { bindingColumns, paramKindColumn } from './policy-columns.ts'

const group = 'admissionregistration/v1beta1'

const Mutation = named(
  `${group}.Mutation`,
  'One change of the object.',
  () => ({
    patchType: text('ApplyConfiguration or JSONPatch.'),
    applyConfiguration: named(
      `${group}.ApplyConfiguration`,
      'Fields to set, merged as server-side apply merges them.',
      () => ({ expression: text('CEL that makes an Object{...}.') }),
      { wire: 'expression' },
    ).optional(),
    jsonPatch: named(
      `${group}.JSONPatch`,
      'Operations of a JSON patch.',
      () => ({ expression: text('CEL that makes a list of JSONPatch{op, path, value}.') }),
      { wire: 'expression' },
    ).optional(),
  }),
  { wire: '2:patchType applyConfiguration jsonPatch' },
)
type Mutation = z.output<typeof Mutation>

const Spec = named(
  `${group}.MutatingAdmissionPolicySpec`,
  'What a policy changes.',
  () => ({
    ...policyFields(),
    mutations: atomicList(Mutation).optional().describe('The changes, in order.'),
    reinvocationPolicy: plain(choice('Never', 'IfNeeded').optional()).describe(
      'Whether it is applied again when others changed the object after it.',
    ),
  }),
  { wire: 'paramKind matchConstraints variables mutations failurePolicy matchConditions reinvocationPolicy' },
)

/** Changes of objects on their way in, as expressions. */
export const MutatingAdmissionPolicy = defineKind({
  group: 'admissionregistration.k8s.io',
  version: 'v1beta1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  description: 'Changes of objects on their way in, as expressions. It takes effect where a binding says so.',
  fields: () => ({ spec: Spec.prefault({}).describe('What it changes.') }),
  wire: 'metadata spec',
  columns: [
    {
      name: 'Mutations',
      type: 'integer',
      description: 'How many changes it makes.',
      value: ({ spec }) => spec.mutations?.length ?? 0,
    },
    paramKindColumn,
    age,
  ],
  allowUnconditionalUpdate: false,
  generationOf: ({ spec }) => spec,
  validate: ({ spec }) => validatePolicy(spec),
})
export type MutatingAdmissionPolicy = ObjectOf<typeof MutatingAdmissionPolicy>

function validatePolicy(spec: z.output<typeof Spec>): FieldError[] {
  const { paramKind, matchConstraints, mutations = [], reinvocationPolicy } = spec
  const errors = supported('spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore'])
  if (paramKind) errors.push(...validateParamKind(paramKind, 'spec.paramKind'))
  errors.push(...validateMatchConstraints(matchConstraints, 'spec.matchConstraints'))
  errors.push(...onlyWrites(matchConstraints, 'spec.matchConstraints'))
  errors.push(...validateMatchConditions(spec.matchConditions, 'spec.matchConditions'))
  errors.push(...validateVariables(spec.variables, 'spec.variables'))
  if (mutations.length === 0) errors.push(fieldError.required('spec.mutations', 'mutations must contain at least one item'))
  errors.push(...mutations.flatMap((mutation, at) => validateMutation(mutation, `spec.mutations[${at}]`)))
  if (!reinvocationPolicy) errors.push(fieldError.required('spec.reinvocationPolicy'))
  return [...errors, ...supported('spec.reinvocationPolicy', reinvocationPolicy || undefined, ['IfNeeded', 'Never'])]
}

function validateMutation({ patchType, applyConfiguration, jsonPatch }: Mutation, field: string): FieldError[] {
  if (!patchType) return [fieldError.required(`${field}.patchType`)]
  const errors = supported(`${field}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])
  if (errors.length > 0) return errors
  const [wanted, other, given, stray] =
    patchType === 'JSONPatch'
      ? ['jsonPatch', 'applyConfiguration', jsonPatch, applyConfiguration]
      : ['applyConfiguration', 'jsonPatch', applyConfiguration, jsonPatch]
  if (!given) errors.push(fieldError.required(`${field}.${wanted}`, `must be specified when patchType is ${patchType}`))
  else if (!given.expression?.trim()) errors.push(fieldError.required(`${field}.${wanted}.expression`))
  if (stray) {
    errors.push(fieldError.invalid(`${field}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`))
  }
  return errors
}

const BindingSpec = named(`${group}.MutatingAdmissionPolicyBindingSpec`, 'Where a policy takes effect.', bindingFields, {
  wire: 'policyName paramRef matchResources',
})

/** Puts a policy to work. */
export const MutatingAdmissionPolicyBinding = defineKind({
  group: 'admissionregistration.k8s.io',
  version: 'v1beta1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'],
  namespaced: false,
  description: 'Puts a policy that changes objects to work: where, and with which parameters.',
  fields: () => ({ spec: BindingSpec.prefault({}).describe('Where.') }),
  wire: 'metadata spec',
  columns: [...bindingColumns, age],
  allowUnconditionalUpdate: false,
  generationOf: ({ spec }) => spec,
  validate: ({ spec }) => [...validateBinding(spec), ...onlyWrites(spec.matchResources, 'spec.matchResources')],
})
export type MutatingAdmissionPolicyBinding = ObjectOf<typeof MutatingAdmissionPolicyBinding>
