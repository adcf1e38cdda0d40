import { type FieldError, fieldError } from '../field-errors.ts'
import type { Definition } from './definition.ts'

const annotationName = 'api-approved.kubernetes.io'
const reference = 'see https://github.com/kubernetes/enhancements/pull/1111'

/**
 * Groups under k8s.io and kubernetes.io are the community's: who defines a kind there says where that was approved, or that it was
 * not (k8s.io/apiextensions-apiserver/pkg/apihelpers/helpers.go).
 */
export function approvalErrors({ metadata, spec }: Definition, old: Definition | undefined): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return []
  const text = metadata.annotations?.[annotationName] ?? ''
  const state = stateOf(text)
  if (state === 'fine' || (old && stateOf(old.metadata.annotations?.[annotationName] ?? '') === state)) return []
  const field = `metadata.annotations[${annotationName}]`
  const must = `protected groups must have approval annotation "${annotationName}"`
  if (state === 'missing') return [fieldError.required(field, `${must}, ${reference}`)]
  return [fieldError.invalid(field, text, `${must} with either a URL or a reason starting with "unapproved", ${reference}`)]
}

function stateOf(text: string): 'missing' | 'fine' | 'wrong' {
  if (text === '') return 'missing'
  return text.startsWith('unapproved') || /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(text) ? 'fine' : 'wrong'
}
