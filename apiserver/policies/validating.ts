import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../api/admissionregistration/validating-admission-policy.ts'
import { type ApiError, forbiddenError, type Reason } from '../../api/errors.ts'
import type { Attempt } from '../admission.ts'
import { costPerRequest } from '../cel/budget.ts'
import { loadCel } from '../cel/load.ts'
import { matchingKind, type Subject, subjectOf } from '../webhooks/matching.ts'
import { activation, compose, evaluate, meetsConditions, variablesFor } from './expressions.ts'
import { bindingCriteria, failureOf, namespaceObjectOf, type PolicyContext, policyCriteria } from './matching.ts'
import { paramsOf } from './params.ts'

/** The longest text that a messageExpression may make. */
const longestMessage = 5 * 1024
const codes: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413, Invalid: 422 }

/** The longest value that an expression may write into the audit log. */
const longestAnnotation = 10 * 1024

interface Decision {
  /** Which of the policy's validations it is from. */
  readonly index?: number
  readonly message: string
  readonly reason?: string | undefined
}

/** What evaluating a policy came to: what speaks against the request, and what the audit log is to say. */
interface Findings {
  readonly decisions: readonly Decision[]
  readonly annotations?: readonly { readonly key: string; readonly value: string }[]
  /** Annotations that could not be made: these refuse whatever the binding's actions are. */
  readonly faults?: readonly string[]
}

/** Policies that let requests pass or refuse them, with their bindings. */
export type Policies = readonly {
  readonly policy: ValidatingAdmissionPolicy
  readonly bindings: readonly ValidatingAdmissionPolicyBinding[]
}[]

/** Applies all policies; throws the first refusal (k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go). */
export async function validate(attempt: Attempt, policies: Policies, context: PolicyContext): Promise<void> {
  let refusal: ApiError | undefined
  const refuse = (policy: string, binding: string | undefined, decision: Decision) => {
    const withBinding = binding === undefined ? '' : ` with binding '${binding}'`
    refusal ??= denial(
      attempt,
      `ValidatingAdmissionPolicy '${policy}'${withBinding} denied request: ${decision.message}`,
      decision.reason,
    )
  }
  for (const { policy, bindings } of policies) {
    const { name } = policy.metadata
    const kind = await matchingKind(attempt, policyCriteria(policy.spec), context)
    if (!kind) continue
    const subject = await subjectOf(attempt, kind)
    const annotations = new Map<string, Set<string>>()
    for (const binding of bindings) {
      const { matchResources, paramRef, validationActions = [] } = binding.spec
      if (matchResources && !(await matchingKind(attempt, bindingCriteria(matchResources), context))) continue
      let params: Awaited<ReturnType<typeof paramsOf>>
      try {
        params = await paramsOf(policy.spec.paramKind, paramRef, attempt.namespace, context)
      } catch (error) {
        const message = `failed to configure binding: ${error instanceof Error ? error.message : String(error)}`
        if (policy.spec.failurePolicy !== 'Ignore') refuse(name, binding.metadata.name, { message })
        continue
      }
      for (const param of params) {
        const findings = await decide(attempt, policy, subject, param, context)
        for (const decision of findings.decisions) {
          if (validationActions.includes('Deny')) refuse(name, binding.metadata.name, decision)
          if (validationActions.includes('Warn')) {
            const place = `ValidatingAdmissionPolicy '${name}' with binding '${binding.metadata.name}'`
            attempt.warnings.push(`Validation failed for ${place}: ${decision.message}`)
          }
          if (validationActions.includes('Audit')) {
            attempt.annotate?.('validation.policy.admission.k8s.io/validation_failure', failure(binding, decision))
          }
        }
        for (const message of findings.faults ?? []) refuse(name, binding.metadata.name, { message })
        for (const { key, value } of findings.annotations ?? []) {
          annotations.set(key, (annotations.get(key) ?? new Set()).add(value))
        }
      }
    }
    for (const [key, values] of annotations) attempt.annotate?.(`${name}/${key}`, [...values].join(', '))
  }
  if (refusal) throw refusal
}

/** Evaluates a policy, with one set of parameters. */
async function decide(
  attempt: Attempt,
  { spec }: ValidatingAdmissionPolicy,
  subject: Subject,
  params: object | undefined,
  context: PolicyContext,
): Promise<Findings> {
  const cel = await loadCel()
  const budget = { left: costPerRequest }
  const base = variablesFor(spec.paramKind !== undefined)
  const namespaceObject = await namespaceObjectOf(attempt, context.access)
  const options = { attempt, subject, authorizer: context.authorizer, params, namespaceObject }
  const conditions = await meetsConditions(spec, base, options)
  if (conditions.error !== undefined) return { decisions: [{ message: conditions.error }] }
  if (!conditions.matches) return { decisions: [] }
  const composition = context.compositions(spec, () => compose(cel, base, spec.variables ?? []))
  const values = activation({ ...options, cel, composition, budget })
  const { variables } = composition
  const decisions: Decision[] = []
  for (const [index, { expression, message, messageExpression, reason }] of (spec.validations ?? []).entries()) {
    const result = evaluate(cel, expression, variables, values, budget)
    if (!result.ok) {
      if (failureOf(spec) === 'Fail') decisions.push({ index, message: result.error })
    } else if (result.value !== true) {
      const made = messageExpression && messageFrom(evaluate(cel, messageExpression, variables, values, budget))
      decisions.push({
        index,
        message: made || message?.trim() || `failed expression: ${expression.trim()}`,
        reason: reason ?? 'Invalid',
      })
    }
  }
  const annotations: { key: string; value: string }[] = []
  const faults: string[] = []
  for (const { key, valueExpression } of spec.auditAnnotations ?? []) {
    const result = evaluate(cel, valueExpression, variables, values, budget)
    if (!result.ok) {
      if (failureOf(spec) === 'Fail') faults.push(result.error)
    } else if (typeof result.value === 'string') {
      const value = result.value.trim().slice(0, longestAnnotation)
      if (value) annotations.push({ key, value })
    }
  }
  return { decisions, annotations, faults }
}

/** What the audit log says when a binding only wants to know. */
function failure(
  { metadata, spec }: ValidatingAdmissionPolicyBinding,
  { message, index: expressionIndex = 0 }: Decision,
): string {
  const { policyName: policy, validationActions } = spec
  return JSON.stringify([{ message, policy, binding: metadata.name, expressionIndex, validationActions }])
}

/** A text that is short enough and has one line; anything else does not count. */
function messageFrom(result: ReturnType<typeof evaluate>): string {
  const text = result.ok && typeof result.value === 'string' ? result.value.trim() : ''
  return text.length > longestMessage || text.includes('\n') ? '' : text
}

function denial({ kind, name, object }: Attempt, message: string, reason = 'Invalid'): ApiError {
  const error = forbiddenError(kind, name ?? object.metadata.name ?? '', message)
  error.status.reason = reason as Reason
  error.status.code = codes[reason] ?? 422
  error.status.details = { ...error.status.details, causes: [{ message }] }
  return error
}
