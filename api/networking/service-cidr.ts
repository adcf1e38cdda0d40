import * as z from 'zod'
import { familyOf, strictCidr } from '../addresses.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { Condition } from '../meta.ts'
import { atomicList, listMap, named } from '../schema.ts'
import { immutable } from '../validation.ts'

const field = 'spec.cidrs'

function validateRanges(cidrs: readonly string[], spec: unknown): FieldError[] {
  if (cidrs.length === 0) return [fieldError.required(field, 'at least one CIDR required')]
  if (cidrs.length > 2) return [fieldError.invalid(field, spec, 'may only hold up to 2 values')]
  const errors = cidrs.flatMap((cidr, i) => strictCidr(`${field}[${i}]`, cidr))
  const [one = '', two] = cidrs
  if (two !== undefined && familyOf(one) !== undefined && familyOf(one) === familyOf(two)) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
    errors.push(fieldError.invalid(field, cidrs, why))
  }
  return errors
}

/** A range may get a second one of the other family; nothing else changes (ValidateServiceCIDRUpdate). */
function validateChange(cidrs: readonly string[], old: readonly string[], spec: unknown): FieldError[] {
  const changed = (i: number) => (cidrs[i] === old[i] ? [] : [fieldError.invalid(`${field}[${i}]`, cidrs[i] ?? '', immutable)])
  if (cidrs.length === old.length) return old.flatMap((_, i) => changed(i))
  if (old.length === 1 && cidrs.length === 2) return [...changed(0), ...validateRanges(cidrs, spec)]
  return [fieldError.invalid(field, cidrs, immutable)]
}

/** Ranges that services get their addresses from. */
export const ServiceCIDR = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
  description: 'Ranges that services get their addresses from.',
  fields: () => ({
    spec: named(
      'networking/v1.ServiceCIDRSpec',
      'Ranges of addresses.',
      () => ({ cidrs: atomicList(z.string()).optional().describe('One range per IP family.') }),
      { wire: 'cidrs' },
    )
      .prefault({})
      .describe('Ranges of addresses.'),
    status: named(
      'networking/v1.ServiceCIDRStatus',
      'How the ranges are.',
      () => ({ conditions: listMap(Condition, 'type').optional().describe('Whether they are in use.') }),
      { wire: 'conditions' },
    )
      .prefault({})
      .describe('How they are.'),
  }),
  columns: [{ name: 'CIDRs', description: 'Ranges of addresses.', value: ({ spec }) => (spec.cidrs ?? []).join(',') }, age],
  subresources: ['status'],
  statusKeeps: 'metadata',
  validate({ spec }, old) {
    const { cidrs = [] } = spec
    return old ? validateChange(cidrs, old.spec.cidrs ?? [], spec) : validateRanges(cidrs, spec)
  },
})
export type ServiceCIDR = ObjectOf<typeof ServiceCIDR>
