import * as z from 'zod'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { Condition } from '../meta.ts'
import { qualifiedName } from '../names.ts'
import { atomicList, choice, int64, listMap, named, plain, requiredText, setList, text } from '../schema.ts'
import { invalidWhen, supported } from '../validation.ts'
import { bindingFields, policyFields } from './matching.ts'
import {
  validateBinding,
  validateMatchConditions,
  validateMatchConstraints,
  validateParamKind,
  validateVariables,
} from './matching-validation.ts'
import { bindingColumns, paramKindColumn } from './policy-columns.ts'

const group = 'admissionregistration/v1'

const Validation = named(
  `${group}.Validation`,
  'What must be true for a request to pass.',
  () => ({
    expression: requiredText('CEL; true: the request passes.'),
    message: text('What is said when it does not.'),
    reason: choice('Unauthorized', 'Forbidden', 'Invalid', 'RequestEntityTooLarge')
      .optional()
      .describe('The reason that is given.'),
    messageExpression: text('CEL that makes the message; wins over message.'),
  }),
  { wire: 'expression message reason messageExpression' },
)
export type Validation = z.output<typeof Validation>

const AuditAnnotation = named(
  `${group}.AuditAnnotation`,
  'What the audit log is told.',
  () => ({
    key: requiredText('The key, behind the name of the policy.'),
    valueExpression: requiredText('CEL; text, or null for nothing.'),
  }),
  { wire: 'key valueExpression' },
)

const Spec = named(
  `${group}.ValidatingAdmissionPolicySpec`,
  'What a policy demands.',
  () => ({
    ...policyFields(),
    validations: atomicList(Validation).optional().describe('All must be true.'),
    auditAnnotations: atomicList(AuditAnnotation).optional().describe('What the audit log is told.'),
  }),
  { wire: 'paramKind matchConstraints validations failurePolicy auditAnnotations matchConditions variables' },
)

const Status = named(
  `${group}.ValidatingAdmissionPolicyStatus`,
  'What has been found out about a policy.',
  () => ({
    observedGeneration: plain(int64().optional()).describe('The generation this is about.'),
    typeChecking: named(
      `${group}.TypeChecking`,
      'What expressions say that the types of their subjects do not bear out.',
      () => ({
        expressionWarnings: atomicList(
          named(
            `${group}.ExpressionWarning`,
            'A doubt about an expression.',
            () => ({
              fieldRef: requiredText('Where it is: spec.validations[0].expression.'),
              warning: requiredText('What is doubtful.'),
            }),
            { wire: '2:fieldRef warning' },
          ),
        )
          .optional()
          .describe('One for each doubtful expression.'),
      }),
      { wire: 'expressionWarnings' },
    ).optional(),
    conditions: listMap(Condition, 'type').optional().describe('Aspects of its state.'),
  }),
  { wire: 'observedGeneration typeChecking conditions' },
)

/** What must be true for requests to pass, as expressions. */
export const ValidatingAdmissionPolicy = defineKind({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  statusKeeps: 'metadata',
  description: 'What must be true for requests to pass, as expressions. It takes effect where a binding says so.',
  fields: () => ({
    spec: Spec.prefault({}).describe('What it demands.'),
    status: Status.prefault({}).describe('What has been found out about it.'),
  }),
  columns: [
    {
      name: 'Validations',
      type: 'integer',
      description: 'How many expressions must be true.',
      value: ({ spec }) => spec.validations?.length ?? 0,
    },
    paramKindColumn,
    age,
  ],
  subresources: ['status'],
  allowUnconditionalUpdate: false,
  generationOf: ({ spec }) => spec,
  validate: ({ metadata, spec }) => validatePolicy(metadata.name, spec),
})
export type ValidatingAdmissionPolicy = ObjectOf<typeof ValidatingAdmissionPolicy>

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']
const mostAuditAnnotations = 20
const longestAuditExpression = 5 * 1024

function validatePolicy(name: string, spec: z.output<typeof Spec>): FieldError[] {
  const { paramKind, matchConstraints, validations = [], auditAnnotations = [] } = spec
  const errors = supported('spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore'])
  if (paramKind) errors.push(...validateParamKind(paramKind, 'spec.paramKind'))
  errors.push(...validateMatchConstraints(matchConstraints, 'spec.matchConstraints'))
  errors.push(...validateMatchConditions(spec.matchConditions, 'spec.matchConditions'))
  errors.push(...validateVariables(spec.variables, 'spec.variables'))
  if (validations.length + auditAnnotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item'
    errors.push(fieldError.required('spec.validations', why), fieldError.required('spec.auditAnnotations', why))
  }
  errors.push(...validations.flatMap((validation, at) => validateValidation(validation, `spec.validations[${at}]`)))
  if (auditAnnotations.length > mostAuditAnnotations) {
    const why = `must not have more than ${mostAuditAnnotations} auditAnnotations`
    errors.push(fieldError.invalid('spec.auditAnnotations', auditAnnotations, why))
  }
  for (const [at, { key, valueExpression }] of auditAnnotations.entries()) {
    const field = `spec.auditAnnotations[${at}]`
    errors.push(...invalidWhen(`${field}.key`, `${name}/${key}`, qualifiedName(`${name}/${key}`)))
    const expression = `${field}.valueExpression`
    const { length } = valueExpression.trim()
    if (length === 0) errors.push(fieldError.required(expression, 'valueExpression is not specified'))
    if (length > longestAuditExpression) {
      errors.push(fieldError.required(expression, `must not exceed ${longestAuditExpression} bytes in length`))
    }
    if (auditAnnotations.findIndex(other => other.key === key) < at) errors.push(fieldError.duplicate(`${field}.key`, key))
  }
  return errors
}

function validateValidation({ expression, message, messageExpression, reason }: Validation, field: string): FieldError[] {
  const errors: FieldError[] = []
  const blank = 'must be non-empty if specified'
  if (expression.trim() === '') errors.push(fieldError.required(`${field}.expression`, 'expression is not specified'))
  if (messageExpression?.trim() === '') errors.push(fieldError.invalid(`${field}.messageExpression`, messageExpression, blank))
  if (message?.trim() === '') errors.push(fieldError.invalid(`${field}.message`, message, blank))
  else if (message && /[\n\r]/.test(message.trim())) {
    errors.push(fieldError.invalid(`${field}.message`, message, 'must not contain line breaks'))
  }
  return [...errors, ...supported(`${field}.reason`, reason, reasons)]
}

const BindingSpec = named(
  `${group}.ValidatingAdmissionPolicyBindingSpec`,
  'Where a policy takes effect, and how.',
  () => ({
    ...bindingFields(),
    validationActions: setList(z.string())
      .optional()
      .describe('What to do with a request that does not pass: Deny, Warn, Audit.'),
  }),
  { wire: 'policyName paramRef matchResources validationActions' },
)

/** Puts a policy to work. */
export const ValidatingAdmissionPolicyBinding = defineKind({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  namespaced: false,
  description: 'Puts a policy to work: where, with which parameters, and with what consequences.',
  fields: () => ({ spec: BindingSpec.prefault({}).describe('Where and how.') }),
  wire: 'metadata spec',
  columns: [...bindingColumns, age],
  allowUnconditionalUpdate: false,
  generationOf: ({ spec }) => spec,
  validate: ({ spec }) => [...validateBinding(spec), ...validateActions(spec.validationActions ?? [])],
})
export type ValidatingAdmissionPolicyBinding = ObjectOf<typeof ValidatingAdmissionPolicyBinding>

function validateActions(actions: readonly string[]): FieldError[] {
  const field = 'spec.validationActions'
  const errors = actions.flatMap((action, at) => [
    ...supported(`${field}[${at}]`, action, ['Audit', 'Deny', 'Warn']),
    ...(actions.indexOf(action) < at ? [fieldError.duplicate(`${field}[${at}]`, action)] : []),
  ])
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers ' +
      'serves no purpose)'
    errors.push(fieldError.invalid(field, actions, why))
  }
  if (actions.length === 0) errors.push(fieldError.required(field, 'at least one validation action is required'))
  return errors
}
