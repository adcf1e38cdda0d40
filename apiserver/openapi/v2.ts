import type { OpenApi, Operation, PathItem } from './v3.ts'

type Json = Record<string, unknown>

/** An OpenAPI v2 ("swagger") document, as far as kubectl up to 1.28 reads it. */
export interface Swagger {
  readonly swagger: '2.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Json>>
  readonly definitions: Readonly<Record<string, Json>>
}

/**
 * All v3 documents as the one v2 document that old clients validate and merge with. What v2 cannot say (alternatives, nullable) is
 * left out, which makes it more lenient, never stricter (k8s.io/kube-openapi/pkg/openapiconv).
 */
export function openApiV2(documents: readonly OpenApi[]): Swagger {
  const definitions: Record<string, Json> = {}
  const paths: Record<string, Json> = {}
  for (const { components, paths: given } of documents) {
    for (const [name, schema] of Object.entries(components.schemas)) definitions[name] ??= schemaOf(schema)
    for (const [path, item] of Object.entries(given)) paths[path] = pathItem(item)
  }
  const [first] = documents
  return { swagger: '2.0', info: first?.info ?? { title: 'Kubernetes', version: '' }, paths, definitions }
}

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const

function pathItem(item: PathItem): Json {
  const result: Json = {}
  for (const method of methods) {
    const operation = item[method]
    if (operation) result[method] = operationOf(operation)
  }
  if (item.parameters) result.parameters = item.parameters.map(parameter)
  return result
}

function operationOf({ parameters, requestBody, responses, ...extensions }: Operation): Json {
  const body = requestBody && { name: 'body', in: 'body', required: true, schema: bodySchema(requestBody.content) }
  return {
    ...extensions,
    consumes: requestBody ? Object.keys(requestBody.content) : ['*/*'],
    produces: ['application/json', 'application/yaml'],
    parameters: [...(body ? [body] : []), ...parameters.map(parameter)],
    responses: Object.fromEntries(
      Object.entries(responses).map(([code, { description, content }]) => [code, { description, schema: bodySchema(content) }]),
    ),
  }
}

function bodySchema(content: Readonly<Record<string, { readonly schema: object }>>): Json {
  const [first] = Object.values(content)
  return schemaOf((first?.schema ?? { type: 'object' }) as Json)
}

function parameter(given: object): Json {
  const { schema, ...own } = given as { schema: Json }
  return { ...own, ...schema }
}

/** What v2 knows of a schema beside what is handled by name, and all `x-` extensions. */
const kept = new Set(['description', 'type', 'format', 'required', 'enum', 'default', 'pattern'])

function schemaOf(node: Json): Json {
  const target = referenceOf(node)
  if (target) return { ...(node.description !== undefined && { description: node.description }), $ref: target }
  if (Array.isArray(node.oneOf)) return scalarOf(node)
  // Anything may be in it: whatever else it says would make old clients refuse the rest.
  const isOpen = node['x-kubernetes-preserve-unknown-fields'] === true || node['x-kubernetes-int-or-string'] === true
  const result: Json = {}
  for (const [key, value] of Object.entries(node)) {
    if (kept.has(key) || key.startsWith('x-')) result[key] = value
    else if (isOpen) continue
    else if (key === 'properties') result.properties = mapValues(value as Record<string, Json>, schemaOf)
    else if (key === 'items') result.items = schemaOf(value as Json)
    else if (key === 'additionalProperties') result[key] = typeof value === 'object' ? schemaOf(value as Json) : value
  }
  if (isOpen && node['x-kubernetes-int-or-string']) delete result.type
  return result
}

/** `$ref`, bare or as the only part of an `allOf`. */
function referenceOf({ $ref, allOf }: Json): string | undefined {
  const [only, ...more] = Array.isArray(allOf) ? (allOf as Json[]) : []
  const reference = $ref ?? (more.length === 0 ? only?.$ref : undefined)
  return typeof reference === 'string' ? `#/definitions/${reference.slice(reference.lastIndexOf('/') + 1)}` : undefined
}

/** Quantities and int-or-strings are text to v2 clients, which take a number for text. */
const scalarOf = ({ description, format }: Json): Json => ({
  description,
  type: 'string',
  ...(format !== undefined && { format }),
})

function mapValues<T, U>(values: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]))
}
