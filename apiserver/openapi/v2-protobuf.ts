import type { Swagger } from './v2.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * An OpenAPI v2 document as bytes of `openapi.v2.Document`, the only form kubectl up to 1.28 reads. Field numbers are those of
 * gnostic's OpenAPIv2.proto; fields that Kubernetes does not use are left out.
 */
export function encodeSwagger({ swagger, info, paths, definitions }: Swagger): Uint8Array {
  return message([
    text(1, swagger),
    part(2, [text(1, info.title), text(2, info.version)]),
    part(
      8,
      Object.entries(paths).map(([path, item]) => part(2, [text(1, path), part(2, pathItem(item))])),
    ),
    part(9, named(1, definitions, schema)),
  ])
}

/** The fields of a message, each as its bytes; empty ones are absent. */
type Parts = readonly (Uint8Array | undefined)[]

const methods = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const

function pathItem(item: Json): Parts {
  const operations = Object.entries(methods).map(([method, number]) => {
    const given = item[method] as Json | undefined
    return given && part(number, operation(given))
  })
  return [...operations, ...parameters(9, item.parameters)]
}

function operation(given: Json): Parts {
  return [
    ...texts(6, given.produces),
    ...texts(7, given.consumes),
    ...parameters(8, given.parameters),
    part(
      9,
      Object.entries((given.responses ?? {}) as Record<string, Json>).map(([code, { description, schema: body }]) =>
        part(1, [
          text(1, code),
          part(2, [part(1, [text(1, description), body ? part(2, [part(1, schema(body as Json))]) : undefined])]),
        ]),
      ),
    ),
    ...extensions(13, given),
  ]
}

const parameters = (number: number, given: unknown): Parts =>
  ((given ?? []) as Json[]).map(each =>
    part(number, [part(1, each.in === 'body' ? [part(1, bodyParameter(each))] : [part(2, plainParameter(each))])]),
  )

const bodyParameter = (given: Json): Parts => [
  text(1, given.description),
  text(2, given.name),
  text(3, given.in),
  flag(4, given.required),
  part(5, schema(given.schema as Json)),
]

/** Query parameters may allow an empty value, which moves their later fields by one. */
function plainParameter(given: Json): Parts {
  const isPath = given.in === 'path'
  const shift = isPath ? 0 : 1
  return [
    part(isPath ? 4 : 3, [
      flag(1, given.required),
      text(2, given.in),
      text(3, given.description),
      text(4, given.name),
      text(5 + shift, given.type),
      flag(19 + shift, given.uniqueItems),
    ]),
  ]
}

function schema(node: Json): Parts {
  const { additionalProperties: more } = node
  return [
    text(1, node.$ref),
    text(2, node.format),
    text(4, node.description),
    node.default === undefined ? undefined : any(5, node.default),
    text(13, node.pattern),
    ...texts(19, node.required),
    ...((node.enum ?? []) as unknown[]).map(value => any(20, value)),
    more === undefined
      ? undefined
      : part(21, [typeof more === 'boolean' ? whole(2, Number(more)) : part(1, schema(more as Json))]),
    node.type === undefined ? undefined : part(22, [text(1, node.type)]),
    node.items === undefined ? undefined : part(23, [part(1, schema(node.items as Json))]),
    node.properties === undefined ? undefined : part(25, named(1, node.properties as Record<string, Json>, schema)),
    ...extensions(31, node),
  ]
}

/** `x-...` keys, whose values travel as YAML; JSON is YAML. */
const extensions = (number: number, node: Json): Parts =>
  Object.entries(node)
    .filter(([key]) => key.startsWith('x-'))
    .map(([key, value]) => part(number, [text(1, key), any(2, value)]))

const any = (number: number, value: unknown) => part(number, [text(2, JSON.stringify(value))])

const named = (number: number, values: Readonly<Record<string, Json>>, parts: (value: Json) => Parts): Parts =>
  Object.entries(values).map(([name, value]) => part(number, [text(1, name), part(2, parts(value))]))

const texts = (number: number, values: unknown): Parts => ((values ?? []) as string[]).map(value => text(number, value))
const flag = (number: number, value: unknown) => (value === true ? whole(number, 1) : undefined)
const text = (number: number, value: unknown) =>
  typeof value === 'string' && value !== '' ? delimited(number, Buffer.from(value)) : undefined
const part = (number: number, parts: Parts) => delimited(number, message(parts))
const whole = (number: number, value: number) => Buffer.from([...varint(number << 3), ...varint(value)])

const message = (parts: Parts) => Buffer.concat(parts.filter(each => each !== undefined))
const delimited = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes])

function varint(value: number): number[] {
  const bytes = []
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
  bytes.push(value)
  return bytes
}
