import { expect, test } from 'vitest'
import { Compacted, FutureRevision, StoreUnavailable } from '../storage/store.ts'
import { expired, fromStore, watchExpired } from './store-errors.ts'

test.each([
  [new Compacted(3, 9), { code: 410, reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' }],
  [new FutureRevision(9, 3), { code: 504, reason: 'Timeout', details: { retryAfterSeconds: 1 } }],
  [
    new StoreUnavailable('disk full'),
    { code: 503, reason: 'ServiceUnavailable', message: 'the store is unavailable: disk full' },
  ],
])('%s', async (error, status) => {
  await expect(fromStore(Promise.reject(error))).rejects.toMatchObject({ status })
})

test('the caller may say what compaction means; other errors stay as they are', async () => {
  const compacted = Promise.reject(new Compacted(3, 9))
  await expect(fromStore(compacted, () => watchExpired(3, 9))).rejects.toThrow('too old resource version: 3 (9)')
  await expect(fromStore(Promise.reject(new TypeError('bug')))).rejects.toBeInstanceOf(TypeError)
  await expect(fromStore(Promise.resolve(1))).resolves.toBe(1)
})

test('an expired list may carry the token to go on with', () => {
  expect(expired('old', 'token').status).toMatchObject({ code: 410, metadata: { continue: 'token' } })
})
