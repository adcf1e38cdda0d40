import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { type Commit, commitQueue, type Version, versionOf } from './commits.ts'
import { StoreUnavailable } from './store.ts'

/** A queue over a disk that finishes a batch when the test says so. */
function queueOnSlowDisk(revision = 0) {
  const versions = new Map<string, Version>()
  const written: number[][] = []
  const published: number[] = []
  let waiting: { commits: readonly Commit[]; resolve: () => void; reject: (error: Error) => void } | undefined
  const queue = commitQueue({
    clock: virtualClock(),
    revision,
    newest: key => versions.get(key),
    load: revision => ({ key: '/a', value: new Uint8Array(), revision, created: 1 }),
    persist: commits =>
      new Promise((resolve, reject) => {
        waiting = { commits, resolve, reject }
      }),
    publish: events => published.push(...events.map(event => event.entry.revision)),
  })
  async function batch() {
    while (!waiting) await Promise.resolve()
    const started = waiting
    waiting = undefined
    return started
  }
  return {
    queue,
    written,
    published,
    put: (key: string, expected = 0) => queue.write('put', key, () => new Uint8Array(), expected, undefined),
    /** Waits until a batch has reached the disk. */
    batch,
    async succeed() {
      const { commits, resolve } = await batch()
      for (const commit of commits) versions.set(commit.event.entry.key, versionOf(commit))
      written.push(commits.map(commit => commit.event.entry.revision))
      resolve()
    },
  }
}

const revisionOf = async (result: ReturnType<ReturnType<typeof queueOnSlowDisk>['put']>) => (await result)?.revision

test('what arrives while one batch is written makes the next', async () => {
  const { put, batch, queue, published } = queueOnSlowDisk()
  const first = [put('/a'), put('/b')]
  const writing = await batch()
  const second = [put('/c'), put('/a', 1), put('/d')]
  writing.resolve()
  await Promise.all(first)
  expect([queue.revision, published]).toEqual([2, [1, 2]])
  const next = await batch()
  expect(next.commits.map(commit => commit.event.entry.revision)).toEqual([3, 4, 5])
  next.resolve()
  expect(await Promise.all(second.map(revisionOf))).toEqual([3, 4, 5])
})

test('a thousand writes at most make one batch', async () => {
  const { put, succeed, written } = queueOnSlowDisk()
  const all = Promise.all(Array.from({ length: 2500 }, (_, i) => put(`/${i}`)))
  for (let i = 0; i < 3; i++) await succeed()
  await all
  expect(written.map(batch => batch.length)).toEqual([1000, 1000, 500])
})

test('a failed batch takes everything with it that was queued, and its revisions are given again', async () => {
  const { put, succeed, batch, queue, written, published } = queueOnSlowDisk(7)
  const results = [put('/a'), put('/b')]
  const writing = await batch()
  results.push(put('/a', 8), put('/c'), put('/c'))
  writing.reject(new Error('no space left'))
  const outcomes = await Promise.allSettled(results)
  expect(outcomes).toEqual(results.map(() => ({ status: 'rejected', reason: new StoreUnavailable('no space left') })))
  expect(queue.revision).toBe(7)
  const again = put('/a')
  await succeed()
  expect(await again).toMatchObject({ revision: 8, created: 8 })
  expect([written, published]).toEqual([[[8]], [8]])
})

test('goes on from a revision that turned up on disk', async () => {
  const { put, succeed, queue } = queueOnSlowDisk(7)
  queue.restart(9)
  const result = put('/a')
  await succeed()
  expect(await revisionOf(result)).toBe(10)
})

test('is idle when the last batch is written', async () => {
  const { put, succeed, queue } = queueOnSlowDisk()
  await queue.idle()
  const writing = put('/a')
  let isIdle = false
  const idle = queue.idle().then(() => {
    isIdle = true
  })
  expect(isIdle).toBe(false)
  await succeed()
  await Promise.all([idle, writing])
})
