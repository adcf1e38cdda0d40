import { describe, expect, test } from 'vitest'
import { parseSchedule } from '../api/batch/cron-schedule.ts'
import { labelName, labelValueText, qualifiedName, serviceName, subdomainName } from '../api/names.ts'
import { canonicalQuantity } from '../api/quantity.ts'
import { parseFieldSelector, parseLabelSelector } from '../api/selectors.ts'
import { parseJsonPath } from '../lib/json-path.ts'
import { expandLiterals } from './cel/message-literals.ts'
import { parseAccept } from './http/negotiation.ts'

/** Everything that reads text that clients choose. */
const parsers: Record<string, (text: string) => unknown> = {
  labelName,
  labelValueText,
  qualifiedName,
  serviceName,
  subdomainName,
  canonicalQuantity,
  parseFieldSelector,
  parseLabelSelector,
  parseAccept,
  every: text => parseSchedule(`@every ${text}`),
  parseSchedule,
  filter: text => parseJsonPath(`{[?(@.a ${text})]}`),
  expression: text => expandLiterals(`${text}{`),
}

const units = ['a', '1', '-', 'a-', 'a.', ' ', '=', '\\', '1s', '1.', ',', ';', '"', '(', '!']

describe('text without end takes time in proportion', () => {
  const length = 200_000
  test.each(Object.entries(parsers))('%s', (_, parse) => {
    for (const unit of units) {
      const began = performance.now()
      try {
        parse(`${unit.repeat(length / unit.length)}\u0001`)
      } catch (error) {
        expect(error).not.toBeInstanceOf(RangeError)
      }
      // What looks at the rest again from each character takes many seconds.
      expect([unit, performance.now() - began < 1000]).toEqual([unit, true])
    }
  })
})
