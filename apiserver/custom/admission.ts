import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import type { Definition } from '../../api/apiextensions/definition.ts'
import { formatCheck } from '../../api/apiextensions/formats.ts'
import type { JsonSchemaProps } from '../../api/apiextensions/json-schema-props.ts'
import { everySchemaBelow } from '../../api/apiextensions/structural.ts'
import { type FieldError, invalidObject } from '../../api/field-errors.ts'
import { qualifiedName } from '../../api/names.ts'
import { deepEqual } from '../../lib/json.ts'
import type { AdmissionStep, Attempt } from '../admission.ts'
import { loadCel } from '../cel/load.ts'
import { hasRules, ruleFaults } from './rules.ts'

/** Rules in CEL that do not compile are refused when they are written, not when they are needed. */
export const customResourceRules: AdmissionStep = {
  name: 'CustomResourceRules',
  kinds: [CustomResourceDefinition],
  operations: ['CREATE', 'UPDATE'],
  async check({ kind, object, old, warnings }) {
    const { metadata, spec } = object as unknown as Definition
    const before = (old as unknown as Definition | undefined)?.spec
    if (before && deepEqual(before, spec)) return
    const known = new Set(before ? unknownFormats(before) : [])
    for (const format of unknownFormats(spec))
      if (!known.has(format)) warnings.push(`unrecognized format ${JSON.stringify(format)}`)
    const errors: FieldError[] = []
    for (const [i, { schema }] of spec.versions.entries()) {
      const props = schema?.openAPIV3Schema
      if (!props || !hasRules(props)) continue
      errors.push(...ruleFaults(await loadCel(), props, `spec.versions[${i}].schema.openAPIV3Schema`))
    }
    if (errors.length > 0) throw invalidObject(kind, metadata.name, errors)
  },
}

/** Formats of texts that nobody checks. */
function unknownFormats({ versions }: Definition['spec']): string[] {
  const found: string[] = []
  const visit = (schema: JsonSchemaProps): void => {
    if (schema.type === 'string' && schema.format && !formatCheck(schema.format)) found.push(schema.format)
    for (const child of everySchemaBelow(schema)) visit(child)
  }
  for (const { schema } of versions) if (schema?.openAPIV3Schema) visit(schema.openAPIV3Schema)
  return found
}

/** Says when a custom resource gets a finalizer that others might use as well. */
export const customResourceFinalizers: AdmissionStep = {
  name: 'CustomResourceFinalizers',
  operations: ['CREATE', 'UPDATE'],
  check(attempt) {
    if (attempt.kind.dynamic) warnOfFinalizers(attempt)
  },
}

const standard = ['orphan', 'foregroundDeletion', 'kubernetes']

function warnOfFinalizers({ object, old, warnings }: Attempt): void {
  const before = new Set(old?.metadata.finalizers)
  const added = (object.metadata.finalizers ?? []).filter(name => !before.has(name)).sort()
  for (const name of added) {
    const subject = `metadata.finalizers: ${JSON.stringify(name)}`
    for (const fault of qualifiedName(name)) warnings.push(`${subject}: ${fault}`)
    if (name.includes('/') || standard.includes(name)) continue
    const what = name.includes('.')
      ? 'a domain-qualified finalizer name including a path (/)'
      : 'a domain-qualified finalizer name'
    warnings.push(`${subject}: prefer ${what} to avoid accidental conflicts with other finalizer writers`)
  }
}
