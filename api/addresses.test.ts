import { expect, test } from 'vitest'
import {
  canonicalIp,
  contains,
  familyOf,
  legacyCidr,
  legacyIp,
  parseCidr,
  strictCidr,
  strictIp,
  unusableAddress,
} from './addresses.ts'
import type { FieldError } from './field-errors.ts'

const told = (errors: readonly FieldError[]) => errors.map(({ message }) => message.replace(/^Invalid value: "[^"]*": /, ''))
const noIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const noCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

test.each([
  ['10.0.0.1', []],
  ['2001:db8::1', []],
  ['010.0.0.1', ['must not have leading 0s']],
  ['::ffff:1.2.3.4', ['must not be an IPv4-mapped IPv6 address']],
  ['2001:DB8:0::1', ['must be in canonical form ("2001:db8::1")']],
  ['10.0.0.256', [noIp]],
  ['fe80::1%eth0', [noIp]],
  ['', [noIp]],
])('a strict address: %s', (text, expected) => expect(told(strictIp('ip', text))).toEqual(expected))

test('older fields take what can be read', () => {
  expect([legacyIp('ip', '010.0.0.1'), legacyIp('ip', '::ffff:1.2.3.4'), legacyCidr('c', '10.0.0.5/8')]).toEqual([[], [], []])
  expect(told([...legacyIp('ip', 'x'), ...legacyCidr('c', '10.0.0.0/33')])).toEqual([noIp, noCidr])
})

test.each([
  ['10.0.0.0/8', []],
  ['2001:db8::/64', []],
  ['10.0.0.5/8', ['must not have bits set beyond the prefix length']],
  ['10.0.0.0/08', ['must not have leading 0s in IP or prefix length']],
  ['2001:DB8::/64', ['must be in canonical form ("2001:db8::/64")']],
  ['10.0.0.0', [noCidr]],
  ['10.0.0.0/129', [noCidr]],
])('a strict range: %s', (text, expected) => expect(told(strictCidr('cidr', text))).toEqual(expected))

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['2001:db8::/32', '2001:db8:1::', true],
  ['10.0.0.0/8', '2001:db8::', false],
])('%s contains %s: %s', (cidr, ip, expected) => {
  const range = parseCidr(cidr)
  expect(range && contains(range, ip)).toBe(expected)
})

test('families and canonical forms', () => {
  expect(['10.0.0.1', '::1', '10.0.0.0/8', 'x'].map(familyOf)).toEqual(['IPv4', 'IPv6', 'IPv4', undefined])
  expect(['010.0.0.1', '2001:0db8::0001', '::ffff:1.2.3.4', 'x'].map(canonicalIp)).toEqual([
    '10.0.0.1',
    '2001:db8::1',
    '1.2.3.4',
    undefined,
  ])
})

test.each([
  ['0.0.0.0', 'may not be unspecified (0.0.0.0)'],
  ['127.0.0.1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['169.254.1.1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['fe80::1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['224.0.0.5', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
])('%s is nobody’s address', (address, why) => expect(told(unusableAddress('ip', address))).toEqual([why]))
