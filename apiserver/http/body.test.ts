import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Scale } from '../../api/autoscaling/scale.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Pod } from '../../api/core/pod.ts'
import { defineKind } from '../../api/kind.ts'
import { kindTable } from '../kind-table.ts'
import { type BodyOptions, decodeBody, decodePatch, patchTypeOf, withBodyKinds } from './body.ts'
import type { YamlReader } from './yaml-reader.ts'

const widget = {
  ...defineKind({
    group: 'x.io',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    description: '',
    fields: () => ({}),
  }),
  dynamic: { decode: () => ({ ok: false as const, error: '' }), jsonSchema: () => ({}) as never },
}
const kinds = withBodyKinds(kindTable([ConfigMap, Pod, widget]), [Scale])
const target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' }
const widgets = { ...target, group: 'x.io', resource: 'widgets' }
const protobuf = 'application/vnd.kubernetes.protobuf'

const read = async (bytes: Buffer | string, type?: string, more: Partial<BodyOptions> = {}) =>
  decodeBody(Buffer.from(bytes), type, { kinds, target, findsDuplicates: true, ...more })

const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
const frame = (apiVersion: string, kind: string, raw: Buffer) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([Buffer.from([0x0a]), text(apiVersion), Buffer.from([0x12]), text(kind)])),
    field(2, raw),
  ])
const named = field(1, field(1, Buffer.from('a')))

describe('JSON', () => {
  test.each([undefined, 'application/json', 'Application/JSON; charset=utf-8'])('as %s', async type => {
    expect(await read('{"a":1}', type)).toEqual({ value: { a: 1 } })
    expect(await read('', type)).toEqual({ value: undefined })
  })

  test('tells what is set twice, of those fields that the kind knows', async () => {
    const body = '{"data":{"a":"1","a":"2"},"odd":1,"odd":2}'
    expect(await read(body)).toEqual({ value: { data: { a: '2' }, odd: 2 }, duplicates: ['data.a'] })
    expect(await read(body, undefined, { findsDuplicates: false })).toEqual({ value: { data: { a: '2' }, odd: 2 } })
    expect(await read(body, undefined, { target: widgets })).toMatchObject({ duplicates: ['data.a', 'odd'] })
    const scale = '{"apiVersion":"autoscaling/v1","kind":"Scale","spec":{"replicas":1,"replicas":2},"odd":1,"odd":2}'
    expect(await read(scale)).toMatchObject({ duplicates: ['spec.replicas'] })
  })

  test('text within text is no field', async () => {
    const applied = JSON.stringify({ a: 1, b: { a: 2 } })
    expect(await read(JSON.stringify({ metadata: { annotations: { applied } } }))).not.toHaveProperty('duplicates')
  })

  test('long text is no obstacle', async () => {
    const a = `x${'\\n"'.repeat(300_000)}`
    expect(await read(JSON.stringify({ data: { a, '":': ' :' } }))).toEqual({ value: { data: { a, '":': ' :' } } })
  })
})

describe('YAML', () => {
  test('is read as JSON', async () => {
    expect(await read('a: 1\n', 'application/yaml')).toEqual({ value: { a: 1 } })
    expect(await read('{"a":1}', 'application/yaml')).toEqual({ value: { a: 1 } })
  })

  test('tells what is set twice by line', async () => {
    const duplicates = ['yaml: unmarshal errors:\n  line 2: key "a" already set in map']
    expect(await read('a: 1\na: 2', 'application/yaml')).toEqual({ value: { a: 2 }, duplicates })
  })

  test('is read elsewhere when it is long', async () => {
    const asked: string[] = []
    const yaml: YamlReader = {
      async read({ text }) {
        asked.push(text)
        return text.startsWith('a: [') ? { error: 'it is odd' } : { json: '{"a":7}', duplicates: 'yaml: twice' }
      },
      close: async () => {},
    }
    const long = `a: 1\n${'# and so on\n'.repeat(2000)}`
    expect(await read('a: 1\n', 'application/yaml', { yaml })).toEqual({ value: { a: 1 } })
    expect(await read(JSON.stringify({ a: long }), 'application/yaml', { yaml })).toEqual({ value: { a: long } })
    expect(asked).toEqual([])
    expect(await read(long, 'application/yaml', { yaml })).toEqual({ value: { a: 7 }, duplicates: ['yaml: twice'] })
    const refused = read(`a: [${long}`, 'application/yaml', { yaml })
    await expect(refused).rejects.toMatchObject({
      status: { code: 400, message: expect.stringContaining('yaml parse error: it is odd') },
    })
  })

  test('is refused when it cannot be read', async () => {
    await expect(read('a: [', 'application/yaml')).rejects.toMatchObject({ status: { code: 400, reason: 'BadRequest' } })
  })
})

describe('protobuf', () => {
  test('is read as the kind that it says it is', async () => {
    const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
    expect(await read(frame('v1', 'ConfigMap', named), protobuf)).toEqual({ value })
    expect(await read(frame('', '', named), protobuf)).toEqual({ value })
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a' } }
    expect(await read(frame('autoscaling/v1', 'Scale', named), protobuf)).toEqual({ value: scale })
  })

  test('options of a deletion come in any version, for custom resources too', async () => {
    const lines = brotliDecompressSync(readFileSync(new URL('../../api/testing-data/protobuf.json.br', import.meta.url)))
    const recordings = lines
      .toString()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { kind: string; protobuf: string; json: object })
    const { protobuf: bytes = '', json } = recordings.find(({ kind }) => kind === 'DeleteOptions') ?? {}
    const options = { target: widgets, isOptions: true, findsDuplicates: false }
    expect(await read(Buffer.from(bytes, 'base64'), protobuf, options)).toEqual({ value: json })
    expect(await read('', 'text/plain', options)).toEqual({ value: undefined })
  })

  test.each([
    ['no frame', Buffer.from('x'), /unrecognized: .*expected prefix \[107 56 115 0\]/],
    [
      'a message that is cut off',
      frame('v1', 'ConfigMap', Buffer.from([0x0a])),
      /^ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF$/,
    ],
    [
      'an unknown kind',
      frame('v1', 'Nope', named),
      /^Nope in version "v1" cannot be handled as a ConfigMap: no kind "Nope" is registered for version "v1"/,
    ],
    ['a custom kind', frame('x.io/v1', 'Widget', named), /no kind "Widget" is registered for version "x.io\/v1"/],
  ])('%s is a 400', async (_, bytes, message) => {
    const refused = read(bytes, protobuf)
    await expect(refused).rejects.toMatchObject({ status: { code: 400, reason: 'BadRequest' } })
    await expect(refused).rejects.toThrow(message)
  })

  test('what is not served at all is for the pipeline to refuse', async () => {
    const nowhere = { ...target, resource: 'nopes' }
    expect(await read(frame('v1', 'Nope', named), protobuf, { target: nowhere })).toEqual({
      value: { apiVersion: 'v1', kind: 'Nope' },
    })
  })
})

describe('what is nested without end is refused', () => {
  const deep = 100_000
  const list = `${'['.repeat(deep)}${']'.repeat(deep)}`
  const map = `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`
  const places = [list, map, `[${map}]`, `{"kind":${list}}`, `{"apiVersion":${map}}`, `{"metadata":{"labels":{"a":${list}}}}`]
  const refused = { status: { code: 400, message: expect.stringMatching(/exceeded max depth/) } }

  test.each(places.map(text => [text.slice(0, 40), text]))('%s…', async (_, text) => {
    const options = { kinds, target, findsDuplicates: true }
    await expect(read(text)).rejects.toMatchObject(refused)
    await expect(read(text, 'application/json', { isOptions: true })).rejects.toMatchObject(refused)
    await expect(read(text, 'application/yaml')).rejects.toMatchObject(refused)
    for (const type of ['json', 'merge', 'strategic', 'apply'] as const) {
      await expect((async () => decodePatch(Buffer.from(text), type, options))()).rejects.toMatchObject(refused)
    }
  })

  test.each([['- '.repeat(deep)], ['? '.repeat(deep)], [Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')]])(
    'as YAML',
    async text => {
      await expect(read(text, 'application/yaml')).rejects.toMatchObject(refused)
    },
  )

  test('as text in protobuf', async () => {
    const long = (number: number, bytes: Buffer) => Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
    const fields = long(7, long(1, Buffer.from(list)))
    const raw = long(1, long(17, fields))
    const bytes = Buffer.concat([Buffer.from('k8s\0'), field(1, Buffer.from('\n\x02v1\x12\x09ConfigMap')), long(2, raw)])
    await expect(read(bytes, protobuf)).rejects.toMatchObject(refused)
  })
})

/** A number as protobuf writes it. */
const varint = (value: number): Buffer =>
  value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >>> 7)])

describe('other types', () => {
  const accepted = 'the body of the request was in an unknown format - accepted media types include: '

  test.each([
    ['text/plain', target, 'application/json, application/yaml, application/vnd.kubernetes.protobuf'],
    ['application/merge-patch+json', target, 'application/json, application/yaml, application/vnd.kubernetes.protobuf'],
    [protobuf, widgets, 'application/json, application/yaml'],
  ])('%s to %o', async (type, to, types) => {
    const refused = { status: { code: 415, reason: 'UnsupportedMediaType', message: `${accepted}${types}` } }
    await expect(read('x', type, { target: to })).rejects.toMatchObject(refused)
    await expect(read('', type, { target: to })).rejects.toMatchObject(refused)
  })

  test('patches are of four types, and of three for custom resources', () => {
    expect(patchTypeOf('application/strategic-merge-patch+json', { kinds, target })).toBe('strategic')
    expect(patchTypeOf('application/apply-patch+yaml', { kinds, target: widgets })).toBe('apply')
    const all =
      'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml'
    expect(() => patchTypeOf('application/json', { kinds, target })).toThrow(`${accepted}${all}`)
    const some = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
    expect(() => patchTypeOf('application/strategic-merge-patch+json', { kinds, target: widgets })).toThrow(`${accepted}${some}`)
  })

  test('a patch tells all that is set twice: what it is for nobody knows yet', async () => {
    const options = { kinds, target, findsDuplicates: true }
    const json = decodePatch(Buffer.from('[{"op":"add","op":"test"}]'), 'json', options)
    expect(await json).toEqual({ value: [{ op: 'test' }], duplicates: ['[0].op'] })
    const merge = decodePatch(Buffer.from('{"odd":1,"odd":2}'), 'merge', options)
    expect(await merge).toEqual({ value: { odd: 2 }, duplicates: ['odd'] })
    const apply = decodePatch(Buffer.from('a: 1\na: 2'), 'apply', options)
    expect(await apply).toMatchObject({ value: { a: 2 }, duplicates: [expect.stringMatching(/^yaml: /)] })
  })
})
