import * as z from 'zod'
import type { AnyKind } from './kind.ts'

/** A kind's schema as plain data (OpenAPI 3.0), with the `x-kubernetes-*` extensions that patches and field checks read. */
export interface SchemaNode {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly default?: unknown
  readonly nullable?: boolean
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly allOf?: readonly SchemaNode[]
  readonly anyOf?: readonly SchemaNode[]
  readonly $ref?: string
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-quantity'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
}

export interface KindSchema {
  readonly root: SchemaNode
  /** Named types, by their OpenAPI names. `$ref`s end with them. */
  readonly definitions: Readonly<Record<string, SchemaNode>>
}

const schemas = new WeakMap<AnyKind, KindSchema>()

/** What clients may send for a kind. Made on first use, which takes a millisecond or so. */
export function jsonSchemaOf(kind: AnyKind): KindSchema {
  if (kind.dynamic) return kind.dynamic.jsonSchema()
  let schema = schemas.get(kind)
  if (!schema) schemas.set(kind, (schema = convert(kind)))
  return schema
}

function convert(kind: AnyKind): KindSchema {
  const options = { io: 'input', target: 'openapi-3.0', unrepresentable: 'any' } as const
  const { definitions = {}, $defs = {}, ...root } = z.toJSONSchema(kind.schema, options) as Record<string, unknown>
  const schema = { root: root as SchemaNode, definitions: { ...(definitions as object), ...($defs as object) } }
  return { ...schema, root: resolveSchema(schema, schema.root) } // the kind itself is a named type too
}

/** The node that a reference leads to, with the referrer's own extensions and description on top. */
export function resolveSchema({ definitions }: KindSchema, node: SchemaNode): SchemaNode {
  const reference = node.$ref ?? (node.allOf?.length === 1 ? node.allOf[0]?.$ref : undefined)
  if (reference === undefined) return node
  const target = definitions[reference.slice(reference.lastIndexOf('/') + 1)]
  if (!target) return node
  const known = merged.get(node)
  if (known) return known
  const { $ref: _ref, allOf: _allOf, ...own } = node
  const result = Object.keys(own).length === 0 ? target : { ...target, ...own }
  merged.set(node, result)
  return result
}
const merged = new WeakMap<SchemaNode, SchemaNode>()
