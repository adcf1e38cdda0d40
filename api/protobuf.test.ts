import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { SelfSubjectReview, SelfSubjectReviewBeta } from './authentication/self-subject-review.ts'
import { TokenReview } from './authentication/token-review.ts'
import { SelfSubjectAccessReview } from './authorization/self-subject-access-review.ts'
import { SelfSubjectRulesReview } from './authorization/self-subject-rules-review.ts'
import { LocalSubjectAccessReview, SubjectAccessReview } from './authorization/subject-access-review.ts'
import { decode } from './decode.ts'
import { type AnyKind, apiVersionOf } from './kind.ts'
import { bodyKinds, kinds } from './kinds.ts'
import { DeleteOptions } from './meta.ts'
import { openEnvelope, readKind, readOptions } from './protobuf.ts'
import { type OnField, ProtobufError, readerOf, readMessage } from './protobuf-reader.ts'
import { goDuration } from './protobuf-scalars.ts'
import { type Shape, shapeOf } from './shape.ts'
import { parseWire, type WireField, wireOf } from './wire.ts'

interface Recording {
  apiVersion: string
  kind: string
  variant: 'full' | 'zeros'
  protobuf: string
  json: Record<string, unknown>
}

/** What a Go program of upstream's own types wrote: see scripts/protobuf-recordings. */
const recordings = brotliDecompressSync(readFileSync(new URL('testing-data/protobuf.json.br', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Recording)

/** Made when asked for, never stored: they are not in the list. */
const reviews = [
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectReviewBeta,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
]

const ours: readonly AnyKind[] = [...new Set<AnyKind>([...kinds, ...bodyKinds, ...reviews])]
const recordingOf = (kind: AnyKind, variant: Recording['variant']) =>
  recordings.find(each => each.apiVersion === apiVersionOf(kind) && each.kind === kind.kind && each.variant === variant)

const withRecording = ours
  .filter(kind => recordingOf(kind, 'full'))
  .map(kind => [`${kind.kind}.${kind.version}.${kind.group}`, kind] as const)

const bytesOf = ({ protobuf }: Recording) => Buffer.from(protobuf, 'base64')

describe.each(withRecording)('%s', (_, kind) => {
  test('a message with every field set is the JSON that Go writes for it', () => {
    const recording = recordingOf(kind, 'full') as Recording
    expect(readKind(kind, openEnvelope(bytesOf(recording)).raw)).toEqual(recording.json)
  })

  test('a message of zero values decodes as its JSON does, and zeros that Go keeps by pointer survive', () => {
    const recording = recordingOf(kind, 'zeros') as Recording
    const fromMessage = decode(kind, readKind(kind, openEnvelope(bytesOf(recording)).raw), 'Strict').object
    expect(fromMessage).toEqual(decode(kind, recording.json, 'Strict').object)
    expect(lostZeros(shapeOf(kind.schema), recording.json, fromMessage)).toEqual([])
  })

  test('a message that is cut off, or has any byte of it changed, is read or refused', () => {
    const { raw } = openEnvelope(bytesOf(recordingOf(kind, 'zeros') as Recording))
    for (let length = 0; length < raw.length; length += 7) survives(() => readKind(kind, raw.subarray(0, length)))
    for (let at = 0; at < raw.length; at += 5) {
      const changed = Buffer.from(raw)
      changed[at] = 0xff - (changed[at] as number)
      survives(() => readKind(kind, changed))
    }
  })
})

function survives(read: () => unknown): void {
  try {
    expect(read()).toBeTypeOf('object')
  } catch (error) {
    expect(error).toBeInstanceOf(ProtobufError)
  }
}

/** Paths of zeros in `expected` that `actual` has lost. Where a default takes the place of '', nothing is lost. */
function lostZeros(shape: Shape | undefined, expected: unknown, actual: unknown, path = ''): string[] {
  if (expected === null) return []
  if (typeof expected !== 'object') {
    return expected === actual || shape?.hasTextDefault
      ? []
      : [`${path}: ${JSON.stringify(expected)} became ${JSON.stringify(actual)}`]
  }
  const item = (key: string) => (shape?.type === 'object' ? shape.fields.get(key) : shape?.item)
  return Object.entries(expected).flatMap(([key, value]) =>
    lostZeros(item(key), value, (actual as Record<string, unknown> | undefined)?.[key], `${path}.${key}`),
  )
}

test('every kind that is served was recorded', () => {
  const without = ours.filter(kind => !recordingOf(kind, 'full')).map(({ kind }) => kind)
  expect(without).toEqual([])
})

test('every field of every type has its number', () => {
  const seen = new Set<unknown>()
  const missing: string[] = []
  const visit = (shape: Shape, path: string) => {
    if (seen.has(shape.schema)) return
    seen.add(shape.schema)
    if (shape.item) visit(shape.item, `${path}[]`)
    if (shape.type !== 'object') return
    const line = wireOf(shape.schema)
    if (line === undefined) return void missing.push(`${path} (${shape.goType}) has no line`)
    const words = parseWire(line)
    const names = new Set(namesOf(words))
    const special = new Set(words.filter(word => word.special !== undefined).map(({ name }) => name))
    for (const [name, field] of shape.fields) {
      const isEnvelope = (name === 'apiVersion' || name === 'kind') && shape.fields.has('apiVersion') && !names.has(name)
      if (!names.has(name) && !isEnvelope) missing.push(`${path}.${name} (${shape.goType})`)
      if (!special.has(name)) visit(field, `${path}.${name}`)
    }
    for (const name of names) if (!shape.fields.has(name)) missing.push(`${path}.${name} is no field of ${shape.goType}`)
  }
  for (const kind of ours) visit(shapeOf(kind.schema), kind.kind)
  visit(shapeOf(DeleteOptions), 'DeleteOptions')
  expect(missing).toEqual([])
})

const namesOf = (fields: readonly WireField[]): string[] =>
  fields.flatMap(({ name, inline }) => (inline ? namesOf(inline) : [name]))

test('options of a deletion come in the version of what is deleted', () => {
  const recording = recordings.find(({ apiVersion, kind }) => apiVersion === 'apps/v1' && kind === 'DeleteOptions') as Recording
  const envelope = openEnvelope(bytesOf(recording))
  expect(envelope).toMatchObject({ apiVersion: 'apps/v1', kind: 'DeleteOptions' })
  expect(readOptions('apps/v1', envelope.raw)).toEqual(recording.json)
})

describe('a line of numbers', () => {
  test('counts on, jumps, nests and names', () => {
    expect(parseWire('a 4:b c(d 3:$e) f=Other')).toEqual([
      { number: 1, name: 'a' },
      { number: 4, name: 'b' },
      {
        number: 5,
        name: 'c',
        inline: [
          { number: 1, name: 'd' },
          { number: 3, name: '$e' },
        ],
      },
      { number: 6, name: 'f', special: 'Other' },
    ])
  })

  test.each(['a(b', 'a b)', ':a', '(a)', '4:'])('%s cannot be read', line =>
    expect(() => parseWire(line)).toThrow(/protobuf line/),
  )
})

describe('bytes that are no message', () => {
  const pod = kinds.find(({ kind }) => kind === 'Pod') as AnyKind
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

  test.each([
    ['7b7d', /expected prefix \[107 56 115 0\]/],
    ['', /expected prefix/],
    ['6b387300 0aff', /unexpected EOF/],
    ['6b387300 08 01', /wrong wireType = 0 for field TypeMeta/],
  ])('frame %s', (bytes, message) => expect(() => openEnvelope(hex(bytes))).toThrow(message))

  test.each([
    ['0a 05 00', /unexpected EOF/],
    ['0a ff ff ff ff ff ff ff ff ff 01', /negative length/],
    ['0a ff ff ff ff ff ff ff ff ff ff ff 01', /integer overflow/],
    ['00', /illegal tag 0 \(wire type 0\)/],
    ['08 01', /wrong wireType = 0 for field metadata/],
    ['fb 01', /illegal wireType 3/],
    ['0a 04 0a 03 61 62', /unexpected EOF/],
    ['0a 02 0a 03 61 62 63', /unexpected EOF/],
    ['0a 09 42 07 08 ff ff ff ff ff 7f', /years 1 to 9999/],
  ])('message %s', (bytes, message) => expect(() => readKind(pod, hex(bytes))).toThrow(message))

  test('what is unknown is passed over', () => {
    const unknown = 'f8 07 01 f9 07 0000000000000000 fa 07 01 61 fd 07 00000000'
    expect(readKind(pod, hex(`${unknown} 0a 03 0a 01 61`))).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } })
  })

  test('a message that comes in parts is put together', () => {
    expect(readKind(pod, hex('0a 03 0a 01 61 0a 03 1a 01 62')).metadata).toEqual({ name: 'a', namespace: 'b' })
  })

  test('a label named __proto__ is a label', () => {
    const key = Buffer.from('__proto__').toString('hex')
    const { metadata } = readKind(pod, hex(`0a 10 5a 0e 0a 09 ${key} 12 01 61`)) as { metadata: { labels: object } }
    expect(Object.entries(metadata.labels)).toEqual([['__proto__', 'a']])
  })

  test('nesting has an end', () => {
    let bytes: Buffer = Buffer.alloc(0)
    // openAPIV3Schema.not.not.not ...
    for (let depth = 0; depth < 300; depth++) bytes = Buffer.concat([hex('e2 01'), varint(bytes.length), bytes])
    expect(() => readMessage(readerOf(Buffer.concat([varint(bytes.length), bytes])), {}, schemaField)).toThrow(
      /exceeded max depth/,
    )
  })
})

const schemaField: OnField<object> = (reader, _number, _wireType, target) => {
  readMessage(reader, target, schemaField)
  return true
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >>> 7)])
}

test.each([
  [0, '0s'],
  [1_500_000_000, '1.5s'],
  [-250_000_000, '-250ms'],
  [3_605_000_000_000, '1h0m5s'],
  [90_000_000_000, '1m30s'],
  [1500, '1.5µs'],
  [7, '7ns'],
])('%i nanoseconds are %s', (nanoseconds, text) => expect(goDuration(nanoseconds)).toBe(text))
