import { jsonSchemaOf, type SchemaNode } from '../../api/json-schema.ts'
import { type AnyKind, apiVersionOf, type Subresource } from '../../api/kind.ts'
import { patchTypes, type Verb } from '../../api/transport.ts'
import { version } from '../version.ts'

type Json = Record<string, unknown>

/** An OpenAPI v3 document, as far as we write one. */
export interface OpenApi {
  readonly openapi: '3.0.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

/** What can be done at a path. */
export interface PathItem {
  readonly parameters?: readonly object[]
  readonly get?: Operation
  readonly put?: Operation
  readonly post?: Operation
  readonly patch?: Operation
  readonly delete?: Operation
}

type Content = Readonly<Record<string, { readonly schema: object }>>

/** One thing that can be done. */
export interface Operation {
  readonly parameters: readonly object[]
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>
  readonly 'x-kubernetes-action': string
  readonly 'x-kubernetes-group-version-kind': { readonly group: string; readonly version: string; readonly kind: string }
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const quantityName = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const intOrStringName = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'

/** Types that schemas refer to without defining them. */
const common: Record<string, Json> = {
  [quantityName]: {
    description: 'An amount of a resource: a number, with a suffix such as m, k, M, Gi if wanted.',
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  [intOrStringName]: {
    description: 'A whole number or text.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
}

/** The name that OpenAPI knows a kind by: `io.k8s.api.apps.v1.Deployment`; a custom one's begins with its domain: `com.example.v1.Thing`. */
export function schemaName({ group, version, kind, dynamic }: Pick<AnyKind, 'group' | 'version' | 'kind' | 'dynamic'>): string {
  if (dynamic) return [...group.split('.').reverse(), version, kind].join('.')
  return `io.k8s.api.${group.split('.')[0] || 'core'}.${version}.${kind}`
}

/** The OpenAPI v3 document of one group and version. `kinds` are those served there, `bodies` those only sent to subresources. */
export function openApiDocument(kinds: readonly AnyKind[], bodies: readonly AnyKind[]): OpenApi {
  const schemas: Record<string, Json> = { ...common }
  const paths: Record<string, PathItem> = {}
  for (const kind of [...kinds, ...bodies]) {
    const { root, definitions } = jsonSchemaOf(kind)
    for (const [name, node] of Object.entries(definitions)) schemas[name] ??= openApiNode(node)
    schemas[schemaName(kind)] = { ...openApiNode(root), ...gvkExtension(kind) }
  }
  for (const schema of Object.values(schemas)) describeReferences(schema, schemas)
  for (const kind of kinds) addPaths(paths, kind)
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: version.gitVersion }, paths, components: { schemas } }
}

/** A field that only refers to a type is described by what the type is: `explain` shows the field's own text alone. */
function describeReferences({ properties = {} }: Json, schemas: Readonly<Record<string, Json>>): void {
  for (const field of Object.values(properties as Record<string, Json>)) {
    const { $ref } = ((field.allOf as Json[] | undefined)?.[0] ?? {}) as { $ref?: string }
    if ($ref !== undefined) field.description ??= schemas[$ref.slice($ref.lastIndexOf('/') + 1)]?.description
  }
}

/** On schemas the extension is a list, on operations a single one: clients look for exactly that. */
function gvkExtension({ group, version, kind, description }: AnyKind): Json {
  return { description, 'x-kubernetes-group-version-kind': [{ group, version, kind }] }
}

/** A node as OpenAPI readers expect it: named types for quantities and int-or-strings, formats for the sizes of numbers. */
function openApiNode(node: SchemaNode): Json {
  if (node['x-kubernetes-quantity']) return named(quantityName, node)
  if (node['x-kubernetes-int-or-string']) return named(intOrStringName, node)
  const result: Json = {}
  for (const [key, value] of Object.entries(node)) {
    if (key === 'id' || ((key === 'minimum' || key === 'maximum') && isSizeOfNumber(value))) continue
    if (key === '$ref') result.$ref = rewritten(String(value))
    else if (key === 'properties') result.properties = mapValues(value as Record<string, SchemaNode>, openApiNode)
    else if (key === 'items' || key === 'additionalProperties') result[key] = isNode(value) ? openApiNode(value) : value
    else if (key === 'allOf' || key === 'anyOf' || key === 'oneOf') result[key] = (value as SchemaNode[]).map(openApiNode)
    else result[key] = value
  }
  if (node.type === 'integer') result.format ??= (node as { maximum?: number }).maximum === 2 ** 31 - 1 ? 'int32' : 'int64'
  return result
}

/** Bounds that say no more than `int32` or `int64` do. */
const isSizeOfNumber = (bound: unknown) => typeof bound === 'number' && Math.abs(bound) >= 2 ** 31 - 1

function named(name: string, { description, default: initial }: SchemaNode): Json {
  return { ...(description && { description }), ...(initial !== undefined && { default: initial }), allOf: [reference(name)] }
}

const isNode = (value: unknown): value is SchemaNode => typeof value === 'object' && value !== null
const rewritten = (ref: string) => `#/components/schemas/${ref.slice(ref.lastIndexOf('/') + 1)}`

function mapValues<T, U>(values: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]))
}

const query = (name: string, type: string, description: string) => ({
  name,
  in: 'query',
  description,
  schema: { type, uniqueItems: true },
})
const dryRun = query('dryRun', 'string', 'All: check everything, store nothing.')
const fieldManager = query('fieldManager', 'string', 'Who is behind the change.')
const fieldValidation = query('fieldValidation', 'string', 'What to do about unknown fields: Ignore, Warn or Strict.')
const force = query('force', 'boolean', 'Takes fields over from other managers when applying.')
const selection = [
  query('labelSelector', 'string', 'Which labels the objects must have.'),
  query('fieldSelector', 'string', 'Which fields the objects must have.'),
  query('limit', 'integer', 'How many objects at most.'),
  query('continue', 'string', 'Where to go on.'),
  query('resourceVersion', 'string', 'How fresh the answer must be.'),
  query('resourceVersionMatch', 'string', 'How to understand resourceVersion.'),
  query('timeoutSeconds', 'integer', 'After how many seconds a watch ends.'),
  query('watch', 'boolean', 'Whether to be told of changes.'),
  query('allowWatchBookmarks', 'boolean', 'Whether to be told how far a watch has come.'),
  query('sendInitialEvents', 'boolean', 'Whether a watch starts with what is there.'),
]
const deletion = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds to end gracefully.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
]
const pathParameter = (name: string, description: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string', uniqueItems: true },
})

function addPaths(paths: Record<string, PathItem>, kind: AnyKind): void {
  const { group, plural, namespaced, subresources } = kind
  const serves = (verb: Verb) => kind.verbs.includes(verb)
  const root = `${group ? '/apis' : '/api'}/${apiVersionOf(kind)}`
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`
  const object = `${collection}/{name}`
  const parameters = namespaced ? [pathParameter('namespace', 'Where the object lives.')] : []
  const named = [pathParameter('name', 'What the object is called.'), ...parameters]
  if (namespaced && serves('list')) paths[`${root}/${plural}`] = { get: operation(kind, 'list', selection) }
  paths[collection] = {
    ...(parameters.length > 0 && { parameters }),
    ...(serves('list') && { get: operation(kind, 'list', selection) }),
    ...(serves('create') && {
      post: { ...operation(kind, 'post', [dryRun, fieldManager, fieldValidation]), requestBody: body(kind, '*/*') },
    }),
    ...(serves('deletecollection') && { delete: operation(kind, 'deletecollection', [...selection, ...deletion]) }),
  }
  if (!serves('get')) return
  paths[object] = {
    parameters: named,
    get: operation(kind, 'get', []),
    ...(serves('update') && {
      put: { ...operation(kind, 'put', [dryRun, fieldManager, fieldValidation]), requestBody: body(kind, '*/*') },
    }),
    ...(serves('patch') && {
      patch: { ...operation(kind, 'patch', [dryRun, fieldManager, fieldValidation, force]), requestBody: patchBody(kind) },
    }),
    ...(serves('delete') && { delete: operation(kind, 'delete', deletion) }),
  }
  for (const name of subresources) {
    if (!viewsOnObject.includes(name)) continue
    paths[`${object}/${name}`] = {
      parameters: named,
      get: operation(kind, 'get', []),
      put: { ...operation(kind, 'put', [dryRun, fieldManager, fieldValidation]), requestBody: body(kind, '*/*') },
      patch: { ...operation(kind, 'patch', [dryRun, fieldManager, fieldValidation, force]), requestBody: patchBody(kind) },
    }
  }
}

const viewsOnObject: readonly Subresource[] = ['status']

function operation(kind: AnyKind, action: string, parameters: readonly object[]): Operation {
  const { group, version } = kind
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind: kind.kind },
    parameters,
    responses: {
      200: { description: 'OK', content: content(reference(schemaName(kind)), ['application/json', 'application/yaml']) },
    },
  }
}

const body = (kind: AnyKind, type: string) => ({ required: true, content: content(reference(schemaName(kind)), [type]) })
/** Strategic merge needs to know the type when it is compiled: custom resources have none (contract 8). */
const patchBody = ({ dynamic }: AnyKind) => ({
  required: true,
  content: content({ type: 'object' }, [
    patchTypes.json,
    patchTypes.merge,
    ...(dynamic ? [] : [patchTypes.strategic]),
    patchTypes.apply,
  ]),
})

function content(schema: object, types: readonly string[]): Content {
  return Object.fromEntries(types.map(type => [type, { schema }]))
}
