import { canonicalJson } from '../../lib/json.ts'
import { compare } from './compare.ts'
import { fieldSetOf } from './extract.ts'
import { difference, type FieldSet, union } from './field-set.ts'
import type { Version } from './ownership.ts'
import { typeErrors } from './typed-errors.ts'

/**
 * Objects that `kubectl apply` has made without the server's help carry what was applied last in an annotation. When the same
 * kubectl comes to apply on the server, it need not force what it has set itself, and the annotation is kept up to date for a way
 * back (apimachinery managedfields/internal/lastappliedmanager.go, lastappliedupdater.go).
 */
const annotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** Whose applies also write kubectl's annotation. */
export const appliesForKubectl = (manager: string) => manager === 'kubectl'

interface Annotated {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> | null } | null
}

/** The fields that the annotation sets to just what they are. */
export function allowedByLastApplied({ type, apiVersion }: Version, live: Annotated): FieldSet | undefined {
  const text = live.metadata?.annotations?.[annotation]
  if (!text) return undefined
  const applied = parsed(text)
  if (applied?.apiVersion !== apiVersion || typeErrors(type, applied)) return undefined
  const { added, modified, removed } = compare(type, applied, live)
  return difference(fieldSetOf(type, applied), union(union(modified, added), removed))
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The object with the annotation, if it has one, saying what has just been applied. */
export function withLastApplied(object: Annotated, wanted: Annotated): object {
  const { metadata } = object
  if (!metadata?.annotations?.[annotation]) return object
  const { [annotation]: _last, ...annotations } = wanted.metadata?.annotations ?? {}
  const said = wanted.metadata?.annotations ? { ...wanted, metadata: { ...wanted.metadata, annotations } } : wanted
  const value = `${canonicalJson(said)}\n`
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [annotation]: value } } }
}
