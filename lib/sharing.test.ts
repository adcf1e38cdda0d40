import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copy, deepFreeze } from './json.ts'
import { freezeSharing } from './sharing.ts'

const isDeeplyFrozen = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen))

describe('freezeSharing', () => {
  it('keeps what is new and shares what is equal', () => {
    const like = deepFreeze({ name: 'one', spec: { env: [{ name: 'A' }, { name: 'B' }], limits: { cpu: '1' } } })
    const shared = freezeSharing({ name: 'two', spec: { env: [{ name: 'A' }, { name: 'C' }], limits: { cpu: '1' } } }, like)
    expect(shared).toEqual({ name: 'two', spec: { env: [{ name: 'A' }, { name: 'C' }], limits: { cpu: '1' } } })
    expect(shared.spec.limits).toBe(like.spec.limits)
    expect(shared.spec.env[0]).toBe(like.spec.env[0])
    expect(shared.spec.env[1]).not.toBe(like.spec.env[1])
  })

  it.each([
    ['a field less', { a: 1 }, { a: 1, b: 2 }],
    ['a field more', { a: 1, b: 2 }, { a: 1 }],
    ['an item less', [1], [1, 2]],
    ['a list where an object was', { a: [] }, { a: {} }],
    ['nothing to compare with', { a: 1 }, undefined],
    ['null', { a: null }, { a: {} }],
  ])('tells %s apart', (_what, value, like) => {
    const shared = freezeSharing(copy(value), deepFreeze(like))
    expect(shared).toEqual(value)
    expect(shared).not.toBe(like)
  })

  it('takes an absent field for one that is undefined', () => {
    const like = deepFreeze({ a: { b: 1 } })
    expect(freezeSharing({ a: { b: 1, c: undefined } }, like)).toBe(like)
  })

  it('changes no value, and leaves nothing that can be changed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, like) => {
        const text = JSON.stringify(value)
        const shared = freezeSharing(JSON.parse(text), deepFreeze(copy(like)))
        expect(JSON.parse(JSON.stringify(shared))).toEqual(JSON.parse(text))
        expect(isDeeplyFrozen(shared)).toBe(true)
        const again = JSON.parse(text)
        const isShareable = typeof again === 'object' && again !== null && !text.includes('__proto__')
        if (isShareable) expect(freezeSharing(again, shared)).toBe(shared)
      }),
    )
  })
})
