import * as z from 'zod'
import type { Mutable } from '../lib/json.ts'
import type { DecodeResult } from './decode.ts'
import type { FieldError } from './field-errors.ts'
import type { KindSchema } from './json-schema.ts'
import { type NamespacedObjectMeta, ObjectMeta } from './meta.ts'
import { subdomainName } from './names.ts'
import { lazyObject } from './schema.ts'
import type { DeletionPropagation, KubeObject, Verb } from './transport.ts'
import { validateMetadata } from './validation.ts'
import { setWire } from './wire.ts'

/**
 * One kind, defined in one place. From it come the TypeScript type, decoding, defaults, validation, OpenAPI, `explain`, list-map
 * keys for patches, printer columns, names, subresources and life-cycle rules. Shared code asks the definition and never
 * branches on a kind's name.
 */
export interface KindDefinition<T extends KubeObject = KubeObject, Input = unknown> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** Decodes: unknown fields are dropped, unconditional defaults filled in. */
  readonly schema: z.ZodType<T, Input>
  /** Beside `T`: the top-level fields, for those who walk the schema. */
  readonly fields: z.ZodRawShape
  /** Where the schema is data that came at run time (custom resources): takes the place of `schema` and `fields`. */
  readonly dynamic?: DynamicSchema
  /** Where objects are kept in another version of the kind than this one; undefined: in this one. */
  readonly storedAs?: StoredAs<T>
  /** What may be done to it. All eight verbs, unless it is made when asked for: reviews, metrics. */
  readonly verbs: readonly Verb[]
  readonly description: string
  /** Told to everyone who uses this version. */
  readonly deprecationWarning?: string
  /** Printer columns after NAME, AGE included. */
  readonly columns: readonly Column<T>[]
  /** What the NAME column of a table says, metadata.name by default; false: there is no such column. */
  readonly rowName?: ((object: T) => string) | false
  /** What a table says about a row as a whole: finished pods are Completed. */
  readonly rowConditions?: (object: T) => readonly RowCondition[] | undefined
  readonly subresources: readonly Subresource[]
  readonly scale?: ScaleMapping<T>
  /** Subresources that show a part of the spec by which alone that part may change. */
  readonly parts?: Readonly<Partial<Record<Subresource, SpecPart<T>>>>
  /** Field selectors beside metadata.name and metadata.namespace. */
  readonly selectableFields: Readonly<Record<string, (object: T) => string>>
  /** What is said about a field selector on any other field; undefined: the usual. */
  readonly unselectable?: (field: string) => string
  /** Which fields a change of counts as a new generation; undefined: the kind has no generation. */
  readonly generationOf?: (object: T) => unknown
  /** Whether an update without a resourceVersion overwrites what is stored. */
  readonly allowUnconditionalUpdate: boolean
  /** Whether a PUT on a missing name creates it (Service, Event, LimitRange, Lease, RuntimeClass, RBAC's kinds). */
  readonly allowCreateOnUpdate: boolean
  /** Whether who creates an object may bring its status along (Node: a kubelet registers with it). */
  readonly keepsStatusOnCreate: boolean
  /**
   * From when on managedFields tell who set what: from the creation, or (`onceApplied`, for kinds that are written all the time and
   * hardly ever applied) from the first server-side apply.
   */
  readonly tracksManagers: 'always' | 'onceApplied'
  /** What of metadata a write to the status leaves as it was: all of it, or these fields; absent: nothing, what is sent counts. */
  readonly statusKeeps?: 'metadata' | readonly ('labels' | 'ownerReferences')[]
  /** Names must match this; answers what is wrong (without the field), one text per fault. */
  readonly validateName: (name: string) => readonly string[]
  /** Conditional defaults; mutates. Runs on every write, after decoding. */
  readonly default: (object: Draft<T>) => void
  /** What the server sets or wipes before a create; mutates. Status has already been reset to its default. */
  readonly prepareForCreate: (object: Draft<T>) => void
  /** What the server keeps from the old object on an update; mutates the new one. Status has already been kept. */
  readonly prepareForUpdate: (object: Draft<T>, old: T) => void
  /** Everything wrong with an object, all at once. `old` on updates: then immutability is checked too. */
  readonly validate: (object: T, old?: T) => readonly FieldError[]
  /** As `validate`, for writes to the status, through whichever of `statusViews`. */
  readonly validateStatus: (object: T, old: T, subresource?: string) => readonly FieldError[]
  /** What people are told although nothing is wrong, once an object is valid; absent: never anything. `old` on updates. */
  readonly warnings?: (object: T, old?: T) => readonly string[]
  readonly deletion: DeletionRules<T>
}

export type Subresource =
  | 'status'
  | 'scale'
  | 'binding'
  | 'eviction'
  | 'log'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'finalize'
  | 'token'
  | 'proxy'
  | 'ephemeralcontainers'
  | 'resize'
  | 'approval'

/** The subresources that are a view on the object in which only the status may be written. */
export const statusViews: ReadonlySet<string | undefined> = new Set(['status', 'approval'])

/** How a write through a subresource reaches a part of the spec. */
export interface SpecPart<T> {
  /** The old spec with that part of a body, which has not been decoded; changes neither. */
  readonly narrow: (body: unknown, old: T) => unknown
  /** Takes the place of the kind's `validate`. */
  readonly validate: (object: T, old: T) => readonly FieldError[]
}

/** A schema that is data. Both functions promise what `tryDecode` and `jsonSchemaOf` do. */
export interface DynamicSchema {
  readonly decode: (value: unknown, ignoresUnknown: boolean) => DecodeResult<KubeObject>
  readonly jsonSchema: () => KindSchema
}

/** How an object gets from the version it is served in to the one it is kept in, and back. Neither changes what it is given. */
export interface StoredAs<T> {
  /** The kind in the version that is kept: same group of the store, same objects. Its rules hold for both, unless said otherwise. */
  readonly kind: AnyKind
  /** `object` has been decoded and defaulted in this version. */
  readonly toStored: (object: T) => object | Promise<object>
  readonly fromStored: (object: KubeObject) => object | Promise<object>
  /** As `fromStored`, for many at once; for those who have to ask somebody about it. */
  readonly allFromStored?: (objects: readonly KubeObject[]) => Promise<readonly object[]>
  /** Whether `fromStored` of this object has to ask somebody, and so answers a promise; absent: never. */
  readonly asks?: (object: KubeObject) => boolean
  /** This version is validated and defaulted by its own definition; otherwise by that of the kind that is kept. */
  readonly hasOwnRules?: true
}

export interface Column<T> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date' | 'boolean' | 'number'
  readonly format?: string
  readonly description: string
  /** 0: always shown; 1: only with `-o wide`. */
  readonly priority: 0 | 1
  /** `now` in milliseconds, for ages. */
  readonly value: (object: T, now: number) => string | number | boolean
}

export interface RowCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

export interface ScaleMapping<T> {
  /** `undefined`: nobody has said how many, and there is no default. */
  readonly specReplicas: (object: T) => number | undefined
  /** Where that number is, for those who miss it. */
  readonly specReplicasPath?: string
  readonly statusReplicas: (object: T) => number
  /** The label selector as text. */
  readonly selector: (object: T) => string
  readonly setReplicas: (object: Draft<T>, replicas: number) => void
}

export interface DeletionRules<T> {
  readonly defaultPropagation: DeletionPropagation
  /** Seconds between DELETE and removal, given what the caller asked for; undefined: removed at once. (graceful deletion) */
  readonly gracePeriodSeconds?: (object: T, requested: number | undefined) => number
  /** A reason why it may not be deleted at all. */
  readonly forbidden?: (object: T) => string | undefined
  /** Finalizers other than metadata's own that keep the object (Namespace: spec.finalizers). */
  readonly holds?: (object: T) => boolean
  /** Whether DELETE answers the object even when it is gone at once; otherwise a Success status then. */
  readonly answersObject?: boolean
  /** Marks the object as being deleted in its own way (Namespace: phase Terminating); mutates. */
  readonly prepare?: (object: Draft<T>) => void
}

/** An object that is still being made: everything may be written. */
export type Draft<T> = Mutable<T>

/** Shared code handles kinds it knows nothing about. The only `any` there is. */
// biome-ignore lint/suspicious/noExplicitAny: variance: a list of kinds of different types
export type AnyKind = KindDefinition<any, any>

/** The type of a kind's objects as the server hands them out. */
export type ObjectOf<K> = K extends KindDefinition<infer T, infer _Input> ? T : never
/** What one may write to create an object: defaults may be left out. */
export type InputOf<K> = K extends KindDefinition<infer _T, infer Input> ? Input : never

type MetaOf<Namespaced extends boolean> = Namespaced extends true ? NamespacedObjectMeta : z.output<typeof ObjectMeta>

/** A definition's object type: the envelope, metadata and the kind's own fields. */
export type TypeOf<Shape extends z.ZodRawShape, Namespaced extends boolean> = {
  apiVersion: string
  kind: string
  metadata: MetaOf<Namespaced>
} & z.output<z.ZodObject<Shape>>

export type InputTypeOf<Shape extends z.ZodRawShape> = {
  apiVersion?: string
  kind?: string
  metadata: z.input<typeof ObjectMeta>
} & z.input<z.ZodObject<Shape>>

/** A column that says only what is not usual: text, always shown. */
type InlineColumn<T> = Pick<Column<T>, 'name' | 'description' | 'value'> & Partial<Column<T>>

interface KindOptions<Shape extends z.ZodRawShape, Namespaced extends boolean, T = TypeOf<Shape, Namespaced>> {
  group: string
  version: string
  kind: string
  plural: string
  singular?: string
  shortNames?: string[]
  categories?: string[]
  namespaced: Namespaced
  description: string
  /** Everything beside apiVersion, kind and metadata. Made when first needed. */
  fields: () => Shape
  /** Printer columns after NAME; `age` of columns.ts is one of them. */
  columns?: (Column<T> | InlineColumn<T>)[]
  rowName?: ((object: T) => string) | false
  rowConditions?: (object: T) => RowCondition[] | undefined
  subresources?: Subresource[]
  scale?: ScaleMapping<T>
  parts?: Partial<Record<Subresource, SpecPart<T>>>
  selectableFields?: Record<string, (object: T) => string>
  unselectable?: (field: string) => string
  generationOf?: (object: T) => unknown
  storedAs?: StoredAs<T>
  deprecationWarning?: string
  verbs?: Verb[]
  tracksManagers?: 'always' | 'onceApplied'
  statusKeeps?: 'metadata' | readonly ('labels' | 'ownerReferences')[]
  /** The numbers of the top-level fields in protobuf, see wire.ts; `metadata spec status` unless said otherwise. */
  wire?: string
  allowUnconditionalUpdate?: boolean
  allowCreateOnUpdate?: boolean
  keepsStatusOnCreate?: boolean
  /** Whether finalizers may be without a domain. */
  bareFinalizers?: boolean
  validateName?: (name: string) => string[]
  default?: (object: Draft<T>) => void
  prepareForCreate?: (object: Draft<T>) => void
  prepareForUpdate?: (object: Draft<T>, old: T) => void
  validate?: (object: T, old?: T) => FieldError[]
  validateStatus?: (object: T, old: T, subresource?: string) => FieldError[]
  warnings?: (object: T, old?: T) => string[]
  deletion?: Partial<DeletionRules<T>>
}

/** Makes a definition out of what is particular to a kind; everything else gets the usual answer. */
export function defineKind<Shape extends z.ZodRawShape, const Namespaced extends boolean>(
  options: KindOptions<Shape, Namespaced>,
): KindDefinition<TypeOf<Shape, Namespaced> & KubeObject, InputTypeOf<Shape>> {
  const { kind, validate = () => [], validateStatus = () => [] } = options
  const fieldsOf = once(options.fields)
  const schema = envelope(options, fieldsOf)
  const nothing = () => {}
  const definition: AnyKind = {
    shortNames: [],
    categories: [],
    subresources: [],
    selectableFields: {},
    singular: kind.toLowerCase(),
    allowUnconditionalUpdate: true,
    allowCreateOnUpdate: false,
    keepsStatusOnCreate: false,
    default: nothing,
    prepareForCreate: nothing,
    prepareForUpdate: nothing,
    validateName: subdomainName,
    ...options,
    verbs: options.verbs ?? everyVerb,
    tracksManagers: options.tracksManagers ?? 'always',
    columns: (options.columns ?? []).map(column => ({ type: 'string', priority: 0, ...column })),
    // Every kind has the same metadata, and all that is wrong is told at once.
    validate: (object, old) => [...validateMetadata(object.metadata, options.namespaced, options), ...validate(object, old)],
    validateStatus: (object, old, subresource) => [
      ...validateMetadata(object.metadata, options.namespaced, options),
      ...validateStatus(object, old, subresource),
    ],
    listKind: `${kind}List`,
    schema,
    get fields() {
      return fieldsOf()
    },
    deletion: { defaultPropagation: 'Background', ...options.deletion },
  }
  return definition
}

const everyVerb: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const apiVersionText = () => z.string().optional().describe('Group and version that the object is written in.')
const kindText = () => z.string().optional().describe('What the object is.')

type Envelope = Pick<KindDefinition, 'group' | 'version' | 'kind' | 'description'> & { wire?: string }

/** The schema of whole objects, known to OpenAPI as `io.k8s.api.apps.v1.Deployment`. */
function envelope<Shape extends z.ZodRawShape>(
  { group, version, kind, description, wire = 'metadata spec status' }: Envelope,
  fieldsOf: () => Shape,
) {
  const schema = lazyObject(() => ({ apiVersion: apiVersionText(), kind: kindText(), metadata: ObjectMeta, ...fieldsOf() }))
  const id = `io.k8s.api.${group.split('.')[0] || 'core'}.${version}.${kind}`
  setWire(schema, wire)
  z.globalRegistry.add(schema, { id, description, 'x-kubernetes-group-version-kind': [{ group, version, kind }] })
  return schema
}

/** What a function answers the first time it is asked. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** `v1` or `apps/v1`. */
export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group ? `${group}/${version}` : version
}
