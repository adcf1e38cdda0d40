import { expect, test } from 'vitest'
import { parseSchedule } from '../../api/batch/cron-schedule.ts'
import { timestamp } from '../../lib/clock.ts'
import { nextTime } from './next-time.ts'
import { momentOf, utc, wallTime, zonedTimestamp, zoneOf } from './zone.ts'

// What robfig/cron v3.0.1 answers.
test.each<[string, string, string, string[]]>([
  [
    '*/15 * * * *',
    'UTC',
    '2026-01-01T10:07:30Z',
    ['2026-01-01T10:15:00Z', '2026-01-01T10:30:00Z', '2026-01-01T10:45:00Z', '2026-01-01T11:00:00Z'],
  ],
  [
    '30 6-16/4 * * 1-5',
    'UTC',
    '2026-01-02T14:31:00Z',
    ['2026-01-05T06:30:00Z', '2026-01-05T10:30:00Z', '2026-01-05T14:30:00Z', '2026-01-06T06:30:00Z'],
  ],
  [
    '0 12 13 * 5',
    'UTC',
    '2026-02-01T00:00:00Z',
    ['2026-02-06T12:00:00Z', '2026-02-13T12:00:00Z', '2026-02-20T12:00:00Z', '2026-02-27T12:00:00Z'],
  ],
  [
    '0 0 29 2 *',
    'UTC',
    '2026-01-01T00:00:00Z',
    ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z', '2036-02-29T00:00:00Z', '2040-02-29T00:00:00Z'],
  ],
  ['0 0 30 2 *', 'UTC', '2026-01-01T00:00:00Z', []],
  [
    '@monthly',
    'UTC',
    '2026-01-01T00:00:00Z',
    ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z'],
  ],
  [
    '@every 1h30m',
    'UTC',
    '2026-01-01T00:10:05Z',
    ['2026-01-01T01:40:05Z', '2026-01-01T03:10:05Z', '2026-01-01T04:40:05Z', '2026-01-01T06:10:05Z'],
  ],
  [
    '0 9 * * *',
    'Asia/Kolkata',
    '2026-01-01T00:00:00Z',
    ['2026-01-01T03:30:00Z', '2026-01-02T03:30:00Z', '2026-01-03T03:30:00Z', '2026-01-04T03:30:00Z'],
  ],
  [
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T00:00:00Z',
    ['2026-03-28T01:30:00Z', '2026-03-30T00:30:00Z', '2026-03-31T00:30:00Z', '2026-04-01T00:30:00Z'],
  ],
  [
    '0 3 * * *',
    'Europe/Berlin',
    '2026-03-28T00:00:00Z',
    ['2026-03-28T02:00:00Z', '2026-03-29T01:00:00Z', '2026-03-30T01:00:00Z', '2026-03-31T01:00:00Z'],
  ],
  [
    '0 * * * *',
    'Europe/Berlin',
    '2026-03-28T23:30:00Z',
    ['2026-03-29T00:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z', '2026-03-29T03:00:00Z'],
  ],
  [
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T00:00:00Z',
    ['2026-10-24T00:30:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-26T01:30:00Z'],
  ],
  [
    '*/30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z'],
  ],
  [
    '30 1 * * *',
    'America/New_York',
    '2026-10-31T12:00:00Z',
    ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', '2026-11-02T06:30:00Z', '2026-11-03T06:30:00Z'],
  ],
  [
    '0 0 * * *',
    'America/Sao_Paulo',
    '2018-11-02T12:00:00Z',
    ['2018-11-03T03:00:00Z', '2018-11-05T02:00:00Z', '2018-11-06T02:00:00Z', '2018-11-07T02:00:00Z'],
  ],
  [
    '0 0 * * 0',
    'America/Sao_Paulo',
    '2018-10-29T12:00:00Z',
    ['2018-11-11T02:00:00Z', '2018-11-18T02:00:00Z', '2018-11-25T02:00:00Z', '2018-12-02T02:00:00Z'],
  ],
  [
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-02T00:00:00Z',
    ['2026-10-02T15:45:00Z', '2026-10-04T15:15:00Z', '2026-10-05T15:15:00Z', '2026-10-06T15:15:00Z'],
  ],
])('%s in %s after %s', (schedule, zone, after, expected) => {
  const parsed = parseSchedule(schedule)
  const times: string[] = []
  let at = Date.parse(after)
  for (let i = 0; i < Math.max(1, expected.length); i++) {
    const next = nextTime(parsed, zoneOf(zone), at)
    if (next === undefined) break
    times.push(timestamp(next))
    at = next
  }
  expect(times).toEqual(expected)
})

test('a zone that skips a whole day does not keep anybody for ever', () => {
  const at = nextTime(parseSchedule('19 2 * * 2'), zoneOf('Pacific/Apia'), Date.parse('2011-12-28T00:00:00Z'))
  expect(timestamp(at ?? 0)).toBe('2012-01-02T12:19:00Z')
})

test.each([
  ['UTC', '2026-07-01T12:00:00Z', '2026-07-01T12:00:00Z'],
  ['Europe/Berlin', '2026-07-01T12:00:00Z', '2026-07-01T14:00:00+02:00'],
  ['Europe/London', '2026-01-01T12:00:00Z', '2026-01-01T12:00:00Z'],
  ['America/St_Johns', '2026-01-01T12:00:00Z', '2026-01-01T08:30:00-03:30'],
  ['Asia/Kathmandu', '2026-01-01T12:00:00Z', '2026-01-01T17:45:00+05:45'],
])('in %s %s is %s, and back', (name, moment, expected) => {
  const zone = zoneOf(name)
  const ms = Date.parse(moment)
  expect(zonedTimestamp(zone, ms)).toBe(expected)
  expect(momentOf(zone, wallTime(zone, ms).getTime())).toBe(ms)
})

test('a zone that does not exist is refused; UTC costs nothing', () => {
  expect(() => zoneOf('Europe/Nowhere')).toThrow(RangeError)
  expect(zoneOf('Etc/UTC')).toBe(utc)
})
