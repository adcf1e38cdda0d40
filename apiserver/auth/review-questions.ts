import type { ResourceAttributes as AttributesSchema } from '../../api/authorization/access-attributes.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { ResourceAttributes } from './rules.ts'

type Attributes = ReturnType<(typeof AttributesSchema)['parse']>

/** What an access review asks: one of the two. */
export interface Question {
  readonly resourceAttributes?: Attributes | undefined
  readonly nonResourceAttributes?: { readonly path?: string | undefined; readonly verb?: string | undefined } | undefined
}

interface Checks {
  /** Whom it is about, where that has to be said. */
  readonly names?: { readonly user?: string | undefined; readonly groups?: readonly string[] | undefined }
  /** It is about its own namespace. */
  readonly isLocal?: boolean
}

/** Refuses a review that cannot be answered, with everything that is wrong (pkg/apis/authorization/validation). */
export function checkReview(kind: AnyKind, review: KubeObject & { readonly spec: Question }, checks: Checks = {}): void {
  const { spec, metadata } = review
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  const errors: FieldError[] = []
  const at = 'spec.resourceAttributes'
  const shown = path ? { Path: path.path ?? '', Verb: path.verb ?? '' } : null
  if (resource && path) {
    const detail = 'cannot be specified in combination with resourceAttributes'
    errors.push(fieldError.invalid('spec.nonResourceAttributes', shown, detail))
  } else if (!resource && !path) {
    errors.push(fieldError.invalid(at, null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'))
  }
  if (checks.names && !checks.names.user && !checks.names.groups?.length) {
    errors.push(fieldError.invalid('spec.user', '', 'at least one of user or group must be specified'))
  }
  if (resource) errors.push(...selectorErrors(resource, at))
  errors.push(...metadataErrors(metadata, checks.isLocal === true))
  if (checks.isLocal && resource && (resource.namespace ?? '') !== metadata.namespace) {
    errors.push(fieldError.invalid(`${at}.namespace`, resource.namespace ?? '', 'must match metadata.namespace'))
  }
  if (checks.isLocal && path) {
    errors.push(fieldError.invalid('spec.nonResourceAttributes', shown, 'disallowed on this kind of request'))
  }
  if (errors.length > 0) throw invalidObject(kind, '', errors)
}

function metadataErrors(metadata: KubeObject['metadata'], mayHaveNamespace: boolean): FieldError[] {
  const given = Object.entries(metadata).filter(([, value]) => value !== undefined && value !== '')
  const isEmpty = given.every(([key]) => key === 'namespace' && mayHaveNamespace)
  const detail = mayHaveNamespace ? 'must be empty except for namespace' : 'must be empty'
  return isEmpty ? [] : [fieldError.invalid('metadata', Object.fromEntries(given), detail)]
}

function selectorErrors({ fieldSelector, labelSelector }: Attributes, at: string): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, selector] of Object.entries({ fieldSelector, labelSelector })) {
    if (!selector) continue
    const { rawSelector, requirements = [] } = selector
    const field = `${at}.${name}`
    if (rawSelector && requirements.length > 0) {
      const detail = 'may not specified at the same time as requirements'
      errors.push(fieldError.invalid(`${field}.rawSelector`, rawSelector, detail))
    }
    if (!rawSelector && requirements.length === 0) {
      const detail = `when ${field} is specified, requirements or rawSelector is required`
      errors.push(fieldError.required(`${field}.requirements`, detail))
    }
    for (const [i, { key, operator, values = [] }] of requirements.entries()) {
      const each = `${field}.requirements[${i}]`
      const wantsValues = operator === 'In' || operator === 'NotIn'
      if (wantsValues && values.length === 0) {
        errors.push(fieldError.required(`${each}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      }
      if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
        errors.push(fieldError.forbidden(`${each}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      }
      if (!key) errors.push(fieldError.required(`${each}.key`, 'must be specified'))
    }
  }
  return errors
}

/**
 * The question as authorization understands it, and what of its selectors it does not. Only field selectors decide anything here;
 * leaving out a requirement makes the question wider, so that the answer errs on the safe side.
 */
export function questionOf(asked: Attributes): { attributes: ResourceAttributes; ignored: string } {
  const { verb = '', group = '', resource = '', subresource, namespace, name, fieldSelector, labelSelector } = asked
  const ignored: string[] = []
  let selector = fieldSelector?.rawSelector
  const terms: string[] = []
  let unknown = 0
  for (const { key, operator, values = [] } of fieldSelector?.requirements ?? []) {
    const isKnown = values.length === 1 && (operator === 'In' || operator === 'NotIn')
    if (isKnown) terms.push(`${key}${operator === 'In' ? '=' : '!='}${values[0]}`)
    else unknown++
  }
  const part = terms.length > 0 ? 'partially ignored' : 'ignored'
  if (unknown > 0) ignored.push(`spec.resourceAttributes.fieldSelector ${part} due to parse error`)
  if (terms.length > 0) selector = terms.join(',')
  else if (selector && !selector.split(',').every(term => /^[^=!]+(=|==|!=)[^=]*$/.test(term))) {
    ignored.push('spec.resourceAttributes.fieldSelector ignored due to parse error')
    selector = undefined
  }
  const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist']
  const labels = labelSelector?.requirements ?? []
  const odd = labels.filter(({ operator }) => !operators.includes(operator)).length
  if (odd > 0) {
    const how = odd < labels.length ? 'partially ignored' : 'ignored'
    ignored.push(`spec.resourceAttributes.labelSelector ${how} due to parse error`)
  }
  return {
    attributes: {
      ...{ verb, group, resource },
      ...(subresource && { subresource }),
      ...(namespace && { namespace }),
      ...(name && { name }),
      ...(selector && { fieldSelector: selector }),
    },
    ignored: ignored.join('; '),
  }
}
