import { jsonSchemaOf, type KindSchema, resolveSchema, type SchemaNode } from '../../api/json-schema.ts'
import type { AnyKind } from '../../api/kind.ts'

/**
 * A schema as ownership sees it: what a value may be, and into which parts it can be owned. A free-form value may be anything; what
 * holds for it then is found by looking at it (k8s.io/kube-openapi, pkg/schemaconv).
 */
export interface FieldType {
  readonly scalar?: Scalar
  readonly list?: ListType
  readonly map?: MapType
}

/** What a value without parts may be; untyped: any such value. */
export type Scalar = 'string' | 'numeric' | 'boolean' | 'untyped'

/** What a list may hold, and how it is owned. */
export interface ListType {
  /** Owned as a whole. Otherwise by the items, which are known by their keys, or by themselves. */
  readonly isAtomic: boolean
  readonly keys: readonly string[]
  readonly item: FieldType
}

/** What an object may hold, and how it is owned. */
export interface MapType {
  readonly isAtomic: boolean
  readonly fields: ReadonlyMap<string, Field>
  /** Of what is no field; absent: there is nothing else. */
  readonly values?: FieldType
}

/** A named part of an object. */
export interface Field {
  readonly type: FieldType
  /** What it is when it is not there: counts when items are told apart. */
  readonly default?: unknown
}

const noFields: ReadonlyMap<string, Field> = new Map()

/** Anything, owned as a whole. */
const atomic: FieldType = {
  scalar: 'untyped',
  list: {
    isAtomic: true,
    keys: [],
    get item() {
      return atomic
    },
  },
  map: {
    isAtomic: true,
    fields: noFields,
    get values() {
      return atomic
    },
  },
}

/** Anything; maps by their keys. */
const deduced: FieldType = {
  scalar: 'untyped',
  list: { isAtomic: true, keys: [], item: atomic },
  map: {
    isAtomic: false,
    fields: noFields,
    get values() {
      return deduced
    },
  },
}

const types = new WeakMap<AnyKind, { schema: KindSchema; type: FieldType }>()

/** The type of a kind's objects. Made on first use, and deeper down as far as anybody looks. */
export function typeOf(kind: AnyKind): FieldType {
  const schema = jsonSchemaOf(kind)
  const known = types.get(kind)
  if (known?.schema === schema) return known.type
  const type = builder(schema).of(schema.root)
  types.set(kind, { schema, type })
  return type
}

function builder(schema: KindSchema) {
  const made = { strict: new Map<SchemaNode, FieldType>(), free: new Map<SchemaNode, FieldType>() }

  /** `isFree`: something further up keeps fields that it does not know. */
  function of(given: SchemaNode, isFree = false): FieldType {
    const node = resolveSchema(schema, given)
    const types = made[isFree ? 'free' : 'strict']
    let type = types.get(node)
    if (!type) types.set(node, (type = build(node, isFree || node['x-kubernetes-preserve-unknown-fields'] === true)))
    return type
  }

  function build(node: SchemaNode, isFree: boolean): FieldType {
    if (node['x-kubernetes-quantity'] || node['x-kubernetes-int-or-string']) return { scalar: 'untyped' }
    switch (node.type) {
      case 'object':
        return { map: mapOf(node, isFree) }
      case 'array':
        return { list: listOf(node, isFree) }
      case 'integer':
      case 'number':
        return { scalar: 'numeric' }
      case 'boolean':
        return { scalar: 'boolean' }
      case 'string':
        return { scalar: !node.format || node.format === 'byte' ? 'string' : 'untyped' }
      case undefined:
      default:
        return node.anyOf ? { scalar: 'untyped' } : { scalar: 'untyped', list: listOf(node, isFree), map: mapOf(node, isFree) }
    }
  }

  function listOf(node: SchemaNode, isFree: boolean): ListType {
    const { items } = node
    const listType = node['x-kubernetes-list-type']
    let item: FieldType | undefined
    return {
      isAtomic: listType !== 'map' && listType !== 'set',
      keys: listType === 'map' ? (node['x-kubernetes-list-map-keys'] ?? []) : [],
      get item() {
        item ??= items ? of(items, isFree) : atomic
        return item
      },
    }
  }

  function mapOf(node: SchemaNode, isFree: boolean): MapType {
    const { properties = {} } = node
    let fields: Map<string, Field> | undefined
    const isAtomic = node['x-kubernetes-map-type'] === 'atomic'
    const values = valuesOf(node, isFree)
    let made: FieldType | undefined
    return {
      isAtomic,
      get fields() {
        fields ??= new Map(Object.entries(properties).map(([name, property]) => [name, fieldOf(property, isFree)]))
        return fields
      },
      ...(values && {
        get values() {
          made ??= values()
          return made
        },
      }),
    }
  }

  function fieldOf(node: SchemaNode, isFree: boolean): Field {
    const resolved = resolveSchema(schema, node)
    let type: FieldType | undefined
    return {
      get type() {
        type ??= of(node, isFree)
        return type
      },
      ...(resolved.default !== undefined && { default: resolved.default }),
    }
  }

  function valuesOf(node: SchemaNode, isFree: boolean): (() => FieldType) | undefined {
    const { additionalProperties: more, properties = {} } = node
    if (typeof more === 'object') return Object.keys(more).length > 0 ? () => of(more, isFree) : () => deduced
    if (more === true) return () => deduced
    return more === undefined && (isFree || Object.keys(properties).length === 0) ? () => deduced : undefined
  }

  return { of }
}

/** Which of the things a type allows a value is; a value that says nothing about itself leaves all of them open. */
export type Form = 'scalar' | 'list' | 'map' | 'open'

/** The form that a value has under its type. */
export function formOf(type: FieldType, value: unknown): Form {
  if (value === undefined || value === null) return onlyForm(type)
  if (Array.isArray(value)) return type.list ? 'list' : onlyForm(type)
  if (typeof value === 'object') return type.map ? 'map' : onlyForm(type)
  return type.scalar ? 'scalar' : onlyForm(type)
}

function onlyForm({ scalar, list, map }: FieldType): Form {
  if (map) return scalar || list ? 'open' : 'map'
  if (scalar) return list ? 'open' : 'scalar'
  return 'list'
}

/** What an open form is taken for. */
export function settledForm(type: FieldType, form: Form): Exclude<Form, 'open'> {
  if (form !== 'open') return form
  return type.map ? 'map' : type.scalar ? 'scalar' : 'list'
}

/** The type of what stands under a name; undefined: the schema knows nothing of it. */
export const typeUnder = (map: MapType, name: string): FieldType | undefined => map.fields.get(name)?.type ?? map.values
