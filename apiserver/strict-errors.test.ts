import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiError, type Status } from '../api/errors.ts'
import type { FieldValidation, PatchType, Verb } from '../api/transport.ts'
import type { ApiResponse } from './request.ts'
import { strictErrors } from './strict-errors.ts'
import { type TestServer, testServer } from './testing.ts'

test('what is wrong is told in the order in which it stands there', () => {
  const body = { spec: { odd: { x: 1 }, paused: false, containers: [{ image: 'a', strange: 1 }] } }
  const unknown = ['unknown field "spec.odd"', 'unknown field "spec.containers[0].strange"']
  const duplicates = ['spec.odd.x', 'spec.paused', 'spec.containers[0].image']
  expect(strictErrors(body, unknown, duplicates)).toEqual([
    'unknown field "spec.odd"',
    'duplicate field "spec.paused"',
    'duplicate field "spec.containers[0].image"',
    'unknown field "spec.containers[0].strange"',
  ])
  const yaml = 'yaml: unmarshal errors:\n  line 2: key "a" already set in map'
  expect(strictErrors(body, unknown, [yaml])).toEqual([yaml, ...unknown])
})

describe('field validation', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await testServer()
    await send('create', { body: { metadata: { name: 'c' }, data: { a: '1' } } })
  })
  afterAll(() => server.stop())

  interface Sent {
    readonly body: unknown
    readonly patchType?: PatchType
    readonly fieldValidation?: FieldValidation
    readonly duplicates?: readonly string[]
  }

  function send(verb: Verb, { body, patchType, fieldValidation, duplicates }: Sent): Promise<ApiResponse> {
    return server.pipeline.handle({
      group: '',
      version: 'v1',
      resource: 'configmaps',
      namespace: 'default',
      ...(verb !== 'create' && { name: 'c' }),
      verb,
      body,
      ...(patchType && { patchType }),
      ...(duplicates && { duplicates }),
      options: { dryRun: verb !== 'create', ...(fieldValidation && { fieldValidation }), fieldManager: 'me' },
      user: { name: 'me', groups: ['system:masters'] },
    })
  }

  const refusal = async (promise: Promise<unknown>): Promise<Status> => {
    const error = await promise.then(() => undefined).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ApiError)
    return (error as ApiError).status
  }

  const odd = { metadata: { name: 'c', odd: 1 }, data: { a: '1' }, dat: {} }
  const problems = ['unknown field "metadata.odd"', 'duplicate field "data.a"', 'unknown field "dat"']
  const change = { metadata: { odd: 1 }, dat: {} }
  const patches: [string, Sent, string[], string][] = [
    ['merge', { body: change, patchType: 'merge', duplicates: ['data.a'] }, ['duplicate field "data.a"'], '{"apiVersion'],
    ['strategic', { body: change, patchType: 'strategic' }, [], 'map[dat:map[] metadata:map[odd:1]]'],
    [
      'json',
      {
        body: [
          { op: 'add', path: '/metadata/odd', value: 1, odd: 1 },
          { op: 'add', path: '/dat', value: {} },
        ],
        patchType: 'json',
        duplicates: ['[0].path'],
      },
      ['json patch unknown field "[0].odd"', 'json patch duplicate field "[0].path"'],
      '{"apiVersion',
    ],
  ]
  const left = ['unknown field "metadata.odd"', 'unknown field "dat"']

  test('Strict refuses, Warn tells, Ignore passes over', async () => {
    const sent = { body: odd, duplicates: ['data.a'] }
    expect(await refusal(send('update', { ...sent, fieldValidation: 'Strict' }))).toMatchObject({
      code: 400,
      message: `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${problems.join(', ')}`,
    })
    expect(await send('update', sent)).toMatchObject({ warnings: problems })
    expect(await send('update', { ...sent, fieldValidation: 'Ignore' })).toMatchObject({ warnings: [] })
  })

  test.each(patches)('of a %s patch', async (_type, sent, own, value) => {
    const all = [...own, ...left]
    expect(await send('patch', sent)).toMatchObject({ warnings: all })
    const status = await refusal(send('patch', { ...sent, fieldValidation: 'Strict' }))
    expect(status).toMatchObject({ code: 422, reason: 'Invalid', details: { causes: [{ field: 'patch' }] } })
    expect(status.message).toContain(`strict decoding error: ${all.join(', ')}`)
    expect(status.message).toContain(JSON.stringify(value).slice(0, -1))
    expect(await send('patch', { ...sent, fieldValidation: 'Ignore' })).toMatchObject({ warnings: [] })
  })

  test('of an apply, only its text can break the rules', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { b: '1' } }
    const yaml = 'yaml: unmarshal errors:\n  line 4: key "b" already set in map'
    const sent: Sent = { body, patchType: 'apply', duplicates: [yaml] }
    expect(await send('patch', sent)).toMatchObject({ warnings: [`error converting YAML to JSON: ${yaml}`] })
    expect(await refusal(send('patch', { ...sent, fieldValidation: 'Strict' }))).toMatchObject({
      code: 400,
      message: `error strict decoding YAML: error converting YAML to JSON: ${yaml}`,
    })
  })
})
