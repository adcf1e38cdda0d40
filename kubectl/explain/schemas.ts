/** As much of an OpenAPI v3 schema as is explained. */
export interface JsonSchema {
  readonly $ref?: string
  readonly allOf?: readonly JsonSchema[]
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly 'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[]
}

export interface OpenApiDocument {
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> }
}

/** Finds what references lead to. */
export interface Schemas {
  /** The schema itself where it is no reference. */
  resolve(schema: JsonSchema): JsonSchema
  /** What holds a schema's fields when it has none itself: the items of lists and maps, parts of `allOf`. */
  below(schema: JsonSchema): readonly JsonSchema[]
  ofKind(kind: { group: string; version: string; kind: string }): JsonSchema | undefined
}

export function schemasIn(document: OpenApiDocument): Schemas {
  const all = document.components?.schemas ?? {}
  const resolve = (schema: JsonSchema) => (schema.$ref && all[schema.$ref.split('/').at(-1) ?? '']) || schema
  return {
    resolve,
    below(schema) {
      const { allOf = [], items, additionalProperties } = resolve(schema)
      return [...allOf, ...(items ? [items] : []), ...(typeof additionalProperties === 'object' ? [additionalProperties] : [])]
    },
    ofKind({ group, version, kind }) {
      return Object.values(all).find(schema =>
        schema['x-kubernetes-group-version-kind']?.some(
          each => each.group === group && each.version === version && each.kind === kind,
        ),
      )
    },
  }
}
