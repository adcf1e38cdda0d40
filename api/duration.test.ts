import { expect, test } from 'vitest'
import { ageOf, humanDuration } from './duration.ts'

const [minute, hour, day] = [60, 3600, 86400]

test.each([
  [-2, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [95, '95s'],
  [119, '119s'],
  [2 * minute, '2m'],
  [3 * minute + 5, '3m5s'],
  [3 * minute, '3m'],
  [10 * minute + 5, '10m'],
  [45 * minute, '45m'],
  [179 * minute, '179m'],
  [4 * hour + 5 * minute, '4h5m'],
  [4 * hour, '4h'],
  [30 * hour, '30h'],
  [48 * hour, '2d'],
  [3 * day + 4 * hour, '3d4h'],
  [8 * day + hour, '8d'],
  [400 * day, '400d'],
  [760 * day, '2y30d'],
  [730 * day, '2y'],
  [9 * 365 * day, '9y'],
])('%d s is %s', (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text)
})

test('an age without a beginning is unknown', () => {
  expect(ageOf(undefined, 0)).toBe('<unknown>')
  expect(ageOf('2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1, 0, 0, 42))).toBe('42s')
})
