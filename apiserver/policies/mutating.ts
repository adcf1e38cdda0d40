import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../api/admissionregistration/mutating-admission-policy.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Attempt } from '../admission.ts'
import { type FieldType, formOf, settledForm, typeOf, typeUnder } from '../apply/field-type.ts'
import { merge } from '../apply/merge.ts'
import { costPerRequest } from '../cel/budget.ts'
import { loadCel } from '../cel/load.ts'
import { isRecord } from '../decode-body.ts'
import { applyJsonPatch } from '../patch/json.ts'
import { causeOf, replaceObject } from '../webhooks/calls.ts'
import { matchingKind, subjectOf } from '../webhooks/matching.ts'
import { reinvocationOf, wasChanged } from '../webhooks/reinvocation.ts'
import { activation, compose, evaluate, meetsConditions, variablesFor } from './expressions.ts'
import { bindingCriteria, namespaceObjectOf, type PolicyContext, policyCriteria } from './matching.ts'
import { paramsOf } from './params.ts'

/** Policies that change objects, with their bindings. */
export type Mutations = readonly {
  readonly policy: MutatingAdmissionPolicy
  readonly bindings: readonly MutatingAdmissionPolicyBinding[]
}[]

/** Applies all policies in order; each sees what those before it made (k8s.io/apiserver/pkg/admission/plugin/policy/mutating). */
export async function mutate(attempt: Attempt, policies: Mutations, context: PolicyContext): Promise<void> {
  for (const { policy, bindings } of policies) {
    if (!(await matchingKind(attempt, policyCriteria(policy.spec), context))) continue
    for (const binding of bindings) {
      const { matchResources, paramRef } = binding.spec
      if (matchResources && !(await matchingKind(attempt, bindingCriteria(matchResources), context))) continue
      const key = `policy ${policy.metadata.name} ${binding.metadata.name}`
      const round = reinvocationOf(attempt)
      if (round.isSecondRound && !round.again.has(key)) continue
      try {
        for (const params of await paramsOf(policy.spec.paramKind, paramRef, attempt.namespace, context)) {
          await applyPolicy(attempt, policy, params, context)
        }
      } catch (error) {
        if (policy.spec.failurePolicy === 'Ignore') continue
        throw denial(attempt, policy.metadata.name, binding.metadata.name, error)
      }
      if (policy.spec.reinvocationPolicy === 'IfNeeded') round.heard.add(key)
    }
  }
}

/** All mutations of one policy, with one set of parameters. Throws an Error that says what is wrong with it. */
async function applyPolicy(
  attempt: Attempt,
  { spec }: MutatingAdmissionPolicy,
  params: object | undefined,
  context: PolicyContext,
) {
  const cel = await loadCel()
  const base = variablesFor(spec.paramKind !== undefined)
  const namespaceObject = await namespaceObjectOf(attempt, context.access)
  const kind = await matchingKind(attempt, policyCriteria(spec), context)
  if (!kind) return
  const common = { attempt, authorizer: context.authorizer, params, namespaceObject }
  const conditions = await meetsConditions(spec, base, { ...common, subject: await subjectOf(attempt, kind) })
  if (conditions.error !== undefined) throw new Error(conditions.error)
  if (!conditions.matches) return
  const composition = context.compositions(spec, () => compose(cel, base, spec.variables ?? []))
  const budget = { left: costPerRequest }
  for (const { patchType, applyConfiguration, jsonPatch } of spec.mutations ?? []) {
    const subject = await subjectOf(attempt, kind)
    if (!subject.object) return
    const expression = (patchType === 'JSONPatch' ? jsonPatch : applyConfiguration)?.expression ?? ''
    const values = activation({ ...common, subject, cel, composition, budget })
    const result = evaluate(cel, expression, composition.variables, values, budget)
    if (!result.ok) throw new Error(result.error)
    const made = cel.fromCel(result.value)
    const next =
      patchType === 'JSONPatch' ? patched(subject.object, made) : merged(attempt.objectKind ?? kind, subject.object, made)
    if (next && (await replaceObject(attempt, kind, next))) wasChanged(attempt)
  }
}

/** A patch whose test fails is not applied. */
function patched(object: object, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new Error('type mismatch: JSONPatchType.expression should evaluate to array')
  try {
    return applyJsonPatch(object, operations)
  } catch (error) {
    const message = causeOf(error)
    if (/^testing value .* failed$/.test(message)) return undefined
    throw new Error(`JSON Patch: ${message}`, { cause: error })
  }
}

function merged(kind: Parameters<typeof typeOf>[0], object: object, configuration: unknown): unknown {
  if (!isRecord(configuration)) throw new Error('unsupported return type from ApplyConfiguration expression')
  const type = typeOf(kind)
  const atomic = atomicParts(type, configuration, '')
  if (atomic.length > 0) {
    throw new Error(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`)
  }
  const { apiVersion, kind: name } = object as { apiVersion?: string; kind?: string }
  return merge(type, object, { apiVersion, kind: name, ...configuration })
}

/** The paths of everything in a value that can only be replaced as a whole. */
function atomicParts(type: FieldType, value: unknown, path: string): string[] {
  const form = settledForm(type, formOf(type, value))
  if (form === 'list' && type.list && Array.isArray(value)) {
    const { list } = type
    return list.isAtomic ? [path] : value.flatMap((item, at) => atomicParts(list.item, item, `${path}[${at}]`))
  }
  if (form !== 'map' || !type.map || !isRecord(value)) return []
  const { map } = type
  if (map.isAtomic) return [path]
  return Object.entries(value).flatMap(([name, field]) => {
    const inner = typeUnder(map, name)
    return inner ? atomicParts(inner, field, `${path}.${name}`) : []
  })
}

function denial({ kind, name, object }: Attempt, policy: string, binding: string, error: unknown) {
  const why = error instanceof Error ? error.message : String(error)
  const message = `policy '${policy}' with binding '${binding}' denied request: ${why}`
  const refused = forbiddenError(kind, name ?? object.metadata.name ?? '', message)
  refused.message = message
  Object.assign(refused.status, { message, reason: 'Invalid', details: { ...refused.status.details, causes: [{ message }] } })
  return refused
}
