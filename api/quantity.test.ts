import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  quantityErrors,
  quantityOf,
  quantityOfMilli,
  roundUpToMilli,
  subtractQuantities,
  value,
} from './quantity.ts'

describe('canonical text', () => {
  test.each([
    ['1.5', '1500m'],
    ['0.1', '100m'],
    ['0.5', '500m'],
    ['1000m', '1'],
    ['2000', '2k'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000Ki', '1000Ki'],
    ['1e3', '1e3'],
    ['123.45', '123450m'],
    ['100.5Mi', '102912Ki'],
    ['2048Ki', '2Mi'],
    ['0.1m', '100u'],
    ['1e4', '10e3'],
    ['1e2', '100'],
    ['1.2e3', '1200'],
    ['0.5Ki', '512'],
    ['0', '0'],
    ['0Mi', '0'],
    ['-0', '0'],
    ['00', '0'],
    ['1E', '1E'],
    ['10Ei', '9223372036854775807'],
    ['1.5n', '2n'],
    ['0.1n', '1n'],
    ['-1.5', '-1500m'],
    ['0.125', '125m'],
    [' 1Gi ', '1Gi'],
    ['1000E', '1e21'],
  ])('%s becomes %s', (given, expected) => {
    expect(canonicalQuantity(given)).toEqual({ ok: true, text: expected })
  })

  test.each(['1.125', '1.500', '+1', '01', '1.', '100m', '500Mi', '3Gi', '250Mi'])('%s stays as it was written', given => {
    expect(canonicalQuantity(given)).toEqual({ ok: true, text: given })
  })

  test.each([
    ['', quantityErrors.format],
    ['abc', quantityErrors.format],
    ['1 Gi', quantityErrors.format],
    ['1x', quantityErrors.format],
    ['1K', quantityErrors.suffix],
    ['1ki', quantityErrors.suffix],
    ['1e', quantityErrors.suffix],
    ['1e99999', quantityErrors.suffix],
    ['1'.repeat(257), quantityErrors.numeric],
  ])('%j is refused', (given, error) => {
    expect(canonicalQuantity(given)).toEqual({ ok: false, error })
    expect(() => parseQuantity(given)).toThrow(error)
  })
})

describe('values', () => {
  test.each([
    ['-1.5', -1500, -2],
    ['1.5', 1500, 2],
    ['100m', 100, 1],
    ['0.1m', 1, 1],
    ['128Mi', 134217728000, 134217728],
    ['1k', 1_000_000, 1000],
    ['0', 0, 0],
  ])('%s is %d thousandths and %d units', (given, milli, units) => {
    expect([milliValue(given), value(given)]).toEqual([milli, units])
  })

  test('equality is by value, whatever the text', () => {
    expect(compareQuantities(parseQuantity('1'), parseQuantity('1000m'))).toBe(0)
    expect(compareQuantities(parseQuantity('1Gi'), parseQuantity('1G'))).toBe(1)
    expect(compareQuantities(parseQuantity('-1'), parseQuantity('0'))).toBe(-1)
  })

  test.each([
    ['1.0001', '1001m'],
    ['100u', '1m'],
    ['1500m', '1500m'],
    ['1.125', '1.125'],
    ['-100u', '-1m'],
  ])('%s rounded up to thousandths is %s', (given, expected) => {
    expect(roundUpToMilli(given)).toBe(expected)
  })
})

describe('arithmetic', () => {
  test.each([
    ['1.500', '1', '2500m'],
    ['512Mi', '512Mi', '1Gi'],
    ['0', '1Gi', '1Gi'],
    ['1Gi', '1k', '1073742824'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(formatQuantity(addQuantities(parseQuantity(a), parseQuantity(b)))).toBe(sum)
  })

  test('differences may be negative', () => {
    expect(formatQuantity(subtractQuantities(parseQuantity('1Gi'), parseQuantity('2Gi')))).toBe('-1Gi')
  })

  test('numbers become quantities', () => {
    expect(formatQuantity(quantityOfMilli(1500))).toBe('1500m')
    expect(formatQuantity(quantityOf(2048, 'BinarySI'))).toBe('2Ki')
  })

  test('canonical text means the same amount and is canonical itself', () => {
    const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'e-3')
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), suffix, (mantissa, end) => {
        const { text: _text, ...quantity } = parseQuantity(`${mantissa}${end}`)
        const canonical = formatQuantity(quantity)
        expect(parseQuantity(canonical).nano).toBe(quantity.nano)
        expect(canonicalQuantity(canonical)).toEqual({ ok: true, text: canonical })
      }),
    )
  })
})
