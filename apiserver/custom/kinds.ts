import type { Definition, DefinitionVersion, Names } from '../../api/apiextensions/definition.ts'
import { storageVersionOf } from '../../api/apiextensions/definition.ts'
import { dynamicKind } from '../../api/apiextensions/dynamic-kind.ts'
import { embeddedErrors } from '../../api/apiextensions/embedded-objects.ts'
import type { JsonSchemaProps } from '../../api/apiextensions/json-schema-props.ts'
import { listTypeErrors } from '../../api/apiextensions/list-types.ts'
import { fillDefaults } from '../../api/apiextensions/pruning.ts'
import { valueErrors } from '../../api/apiextensions/value-validation.ts'
import { forbiddenError } from '../../api/errors.ts'
import { type FieldError, fieldError } from '../../api/field-errors.ts'
import type { AnyKind, KindDefinition, Subresource } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { validateMetadata } from '../../api/validation.ts'
import { readerOf } from '../../lib/json-path.ts'
import type { Cel } from '../cel/compile.ts'
import { customStorage } from './conversion.ts'
import type { ConvertElsewhere } from './conversion-webhook.ts'
import { decodeCustom } from './decoding.ts'
import { deprecationWarning } from './deprecation.ts'
import { openApiSchema } from './open-api-schema.ts'
import { printerColumns } from './printer-columns.ts'
import { type CheckRules, ruleCheck } from './rules.ts'
import { scaleErrors, scaleMapping } from './scale.ts'

export interface CustomKindOptions {
  readonly definition: Definition
  /** The expression language, if there are rules in it. */
  readonly cel: Cel | undefined
  readonly elsewhere: ConvertElsewhere | undefined
  /** Whether the definition is being deleted. */
  readonly isTerminating: () => boolean
}

const anything: JsonSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** The kinds that a CustomResourceDefinition makes: one for each version that is served. */
export function customKinds(options: CustomKindOptions): AnyKind[] {
  const { definition, elsewhere } = options
  const { spec } = definition
  const schemas = new Map(spec.versions.map(({ name, schema }) => [name, schema?.openAPIV3Schema ?? anything]))
  const storage = storageVersionOf(spec)
  const kept = identity(definition, storage, schemas.get(storage) ?? anything)
  return spec.versions
    .filter(({ served }) => served)
    .map(version => {
      const schema = schemas.get(version.name) ?? anything
      const storedAs = customStorage({ definition, version: version.name, storage, kept, schemas, elsewhere })
      return { ...identity(definition, version.name, schema), ...behaviour(options, version, schema), storedAs }
    })
}

function identity({ spec, status }: Definition, version: string, schema: JsonSchemaProps): AnyKind {
  const names: Names = status.acceptedNames.kind === '' ? spec.names : status.acceptedNames
  const { group } = spec
  const { kind, plural, singular = '', listKind = `${kind}List`, shortNames = [], categories = [] } = names
  const apiVersion = `${group}/${version}`
  return dynamicKind({
    group,
    version,
    kind,
    listKind,
    plural,
    singular,
    shortNames,
    categories,
    namespaced: spec.scope === 'Namespaced',
    description: schema.description ?? '',
    dynamic: {
      decode: value => decodeCustom({ apiVersion, kind }, schema, value),
      jsonSchema: () => openApiSchema(schema),
    },
  })
}

/** What is particular to the objects of a version. */
function behaviour(options: CustomKindOptions, version: DefinitionVersion, schema: JsonSchemaProps): Partial<KindDefinition> {
  const { definition, cel, isTerminating } = options
  const { group, names, scope } = definition.spec
  const { subresources = {}, additionalPrinterColumns, selectableFields = [] } = version
  const hasStatus = subresources.status !== undefined
  const rules = cel && ruleCheck(cel, schema)
  const checks: Checks = { schema, isNamespaced: scope === 'Namespaced', scale: subresources.scale, rules }
  const served: Subresource[] = [...(hasStatus ? (['status'] as const) : []), ...(subresources.scale ? (['scale'] as const) : [])]
  const warning = deprecationWarning(definition, version)
  return {
    columns: printerColumns(additionalPrinterColumns),
    subresources: served,
    ...(subresources.scale && { scale: scaleMapping(subresources.scale) }),
    ...(warning !== undefined && { deprecationWarning: warning }),
    selectableFields: Object.fromEntries(
      selectableFields.map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), selector(jsonPath)]),
    ),
    generationOf(object) {
      const { metadata: _metadata, ...fields } = object as KubeObject & { status?: unknown }
      if (hasStatus) delete fields.status
      return fields
    },
    default: object => fillDefaults(object, schema),
    prepareForCreate({ metadata }) {
      if (!isTerminating()) return
      const why = 'create not allowed while custom resource definition is terminating'
      throw forbiddenError({ group, plural: names.plural } as AnyKind, metadata.name, why)
    },
    validate: (object, old) => objectErrors(checks, object, old),
    validateStatus: (object, old) => statusErrors(checks, object, old),
  }
}

function selector(jsonPath: string): (object: KubeObject) => string {
  const read = readerOf(jsonPath)
  return object => String(read(object)[0] ?? '')
}

interface Checks {
  readonly schema: JsonSchemaProps
  readonly isNamespaced: boolean
  readonly scale: Parameters<typeof scaleErrors>[0]
  readonly rules: CheckRules | undefined
}

/** k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go */
function objectErrors(checks: Checks, object: KubeObject, old?: KubeObject): FieldError[] {
  const { schema, isNamespaced, scale } = checks
  const errors = [
    ...validateMetadata(object.metadata, isNamespaced, { bareFinalizers: true }),
    ...valueErrors(object, schema, '', old && { value: old }),
    ...scaleErrors(scale, object),
    ...embeddedErrors(object, schema),
  ]
  return withRules(checks, [...errors, ...newListErrors(schema, object, old)], object, old)
}

function statusErrors(checks: Checks, object: KubeObject, old: KubeObject): FieldError[] {
  const { schema, isNamespaced, scale } = checks
  const errors = validateMetadata(object.metadata, isNamespaced, { bareFinalizers: true })
  const { status } = object as { status?: unknown }
  const statusSchema = schema.properties?.status
  if (status !== undefined && statusSchema) {
    errors.push(...valueErrors(status, statusSchema, 'status', { value: (old as { status?: unknown }).status }))
  }
  errors.push(...scaleErrors(scale, object, 'status'))
  return withRules(checks, [...errors, ...newListErrors(schema, object, old)], object, old)
}

/** Lists that were wrong before may stay so. */
function newListErrors(schema: JsonSchemaProps, object: KubeObject, old?: KubeObject): FieldError[] {
  const errors = listTypeErrors(object, schema)
  return errors.length > 0 && old && listTypeErrors(old, schema).length > 0 ? [] : errors
}

const blocking: readonly FieldError['type'][] = [
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]

/** Rules are for objects that look right. */
function withRules({ rules }: Checks, errors: FieldError[], object: KubeObject, old?: KubeObject): FieldError[] {
  if (!rules) return errors
  if (!errors.some(({ type }) => blocking.includes(type))) return [...errors, ...rules(object, old)]
  const why =
    'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
  return [...errors, fieldError.invalid('<nil>', null, why)]
}
