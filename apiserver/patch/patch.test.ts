import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { brotliDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { ApiError, type Status } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import { deepFreeze } from '../../lib/json.ts'
import { applyJsonPatch } from './json.ts'
import { mergePatch } from './merge.ts'
import { strategicMerge } from './strategic.ts'

type Json = Record<string, unknown>

function refusalOf(run: () => unknown): Status {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    return (error as ApiError).status
  }
  return expect.unreachable('was not refused')
}

describe('merge patch', () => {
  // The examples of RFC 7386, appendix A.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(deepFreeze(target), deepFreeze(patch))).toEqual(result)
  })

  test('a prototype cannot be patched', () => {
    const patch: unknown = JSON.parse('{"__proto__":{"evil":true},"a":1}')
    const result = mergePatch({}, patch) as Json
    expect(result).toEqual({ a: 1 })
    expect(result.evil).toBeUndefined()
  })
})

describe('JSON patch', () => {
  test('no patch nests deeper than a body may be, however small its steps', () => {
    const deeper = Array.from({ length: 12 }, (_, i) => ({ op: 'copy', from: '/a', path: `/a${'/a'.repeat(2 ** i)}` }))
    expect(() => applyJsonPatch({ a: { a: {} } }, deeper)).toThrow(/rejected our request/)
    const step = { op: 'add', path: `/a${'/a'.repeat(200)}`, value: JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`) }
    const target = JSON.parse(`${'{"a":'.repeat(202)}1${'}'.repeat(202)}`)
    expect(() => applyJsonPatch(target, [step])).toThrow(/rejected our request/)
  })

  const target = deepFreeze({ a: { 'b/c': 1, list: ['x', 'y'] }, spec: { replicas: 1 } })

  test.each([
    ['add', [{ op: 'add', path: '/a/d', value: 2 }], { ...target, a: { ...target.a, d: 2 } }],
    ['append', [{ op: 'add', path: '/a/list/-', value: 'z' }], { ...target, a: { ...target.a, list: ['x', 'y', 'z'] } }],
    ['escapes', [{ op: 'replace', path: '/a/b~1c', value: 2 }], { ...target, a: { ...target.a, 'b/c': 2 } }],
    ['remove', [{ op: 'remove', path: '/a' }], { spec: { replicas: 1 } }],
    ['move', [{ op: 'move', from: '/spec/replicas', path: '/spec/count' }], { ...target, spec: { count: 1 } }],
    ['copy', [{ op: 'copy', from: '/spec', path: '/more' }], { ...target, more: { replicas: 1 } }],
    ['test', [{ op: 'test', path: '/spec/replicas', value: 1 }], target],
  ])('%s', (_name, patch, result) => {
    expect(applyJsonPatch(target, patch)).toEqual(result)
  })

  test.each([
    ['a failing test', [{ op: 'test', path: '/spec/replicas', value: 2 }]],
    ['a missing path', [{ op: 'remove', path: '/spec/none' }]],
    ['a missing parent', [{ op: 'add', path: '/no/such', value: 2 }]],
    ['an index out of bounds', [{ op: 'add', path: '/a/list/9', value: 2 }]],
    ['an unknown operation', [{ op: 'rename', path: '/a' }]],
    ['a prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }]],
  ])('%s is refused without saying why', (_name, patch) => {
    expect(refusalOf(() => applyJsonPatch(target, patch))).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    })
  })

  test('a patch that is no list, or too long a list', () => {
    expect(refusalOf(() => applyJsonPatch(target, { op: 'remove', path: '/a' }))).toMatchObject({ code: 400 })
    const long = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/spec/replicas', value: 1 }))
    expect(refusalOf(() => applyJsonPatch(target, long))).toMatchObject({
      code: 413,
      message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    })
  })
})

/** Nulls and directives that are left over fall to the decoder; which of them stay is of no interest. */
function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decoded)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, item]) => item !== null && !key.startsWith('$'))
  return Object.fromEntries(entries.map(([key, item]) => [key, decoded(item)]))
}

describe('strategic merge patch', () => {
  const containers = [
    { name: 'a', image: '1', env: [{ name: 'X', value: 'x' }] },
    { name: 'b', image: '2' },
  ]
  const pod = deepFreeze({ metadata: { finalizers: ['f/a', 'f/b'], labels: { l: '1' } }, spec: { containers } })
  const spec = (patch: Json, target: Json = pod.spec) =>
    (decoded(strategicMerge(Pod, deepFreeze({ spec: target }), { spec: patch })) as { spec: Json }).spec

  test.each<[string, Json, Json]>([
    [
      'an item is merged by its key',
      { containers: [{ name: 'b', image: '3' }] },
      { containers: [containers[0], { name: 'b', image: '3' }] },
    ],
    ['a new item comes first', { containers: [{ name: 'c' }] }, { containers: [{ name: 'c' }, ...containers] }],
    ['$patch: delete removes an item', { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [containers[1]] }],
    [
      '$patch: replace takes over the list',
      { containers: [{ $patch: 'replace' }, { name: 'c' }] },
      { containers: [{ name: 'c' }] },
    ],
    ['null deletes a list', { containers: null }, {}],
    [
      '$setElementOrder orders the items',
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] },
      { containers: [containers[1], containers[0]] },
    ],
    ['a plain list is replaced', { tolerations: [{ key: 't' }] }, { containers, tolerations: [{ key: 't' }] }],
    ['$patch on what is not there does nothing', { securityContext: { $patch: 'delete' } }, { containers }],
  ])('%s', (_name, patch, result) => {
    expect(spec(patch)).toEqual(result)
  })

  test('$patch on maps', () => {
    const target = { securityContext: { runAsUser: 1, fsGroup: 2 } }
    expect(spec({ securityContext: { $patch: 'replace', fsGroup: 3 } }, target)).toEqual({ securityContext: { fsGroup: 3 } })
    expect(spec({ securityContext: { $patch: 'delete' } }, target)).toEqual({ securityContext: {} })
  })

  test('$retainKeys drops what it does not name', () => {
    const target = { volumes: [{ name: 'v', emptyDir: {} }] }
    const patch = { volumes: [{ name: 'v', hostPath: { path: '/x' }, $retainKeys: ['name', 'hostPath'] }] }
    expect(spec(patch, target)).toEqual({ volumes: [{ name: 'v', hostPath: { path: '/x' } }] })
  })

  test('$deleteFromPrimitiveList takes values out', () => {
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': ['f/a'], finalizers: ['f/c'] } }
    expect(decoded(strategicMerge(Pod, pod, patch))).toMatchObject({ metadata: { finalizers: ['f/c', 'f/b'] } })
  })

  test.each<[string, Json, object]>([
    [
      'an item without its key',
      { containers: [{ image: 'z' }] },
      { code: 400, reason: 'BadRequest', message: 'map: map[image:z] does not contain declared merge key: name' },
    ],
    [
      'an unknown directive',
      { containers: [{ name: 'w', $patch: 'bogus' }] },
      { code: 400, message: 'unknown patch type: bogus in map: map[$patch:bogus name:w]' },
    ],
    ['a list of lists', { imagePullSecrets: [['a']] }, { code: 422, reason: 'Invalid' }],
    [
      'keys set that are not retained',
      { volumes: [{ name: 'v', emptyDir: {}, $retainKeys: ['name'] }] },
      { code: 400, message: 'invalid patch format of retainKeys' },
    ],
    [
      'items that the order does not have',
      { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b', image: '9' }] },
      { code: 400 },
    ],
  ])('%s is refused', (_name, patch, status) => {
    const target = { ...pod.spec, volumes: [{ name: 'v' }], imagePullSecrets: [['x']] }
    expect(refusalOf(() => spec(patch, target))).toMatchObject(status)
  })

  test('neither object nor patch is changed', () => {
    const patch = deepFreeze({ spec: { containers: [{ name: 'a', env: [{ name: 'Y', value: null }] }] } })
    expect(() => strategicMerge(Pod, pod, patch)).not.toThrow()
  })
})

describe('what upstream makes of it', () => {
  /** `result`, or the HTTP code of a refusal. */
  interface Recorded {
    readonly kind?: string
    readonly op?: 'merge' | 'json'
    readonly live: object
    readonly patch: unknown
    readonly result?: unknown
    readonly code?: number
  }
  // Random objects and patches, with every directive and some nonsense, as k8s.io/apimachinery 0.34 and json-patch.v4 patch them.
  // Recorded by scripts/patch-recordings.
  const bytes = brotliDecompressSync(readFileSync(new URL('recorded.jsonl.br', import.meta.url)))
  const recorded = bytes
    .toString()
    .split('\n')
    .map(line => JSON.parse(line) as Recorded)
  const patchers = {
    merge: ({ live, patch }: Recorded) => mergePatch(live, patch),
    json: ({ live, patch }: Recorded) => applyJsonPatch(live, patch),
    strategic({ kind, live, patch }: Recorded) {
      const known = kinds.find(({ kind: name }) => name === kind)
      return known && strategicMerge(known, live, patch)
    },
  }

  const outcome = (each: Recorded): Pick<Recorded, 'result' | 'code'> => {
    try {
      return { result: patchers[each.op ?? 'strategic'](deepFreeze(each)) }
    } catch (error) {
      return { code: (error as ApiError).status.code }
    }
  }

  test.each(['strategic', 'merge', 'json'] as const)('%s', op => {
    const cases = recorded.filter(each => (each.op ?? 'strategic') === op)
    expect(cases.length).toBeGreaterThan(500)
    const differing = cases.filter(each => !isDeepStrictEqual(outcome(each), pickOutcome(each)))
    expect(differing).toEqual([])
  })

  // A patch that is wrong is never the server's fault, which upstream says of some.
  const pickOutcome = ({ result, code }: Recorded) => (code === undefined ? { result } : { code: code === 500 ? 400 : code })
})
