import type * as z from 'zod'
import { type AnyKind, apiVersionOf } from './kind.ts'
import { DeleteOptions } from './meta.ts'
import {
  expectType,
  type OnField,
  ProtobufError,
  readBytes,
  readerOf,
  readFields,
  readText,
  wireTypes,
} from './protobuf-reader.ts'
import { type JsonObject, messageOf, readType } from './protobuf-types.ts'

/** What a protobuf body says about itself. */
export interface Envelope {
  readonly apiVersion: string
  readonly kind: string
  /** The message of that kind. */
  readonly raw: Buffer
}

const magic = Buffer.from('k8s\0')

/** Opens the frame of a protobuf body: four bytes, then a runtime.Unknown. Throws ProtobufError. */
export function openEnvelope(bytes: Buffer): Envelope {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    const expected = `expected prefix [${magic.join(' ')}]`
    throw new ProtobufError(`provided data does not appear to be a protobuf message, ${expected}`)
  }
  const reader = readerOf(bytes.subarray(magic.length))
  return readFields(reader, reader.limit, { apiVersion: '', kind: '', raw: Buffer.alloc(0) }, envelopeField)
}

const envelopeField: OnField<{ apiVersion: string; kind: string; raw: Buffer }> = (reader, number, wireType, target) => {
  if (number > 2) return false
  expectType(number === 1 ? 'TypeMeta' : 'Raw', wireType, wireTypes.bytes)
  const part = readBytes(reader)
  if (number === 2) target.raw = part
  else readFields(readerOf(part), part.length, target, typeField)
  return true
}

const typeField: OnField<{ apiVersion: string; kind: string }> = (reader, number, wireType, target) => {
  if (number > 2) return false
  expectType(number === 1 ? 'APIVersion' : 'Kind', wireType, wireTypes.bytes)
  target[number === 1 ? 'apiVersion' : 'kind'] = readText(reader)
  return true
}

/**
 * The JSON value that a message of a kind stands for, as its sender would have written it in JSON: zero values of plain fields and
 * times that are not set are left out. Throws ProtobufError.
 */
export function readKind(kind: AnyKind, raw: Buffer): JsonObject {
  return readSchema(kind.schema, raw, { apiVersion: apiVersionOf(kind), kind: kind.kind })
}

/** DeleteOptions, which are of no group: they come in the version of what is to be deleted. Throws ProtobufError. */
export function readOptions(apiVersion: string, raw: Buffer): JsonObject {
  return readSchema(DeleteOptions, raw, { apiVersion, kind: 'DeleteOptions' })
}

function readSchema(schema: z.core.$ZodType, raw: Buffer, target: JsonObject): JsonObject {
  const reader = readerOf(raw)
  return readType(reader, raw.length, messageOf(schema), target)
}
