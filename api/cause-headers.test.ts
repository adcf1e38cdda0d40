import { expect, test } from 'vitest'
import { causeFromHeaders, causeHeaders, productOf } from './cause-headers.ts'
import type { Cause } from './journal.ts'

test.each<[string, Cause]>([
  ['an actor', { actor: 'replicaset-controller' }],
  ['what woke it', { actor: 'a', wokenBy: [3, 12, 9007199254740991] }],
  [
    'a note',
    { actor: 'a', note: { rule: 'scheduler/fit', text: '2 nodes, "small"; too full = 100 %', data: { n1: ['cpü'], n: 1 } } },
  ],
])('%s arrives as it was sent', (_, cause) => {
  expect(causeFromHeaders(causeHeaders(cause))).toEqual(cause)
})

test('tracing tools see the writes that came before', () => {
  expect(causeHeaders({ actor: 'a', wokenBy: [16, 255] }).traceparent).toBe(
    '00-77686572727900000000000000000010-00000000000000ff-01',
  )
})

test('what is too long for a header loses its figures, then its text', () => {
  const note = { rule: 'r', text: 'short', data: 'x'.repeat(10_000) }
  expect(causeFromHeaders(causeHeaders({ actor: 'a', note }))).toEqual({ actor: 'a', note: { rule: 'r', text: 'short' } })
  const long = { rule: 'r', text: 'x'.repeat(10_000) }
  const headers = causeHeaders({ actor: 'a', note: long })
  expect(causeFromHeaders(headers)).toEqual({ actor: 'a', note: { rule: 'r', text: '' } })
  expect(headers.baggage?.length).toBeLessThanOrEqual(8192)
})

test.each([
  [{}, undefined],
  [{ 'user-agent': 'kubectl/v1.32.4 (linux/amd64)' }, { actor: 'kubectl' }],
  [{ baggage: 'someone=else', 'user-agent': 'helm/3' }, { actor: 'helm' }],
  [{ baggage: 'other=1,wherry.actor=me;prop=2 , wherry.woken=1+x+-3+4' }, { actor: 'me', wokenBy: [1, 4] }],
  [{ baggage: 'wherry.actor=me,wherry.note=%7Bnot json' }, { actor: 'me' }],
  [{ baggage: 'wherry.actor=%E0%A4%A' }, undefined],
])('%j means %j', (headers, cause) => {
  expect(causeFromHeaders(headers)).toEqual(cause)
})

test('a user agent names its product first', () => {
  expect(productOf('kube\u0007ctl/v1.32 (x)')).toBe('kubectl')
  expect(productOf('x'.repeat(200))).toHaveLength(128)
})
