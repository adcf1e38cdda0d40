import type { Resource } from '../resources.ts'
import type { Session } from '../session.ts'

/** What patches need to know of a field: how lists merge, and what is below. */
export interface SchemaNode {
  /** The key that identifies a list's items; undefined: the list is replaced whole, or holds plain values. */
  readonly mergeKey?: string | undefined
  /** `x-kubernetes-patch-strategy`: merge, replace, retainKeys. */
  readonly strategies: readonly string[]
  readonly type?: string | undefined
  readonly description: string
  /** The fields of an object, in the schema's order; empty when it has none of its own. */
  readonly fieldNames: readonly string[]
  readonly required: readonly string[]
  readonly enum?: readonly unknown[] | undefined
  /** `undefined`: no such field. A map's values are the same for every name. */
  field(name: string): SchemaNode | undefined
  /** A list's items. */
  readonly items: SchemaNode | undefined
  /** The name of the type: `PodSpec`. */
  readonly typeName?: string | undefined
}

interface JsonSchema {
  $ref?: string
  allOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  type?: string
  format?: string
  description?: string
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  required?: string[]
  enum?: unknown[]
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

interface OpenApiDocument {
  components?: { schemas?: Record<string, JsonSchema> }
}

/** The schema of a kind out of an OpenAPI v3 document; undefined when the document does not have it. */
export function schemaOf(
  document: OpenApiDocument,
  { group, version, kind }: { group: string; version: string; kind: string },
): SchemaNode | undefined {
  const schemas = document.components?.schemas ?? {}
  const isOurs = (schema: JsonSchema) =>
    schema['x-kubernetes-group-version-kind']?.some(
      each => each.group === group && each.version === version && each.kind === kind,
    ) === true
  const found = Object.entries(schemas).find(([, schema]) => isOurs(schema))
  return found && node({ $ref: `#/components/schemas/${found[0]}` }, schemas)
}

function node(schema: JsonSchema, schemas: Record<string, JsonSchema>): SchemaNode {
  const { resolved, name } = resolve(schema, schemas)
  const { properties, additionalProperties, items } = resolved
  return {
    mergeKey: resolved['x-kubernetes-patch-merge-key'],
    strategies: (resolved['x-kubernetes-patch-strategy'] ?? '').split(',').filter(Boolean),
    type: resolved.type ?? (properties ? 'object' : items ? 'array' : undefined),
    description: resolved.description ?? '',
    fieldNames: Object.keys(properties ?? {}),
    required: resolved.required ?? [],
    enum: resolved.enum,
    field(field) {
      const own = properties?.[field]
      if (own) return node(own, schemas)
      return typeof additionalProperties === 'object' ? node(additionalProperties, schemas) : undefined
    },
    get items() {
      return items && node(items, schemas)
    },
    typeName: name?.split('.').at(-1),
  }
}

/** Follows references; what stands beside them, or around them in `allOf`, wins over what they lead to. */
function resolve(schema: JsonSchema, schemas: Record<string, JsonSchema>): { resolved: JsonSchema; name: string | undefined } {
  const name = schema.$ref?.split('/').at(-1)
  if (schema.$ref && name !== undefined) {
    const { $ref: _, ...beside } = schema
    const target = resolve(schemas[name] ?? {}, schemas)
    return { resolved: { ...target.resolved, ...beside }, name }
  }
  const [wrapped] = schema.allOf ?? []
  if (wrapped && schema.allOf?.length === 1) {
    const { allOf: _, ...beside } = schema
    const target = resolve(wrapped, schemas)
    return { resolved: { ...target.resolved, ...beside }, name: target.name }
  }
  return { resolved: schema, name }
}

/** Fetches schemas of kinds from the server, each group version's document once. */
export function schemaSource(
  session: Session,
): (resource: Pick<Resource, 'group' | 'version' | 'kind'>) => Promise<SchemaNode | undefined> {
  const documents = new Map<string, Promise<OpenApiDocument>>()
  return async resource => {
    const path = resource.group ? `/openapi/v3/apis/${resource.group}/${resource.version}` : `/openapi/v3/api/${resource.version}`
    let document = documents.get(path)
    if (!document) documents.set(path, (document = session.get(path) as Promise<OpenApiDocument>))
    return schemaOf(await document, resource)
  }
}
