import type * as z from 'zod'
import { expectType, type OnField, type Reader, readFields, readLength, readMessage, wireTypes } from './protobuf-reader.ts'
import { type Scalar, scalars } from './protobuf-scalars.ts'
import { specialMessages, variants } from './protobuf-special.ts'
import { type Shape, shapeOf } from './shape.ts'
import { parseWire, type WireField, wireOf } from './wire.ts'

/** An object as JSON has it. */
export type JsonObject = Record<string, unknown>

/** A type of message, made once: how its fields get into the object that it becomes. */
export interface MessageType {
  readonly onField: OnField<JsonObject>
}

/** Reads one field into the object that the message becomes. */
type FieldReader = (reader: Reader, wireType: number, target: JsonObject) => void

/** Reads a message up to where it ends, into `target`. */
export const readType = (reader: Reader, end: number, { onField }: MessageType, target: JsonObject): JsonObject =>
  readFields(reader, end, target, onField)

/** `fields` by their numbers. */
function messageType(fields: readonly (FieldReader | undefined)[]): MessageType {
  return {
    onField(reader, number, wireType, target) {
      const field = fields[number]
      if (field === undefined) return false
      field(reader, wireType, target)
      return true
    },
  }
}

const messages = new WeakMap<z.core.$ZodType, MessageType>()

/** The message of an object's schema; its numbers are in the type's line (wire.ts). Throws where there is none. */
export function messageOf(schema: z.core.$ZodType): MessageType {
  const shape = shapeOf(schema)
  let message = messages.get(shape.schema)
  if (!message) {
    const line = wireOf(shape.schema)
    if (line === undefined) throw new Error(`${shape.goType} has no protobuf numbers`)
    messages.set(shape.schema, (message = objectMessage(shape, parseWire(line))))
  }
  return message
}

function objectMessage(shape: Shape, words: readonly WireField[]): MessageType {
  const fields: FieldReader[] = []
  for (const { number, name, special, inline } of words) {
    const field = shape.fields.get(name)
    if (inline) fields[number] = inlineField(name, objectMessage(shape, inline))
    else if (special !== undefined) fields[number] = specialField(name, special)
    else if (field) fields[number] = fieldOf(name, field)
  }
  return messageType(fields)
}

/** A message of its own whose fields JSON has beside the others. */
function inlineField(name: string, type: MessageType): FieldReader {
  return (reader, wireType, target) => {
    expectType(name, wireType, wireTypes.bytes)
    readType(reader, readLength(reader), type, target)
  }
}

function fieldOf(name: string, shape: Shape): FieldReader {
  if (shape.type === 'object') return objectField(name, () => messageOf(shape.schema))
  if (shape.type === 'list' && shape.item) return listField(name, valueOf(shape.item))
  if (shape.type === 'map' && shape.item) return mapField(name, valueOf(shape.item))
  return scalarField(name, scalarOf(shape), shape.isPlain || shape.hasTextDefault)
}

const scalarOf = ({ type, goType }: Shape): Scalar =>
  (type === 'free' ? scalars.JSON : scalars[goType]) ?? (scalars.string as Scalar)

function scalarField(name: string, { wireType: expected, read }: Scalar, isPlain: boolean): FieldReader {
  return (reader, wireType, target) => {
    expectType(name, wireType, expected)
    const value = read(reader)
    // What is not set is left out, as it would be in JSON.
    if (value === null || (isPlain && (value === '' || value === 0 || value === false))) return
    target[name] = value
  }
}

function objectField(name: string, typeOf: () => MessageType): FieldReader {
  let type: MessageType | undefined
  return (reader, wireType, target) => {
    expectType(name, wireType, wireTypes.bytes)
    const known = target[name] // a message that comes in parts is put together
    const into = (typeof known === 'object' && known !== null ? known : {}) as JsonObject
    target[name] = readType(reader, readLength(reader), (type ??= typeOf()), into)
  }
}

/** What a list or a map consists of. */
function valueOf(shape: Shape): Scalar {
  if (shape.type === 'object') return messageValue(() => messageOf(shape.schema))
  // A list within a list or map is a message whose field 1 is the list (ExtraValue).
  if (shape.type === 'list' && shape.item) return itemsValue(valueOf(shape.item))
  if (shape.type === 'map' && shape.item) throw new Error('protobuf knows no map within a list or map')
  return scalarOf(shape)
}

function messageValue(typeOf: () => MessageType): Scalar {
  let type: MessageType | undefined
  const read = (reader: Reader) => readType(reader, readLength(reader), (type ??= typeOf()), {})
  return { wireType: wireTypes.bytes, read, zero: {} }
}

function itemsValue(item: Scalar): Scalar {
  const field = listField('items', item)
  const onField: OnField<JsonObject> = (reader, number, wireType, target) => {
    if (number !== 1) return false
    field(reader, wireType, target)
    return true
  }
  const read = (reader: Reader) => readMessage<JsonObject>(reader, {}, onField).items ?? []
  return { wireType: wireTypes.bytes, read, zero: [] }
}

function listField(name: string, { wireType: expected, read }: Scalar): FieldReader {
  return (reader, wireType, target) => {
    const list = (target[name] ??= []) as unknown[]
    if (wireType === wireTypes.bytes && expected !== wireTypes.bytes) {
      const end = readLength(reader) // packed: one length, then the numbers
      while (reader.at < end) list.push(read(reader))
      return
    }
    expectType(name, wireType, expected)
    list.push(read(reader))
  }
}

interface Entry {
  key: string
  value: unknown
}

function mapField(name: string, { wireType: expected, read, zero }: Scalar): FieldReader {
  const onField: OnField<Entry> = (reader, number, wireType, entry) => {
    if (number > 2) return false
    expectType(name, wireType, number === 1 ? wireTypes.bytes : expected)
    if (number === 1) entry.key = readKey(reader)
    else entry.value = read(reader)
    return true
  }
  return (reader, wireType, target) => {
    expectType(name, wireType, wireTypes.bytes)
    const map = (target[name] ??= {}) as JsonObject
    const { key, value } = readMessage<Entry>(reader, { key: '', value: undefined }, onField)
    setOwn(map, key, value === undefined ? structuredClone(zero) : value)
  }
}

const readKey = (scalars.string as Scalar).read as (reader: Reader) => string

/** As JSON.parse does: a key is a key, whatever it is called. */
function setOwn(map: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
}

const specials = new Map<string, MessageType>()

function specialMessage(name: string): MessageType {
  let message = specials.get(name)
  if (!message) {
    const fields: FieldReader[] = []
    for (const { number, name: field, special = 'string' } of parseWire(specialMessages[name] ?? '')) {
      fields[number] = specialField(field, special)
    }
    specials.set(name, (message = messageType(fields)))
  }
  return message
}

/** A field whose type its line names: `bool`, `string*`, `JSON[]`, `JSONSchemaProps{}`. */
function specialField(name: string, special: string): FieldReader {
  const [, type = '', form = ''] = /^(\w+)(.*)$/.exec(special) ?? []
  const value = scalars[type] ?? specialValue(type)
  if (form === '[]') return listField(name, value)
  if (form === '{}') return mapField(name, value)
  return scalarField(name, value, form !== '*' && !(type in variants))
}

function specialValue(name: string): Scalar {
  const value = messageValue(() => specialMessage(name))
  const variant = variants[name]
  return variant ? { ...value, read: reader => variant(value.read(reader) as JsonObject) } : value
}
