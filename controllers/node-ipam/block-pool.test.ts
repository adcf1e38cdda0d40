import { expect, test } from 'vitest'
import { blockPool } from './block-pool.ts'

const pool = () => blockPool('10.0.0.0/22', 24)
const take = (from: ReturnType<typeof pool>, count: number) => Array.from({ length: count }, () => from.take())

test('blocks are handed out in turn until none is left', () => {
  expect(take(pool(), 5)).toEqual(['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24', undefined])
})

test('a block given back is used again only after a round', () => {
  const blocks = pool()
  take(blocks, 2)
  blocks.release('10.0.0.0/24')
  expect(take(blocks, 4)).toEqual(['10.0.2.0/24', '10.0.3.0/24', '10.0.0.0/24', undefined])
})

test('what is occupied from before is not handed out, and the next one comes after it', () => {
  const blocks = pool()
  blocks.occupy('10.0.1.0/24')
  expect(take(blocks, 4)).toEqual(['10.0.2.0/24', '10.0.3.0/24', '10.0.0.0/24', undefined])
})

test.each([
  ['10.0.1.128/25', ['10.0.2.0/24', '10.0.3.0/24', '10.0.0.0/24', undefined]],
  ['10.0.0.0/23', ['10.0.2.0/24', '10.0.3.0/24', undefined, undefined]],
])('a range of another size, %s, occupies every block it touches', (range, left) => {
  const blocks = pool()
  blocks.occupy(range)
  expect(take(blocks, 4)).toEqual(left)
})

test.each([
  ['10.0.3.0/24', true],
  ['10.0.4.0/24', false],
  ['10.0.0.0/16', false],
  ['fd00::/64', false],
])('%s lies in the pool: %s', (range, isIn) => {
  expect(pool().contains(range)).toBe(isIn)
})
