import { expect, test } from 'vitest'
import { seededRandom } from '../lib/random.ts'
import { addressBands, addressNumber, addressText, freeNumber, nodePorts } from './number-bands.ts'

test.each([
  ['10.96.0.0/12', '10.96.0.1', '10.111.255.254', 256],
  ['10.96.0.0/16', '10.96.0.1', '10.96.255.254', 256],
  ['10.96.0.0/20', '10.96.0.1', '10.96.15.254', 256],
  ['10.0.0.0/24', '10.0.0.1', '10.0.0.254', 16],
  ['10.0.0.0/28', '10.0.0.1', '10.0.0.14', 0],
  ['255.255.255.0/24', '255.255.255.1', '255.255.255.254', 16],
])('%s has the addresses %s to %s, the lowest %i for those who ask', (cidr, first, last, reserved) => {
  const bands = addressBands(cidr)
  expect(bands && [addressText(bands.first), addressText(bands.last), bands.reserved]).toEqual([first, last, reserved])
})

test.each(['10.0.0.0/31', 'fd00::/108'])('%s has none', cidr => expect(addressBands(cidr)).toBeUndefined())

test('addresses are numbers and back', () => expect(addressText(addressNumber('192.168.3.77'))).toBe('192.168.3.77'))

test('the upper band goes first, then the lower one, then there is nothing', () => {
  const bands = { first: 10, last: 19, reserved: 4 }
  const taken = new Set<number>()
  const random = seededRandom(1)
  const given = Array.from({ length: 11 }, () => {
    const number = freeNumber(bands, each => taken.has(each), random)
    if (number !== undefined) taken.add(number)
    return number
  })
  expect(given.slice(0, 6).every(number => number !== undefined && number >= 14)).toBe(true)
  expect(given.slice(6, 10).every(number => number !== undefined && number < 14)).toBe(true)
  expect(new Set(given.slice(0, 10)).size).toBe(10)
  expect(given[10]).toBeUndefined()
})

test('node ports that people choose are best among 30000 to 30085', () => {
  expect([nodePorts.first, nodePorts.first + nodePorts.reserved - 1]).toEqual([30_000, 30_085])
})

test('chance decides where to begin', () => {
  const firsts = Array.from({ length: 20 }, (_, seed) => freeNumber(nodePorts, () => false, seededRandom(seed)))
  expect(new Set(firsts).size).toBeGreaterThan(10)
  expect(firsts.every(port => port !== undefined && port >= 30_086 && port <= 32_767)).toBe(true)
})
