import type { AnyKind } from '../api/kind.ts'
import { type Shape, shapeOf } from '../api/shape.ts'
import { parseWire, type WireField, wireOf } from '../api/wire.ts'

type Json = Readonly<Record<string, unknown>>

/** An object as client-go sends it in protobuf: the frame of runtime.Unknown around the kind's message. */
export function protobufBody(kind: AnyKind, object: Json): Buffer {
  const type = Buffer.concat([text(1, String(object.apiVersion)), text(2, kind.kind)])
  return Buffer.concat([Buffer.from('k8s\0'), delimited(1, type), delimited(2, messageOf(shapeOf(kind.schema), object))])
}

function messageOf(shape: Shape, object: Json, fields?: readonly WireField[]): Buffer {
  const known = fields ?? parseWire(wireOf(shape.schema) ?? '')
  return Buffer.concat(
    known.flatMap(({ number, name, inline }) => {
      if (inline) return [delimited(number, messageOf(shape, object, inline))]
      const field = shape.fields.get(name)
      return field && object[name] !== undefined ? valuesOf(number, field, object[name]) : []
    }),
  )
}

function valuesOf(number: number, shape: Shape, value: unknown): Buffer[] {
  if (shape.type === 'list' && shape.item)
    return (value as unknown[]).flatMap(item => valuesOf(number, shape.item as Shape, item))
  if (shape.type === 'map' && shape.item) {
    const entries = Object.entries(value as Json)
    return entries.map(([key, item]) =>
      delimited(number, Buffer.concat([text(1, key), ...valuesOf(2, shape.item as Shape, item)])),
    )
  }
  if (shape.type === 'object') return [delimited(number, messageOf(shape, value as Json))]
  if (shape.goType === 'resource.Quantity') return [delimited(number, text(1, String(value)))]
  if (shape.goType === 'intstr.IntOrString')
    return [delimited(number, typeof value === 'number' ? whole(2, value) : text(3, String(value)))]
  if (typeof value === 'number') return [whole(number, value)]
  if (typeof value === 'boolean') return [whole(number, Number(value))]
  return [text(number, String(value))]
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const whole = (number: number, value: number) => Buffer.from([...varint(number << 3), ...varint(value)])
const text = (number: number, value: string) => delimited(number, Buffer.from(value))
const delimited = (number: number, content: Buffer) =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(content.length)]), content])
