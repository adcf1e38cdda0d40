import { expect, test } from 'vitest'
import { blocksOf, rangeOf } from './cidr.ts'

test('a range is cut into equal blocks', () => {
  const blocks = blocksOf('10.244.0.0/16', 24)
  expect([blocks.count, blocks.at(0), blocks.at(1), blocks.at(255)]).toEqual([
    256,
    '10.244.0.0/24',
    '10.244.1.0/24',
    '10.244.255.0/24',
  ])
  expect(blocksOf('100.64.0.0/10', 24).at(16_383)).toBe('100.127.255.0/24')
})

test.each([
  [() => blocksOf('10.244.0.0/16', 8), '10.244.0.0/16 cannot be cut into blocks of /8'],
  [() => rangeOf('10.244.0/16'), '10.244.0 is no IPv4 address'],
  [() => rangeOf('10.0.0.0/40'), '10.0.0.0/40 is no IPv4 range'],
])('nonsense is refused: %#', (make, message) => {
  expect(make).toThrow(message)
})
