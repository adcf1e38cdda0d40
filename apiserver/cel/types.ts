/**
 * The type of a variable, as expressions see it. `dyn` is only known when it is evaluated. The fields of an object go by their
 * escaped names (see `escapeName`).
 */
export type CelType =
  | 'dyn'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'authorizer'
  | { readonly list: CelType }
  | { readonly map: CelType }
  | { readonly optional: CelType }
  | { readonly object: Readonly<Record<string, CelType>> }

/** The parts of an OpenAPI schema that say how its values look to an expression. */
export interface ValueSchema {
  readonly type?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, ValueSchema>>
  readonly additionalProperties?: ValueSchema | boolean
  readonly items?: ValueSchema | readonly ValueSchema[]
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
}

const scalarTypes: Readonly<Record<string, CelType>> = { boolean: 'bool', integer: 'int', number: 'double', string: 'string' }
/** Text that is more than text to an expression (k8s.io/apiserver/pkg/cel/common/schemas.go). */
const formattedTypes: Readonly<Record<string, CelType>> = {
  byte: 'bytes',
  date: 'timestamp',
  'date-time': 'timestamp',
  duration: 'duration',
}

/** The type that values of a schema have; `dyn` where the schema leaves it open. */
export function celTypeOf(schema: ValueSchema | undefined): CelType {
  if (!schema || schema['x-kubernetes-int-or-string']) return 'dyn'
  if (schema.type === 'string') return formattedTypes[schema.format ?? ''] ?? 'string'
  if (schema.type === 'array') return { list: celTypeOf(itemsOf(schema)) }
  const isObject = schema.type === 'object' || schema.properties !== undefined
  if (!isObject) return scalarTypes[schema.type ?? ''] ?? 'dyn'
  const { additionalProperties: values } = schema
  if (values) return { map: typeof values === 'object' ? celTypeOf(values) : 'dyn' }
  if (!schema.properties && schema['x-kubernetes-preserve-unknown-fields']) return 'dyn'
  const fields: Record<string, CelType> = {}
  for (const [name, field] of Object.entries(withEnvelope(schema))) {
    const escaped = escapeName(name)
    if (escaped !== undefined) fields[escaped] = celTypeOf(field)
  }
  return { object: fields }
}

/** The schema of a list's items, where they all have the same. */
export const itemsOf = ({ items }: ValueSchema): ValueSchema | undefined =>
  Array.isArray(items) ? undefined : (items as ValueSchema | undefined)

const text: ValueSchema = { type: 'string' }
const envelope = {
  apiVersion: text,
  kind: text,
  metadata: { type: 'object', properties: { name: text, generateName: text } },
} satisfies Record<string, ValueSchema>

/** Of an object inside an object, its name can be seen whether the schema says so or not. */
function withEnvelope({ properties = {}, ...schema }: ValueSchema): Readonly<Record<string, ValueSchema>> {
  return schema['x-kubernetes-embedded-resource'] ? { ...properties, ...envelope } : properties
}

/** Words that an identifier may not be (CEL's langdef; k8s.io/apiserver/pkg/cel/escaping.go). */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)
const escapes: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/** How a field is written in an expression: `__namespace__`, `a__dot__b`; undefined: it cannot be. */
export function escapeName(name: string): string | undefined {
  if (!/^[a-zA-Z_./-][\w./-]*$/.test(name)) return undefined
  if (reserved.has(name)) return `__${name}__`
  return /__|[-./]/.test(name) ? name.replace(/__|[-./]/g, part => escapes[part] ?? part) : name
}
