import type { MutatingAdmissionPolicy } from '../../api/admissionregistration/mutating-admission-policy.ts'
import { MutatingAdmissionPolicy as MutatingPolicyKind } from '../../api/admissionregistration/mutating-admission-policy.ts'
import type { ValidatingAdmissionPolicy } from '../../api/admissionregistration/validating-admission-policy.ts'
import { ValidatingAdmissionPolicy as ValidatingPolicyKind } from '../../api/admissionregistration/validating-admission-policy.ts'
import {
  type ValidatingWebhookConfiguration as Configuration,
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../api/admissionregistration/webhook-configuration.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import type { AdmissionStep } from '../admission.ts'
import type { Cel, Variables } from '../cel/compile.ts'
import { loadCel } from '../cel/load.ts'
import { compose, requestVariables, variablesFor } from './expressions.ts'

/**
 * Refuses expressions that do not compile. Validation proper cannot: the language is loaded when it is first needed, and that
 * takes a moment.
 */
export const expressionCheck: AdmissionStep = {
  name: 'ExpressionCheck',
  kinds: [MutatingWebhookConfiguration, ValidatingWebhookConfiguration, ValidatingPolicyKind, MutatingPolicyKind],
  operations: ['CREATE', 'UPDATE'],
  async check({ kind, object }) {
    const findings = expressionsOf(object as unknown as Reviewed)
    if (findings.length === 0) return
    const cel = await loadCel()
    const errors = findings.flatMap(finding => finding(cel))
    if (errors.length > 0) throw invalidObject(kind, object.metadata.name, errors)
  },
}

type Reviewed = Partial<Pick<Configuration, 'webhooks'>> &
  Partial<Pick<ValidatingAdmissionPolicy | MutatingAdmissionPolicy, 'spec'>>
type Finding = (cel: Cel) => readonly FieldError[]
type Conditions = readonly { readonly expression: string }[] | undefined

function expressionsOf({ webhooks = [], spec }: Reviewed): readonly Finding[] {
  const conditions = (list: Conditions, field: string, variables: Variables) =>
    (list ?? []).map(
      ({ expression }, at): Finding =>
        cel =>
          compiles(cel, expression, variables, `${field}.matchConditions[${at}].expression`, ['bool']),
    )
  const ofWebhooks = webhooks.flatMap(({ matchConditions }, at) =>
    conditions(matchConditions, `webhooks[${at}]`, requestVariables),
  )
  if (!spec) return ofWebhooks
  const base = variablesFor(spec.paramKind !== undefined)
  return [...conditions(spec.matchConditions, 'spec', base), cel => policyErrors(cel, spec, base)]
}

function policyErrors(cel: Cel, spec: NonNullable<Reviewed['spec']>, base: Variables): readonly FieldError[] {
  const { variables, compiled } = compose(cel, base, spec.variables ?? [])
  const errors: FieldError[] = []
  for (const [at, { name, expression }] of (spec.variables ?? []).entries()) {
    const result = compiled.get(name)
    if (result && !result.ok) {
      errors.push(fieldError.invalid(`spec.variables[${at}].expression`, expression, `compilation failed: ${result.error}`))
    }
  }
  const check = (expression: string | undefined, field: string, types: readonly string[]) => {
    if (expression?.trim()) errors.push(...compiles(cel, expression, variables, field, types))
  }
  if ('validations' in spec || 'auditAnnotations' in spec) {
    for (const [at, { expression, messageExpression }] of (spec.validations ?? []).entries()) {
      check(expression, `spec.validations[${at}].expression`, ['bool'])
      check(messageExpression, `spec.validations[${at}].messageExpression`, ['string'])
    }
    for (const [at, { valueExpression }] of (spec.auditAnnotations ?? []).entries()) {
      check(valueExpression, `spec.auditAnnotations[${at}].valueExpression`, ['string', 'null_type'])
    }
  }
  if ('mutations' in spec) {
    for (const [at, { applyConfiguration, jsonPatch }] of (spec.mutations ?? []).entries()) {
      check(applyConfiguration?.expression, `spec.mutations[${at}].applyConfiguration.expression`, [])
      check(jsonPatch?.expression, `spec.mutations[${at}].jsonPatch.expression`, [])
    }
  }
  return errors
}

/** `types`: what may come out; none: anything. */
function compiles(cel: Cel, expression: string, variables: Variables, field: string, types: readonly string[]): FieldError[] {
  const compiled = cel.compile(expression, { variables })
  if (!compiled.ok) return [fieldError.invalid(field, expression, `compilation failed: ${compiled.error}`)]
  const type = compiled.program.type === 'null' ? 'null_type' : compiled.program.type
  if (types.length === 0 || types.includes(type) || type === 'dyn') return []
  const wanted = types.length === 1 ? types[0] : `one of [${types.join(' ')}]`
  return [fieldError.invalid(field, expression, `must evaluate to ${wanted} but got ${type}`)]
}
