import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { validateTaints } from './affinity-validation.ts'
import type { NodeObject } from './node-spec.ts'
import { validateAmount } from './resource-validation.ts'

const onceSet = (field: string) => `node updates may not change ${field} except from "" to valid`

/** A node by itself, and what of it may change (pkg/apis/core/validation ValidateNodeUpdate, semantics E4). */
export function validateNode(node: NodeObject, old?: NodeObject): FieldError[] {
  const { spec } = node
  const errors = [
    ...validateTaints(spec.taints ?? [], 'spec.taints'),
    ...validateRanges(spec.podCIDRs ?? []),
    ...validateAmounts(node),
  ]
  if (!old) return errors
  if (old.spec.podCIDRs?.length && !deepEqual(spec.podCIDRs, old.spec.podCIDRs)) {
    errors.push(fieldError.forbidden('spec.podCIDRs', onceSet('podCIDR')))
  }
  if (old.spec.providerID && spec.providerID !== old.spec.providerID) {
    errors.push(fieldError.forbidden('spec.providerID', onceSet('providerID')))
  }
  return errors
}

/** Capacity and what of it is allocatable. */
export function validateAmounts({ status }: NodeObject): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap(field => {
    const amounts = status[field] ?? {}
    return Object.keys(amounts).flatMap(name => validateAmount(name, amounts[name] ?? '0', `status.${field}[${name}]`))
  })
}

function validateRanges(ranges: readonly string[]): FieldError[] {
  const isRange = (text: string) => /^[0-9a-fA-F.:]+\/\d{1,3}$/.test(text)
  const why = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
  return ranges.flatMap((range, i) => (isRange(range) ? [] : [fieldError.invalid(`spec.podCIDRs[${i}]`, range, why)]))
}
