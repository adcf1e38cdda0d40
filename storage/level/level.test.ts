import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { type StoreFactory, storeContract } from '../store.contract.ts'
import { storeProperty } from '../store.property.ts'
import { StoreUnavailable } from '../store.ts'
import { StoreCorrupted, StoreInUse, type WriteBatch } from './disk.ts'
import { StoreFromFuture } from './format.ts'
import { levelStore } from './level.ts'

const clock = virtualClock()
const temporary = () => mkdtemp(join(tmpdir(), 'wherry-level-'))
const bytes = (text: string) => new TextEncoder().encode(text)

const factory: StoreFactory = async ({ clock }) => {
  const location = await temporary()
  let store = await levelStore({ location, clock })
  return {
    store,
    async reopen() {
      await store.close()
      store = await levelStore({ location, clock })
      return store
    },
    remove: () => rm(location, { recursive: true }),
  }
}

storeContract('level', factory)
storeProperty('level', factory, 50)

describe('a level store on its disk', () => {
  let location: string
  beforeEach(async () => {
    location = await temporary()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await rm(location, { recursive: true })
  })

  const open = (at = location) => levelStore({ location: at, clock })

  /** Some thousand commits, so that the log and the tables of LevelDB both hold some. */
  async function fill(commits = 6000): Promise<void> {
    const store = await open()
    const value = new Uint8Array(1500).map((_, i) => (i * 31) % 251)
    await Promise.all(Array.from({ length: commits }, (_, i) => store.put(`/${i}`, () => value, 0)))
    for (let i = 0; i < 200; i++) await store.put(`/one by one/${i}`, () => value, 0)
    await store.close()
  }

  test('keeps everything, and goes on counting where it was', async () => {
    const before = await open()
    await before.put('/a', () => bytes('one'), 0, bytes('note'))
    await before.delete('/a', () => bytes('gone'), 1)
    const history = (await before.history('/a')).map(event => ({ ...event })) // with what was overwritten, while it can be read
    await before.close()
    const after = await open()
    expect(await after.history('/a')).toEqual(history)
    expect(await after.put('/a', () => bytes('anew'), 0)).toMatchObject({ revision: 3, created: 3 })
    await after.close()
  })

  test('knows after a restart which keys are taken', async () => {
    const before = await open()
    for (const key of ['/a', '/b', '/ü']) await before.put(key, () => bytes('one'), 0)
    await before.put('/a', () => bytes('two'), 1)
    await before.delete('/b', () => bytes('gone'), 2)
    await before.close()
    const after = await open()
    expect(await after.put('/a', () => bytes('again'), 0)).toBeUndefined()
    expect(await after.put('/ü', () => bytes('again'), 0)).toBeUndefined()
    expect(await after.put('/a', () => bytes('three'), 4)).toMatchObject({ revision: 6, created: 1 })
    expect(await after.put('/b', () => bytes('anew'), 0)).toMatchObject({ revision: 7, created: 7 })
    await after.close()
  })

  test('repeats no revision even when the newest commits were compacted', async () => {
    const before = await open()
    await before.put('/a', () => bytes('one'), 0)
    await before.delete('/a', () => bytes('gone'), 1)
    await before.compact(2)
    await before.close()
    const after = await open()
    expect(await after.revision()).toBe(2)
    expect(await after.compactedRevision()).toBe(2)
    expect(await after.put('/a', () => bytes('anew'), 0)).toMatchObject({ revision: 3, created: 3 })
    await after.close()
  })

  test('leaves nothing of a key that was deleted and compacted', async () => {
    const store = await open()
    await store.put('/a', () => bytes('one'), 0)
    await store.put('/a', () => bytes('two'), 1)
    await store.delete('/a', () => bytes('gone'), 2)
    await store.compact(3)
    await store.close()
    const database = new Level(location)
    expect(await database.keys().all()).toEqual(['mcompacted', 'mformat', 'mswept'])
    await database.close()
  })

  test('compacts in small pieces', async () => {
    const store = await open()
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        Array.from({ length: 1000 }, (_, i) => store.put(`/${i}`, () => bytes('value'), round && revisionIn(round, i))),
      )
    }
    const batches = vi.spyOn(Level.prototype, 'batch')
    await store.compact(3000)
    expect(batches.mock.calls.length).toBeGreaterThanOrEqual(15)
    expect((await store.list('/')).entries).toHaveLength(1000)
    await store.close()
  })

  const revisionIn = (round: number, i: number) => (round - 1) * 1000 + i + 1

  test.each([
    ['never reached the disk', false],
    ['is on disk after all', true],
  ])('goes on after a failed write that %s, and repeats no revision', async (_, isOnDisk) => {
    const store = await open()
    await store.put('/a', () => bytes('one'), 0)
    failNextWrite(isOnDisk)
    await expect(store.put('/b', () => bytes('lost?'), 0)).rejects.toThrow(StoreUnavailable)
    expect([await store.revision(), await store.get('/b')]).toEqual([1, undefined])
    expect((await store.list('/')).entries).toHaveLength(1)
    const next = isOnDisk ? 3 : 2
    expect(await store.put('/c', () => bytes('next'), 0)).toMatchObject({ revision: next })
    const revisions: number[] = []
    for await (const events of store.watch('/', 0, AbortSignal.timeout(5000))) {
      revisions.push(...events.map(event => event.entry.revision))
      if (revisions.length === next) break
    }
    expect(revisions).toEqual([1, 2, 3].slice(0, next))
    expect((await store.list('/')).entries).toHaveLength(next)
    await store.close()
  })

  test('reads and watches go on while there is no room to recover', async () => {
    const store = await levelStore({ location, clock, roomToRecover: Number.POSITIVE_INFINITY })
    await store.put('/a', () => bytes('one'), 0)
    failNextWrite(false)
    await expect(store.put('/a', () => bytes('two'), 1)).rejects.toThrow('it could not write: Input/output error')
    const refused = expect(store.put('/a', () => bytes('two'), 1)).rejects.toThrow(StoreUnavailable)
    expect(await store.get('/a')).toMatchObject({ revision: 1 })
    expect((await store.list('/')).entries).toHaveLength(1)
    expect(await store.history('/a')).toHaveLength(1)
    await refused
    await expect(store.compact(1)).rejects.toThrow(StoreUnavailable)
    await store.close()
  })

  test('notices that a revision is lost', async () => {
    const before = await open()
    await before.put('/a', () => bytes('one'), 0)
    await before.put('/b', () => bytes('two'), 0)
    await before.close()
    const database = new Level(location)
    await database.del('l0000000000000001')
    await database.close()
    await expect(open()).rejects.toThrow(new StoreCorrupted(location, 'revision 1 is missing'))
  })

  /** The next batch fails, before or after it was written. */
  function failNextWrite(isOnDisk: boolean): void {
    const batch = Level.prototype.batch as unknown as () => WriteBatch
    vi.spyOn(Level.prototype as unknown as { batch(): WriteBatch }, 'batch').mockImplementationOnce(function (this: unknown) {
      const real = batch.call(this)
      const write = real.write.bind(real)
      return Object.assign(real, {
        async write() {
          if (isOnDisk) await write()
          throw new Error('Input/output error')
        },
      })
    })
  }

  test('refuses a directory that is in use, in one line', async () => {
    const store = await open()
    const refusal = await open().catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(StoreInUse)
    expect((refusal as Error).message).toBe(`the data in ${location} is in use by another process`)
    await store.close()
  })

  test('refuses what a newer version wrote, and what another program wrote', async () => {
    const database = new Level(location)
    await database.put('something', 'else')
    await database.close()
    await expect(open()).rejects.toThrow(StoreCorrupted)
    await database.open()
    await database.put('mformat', '2')
    await database.close()
    await expect(open()).rejects.toThrow(new StoreFromFuture(location, 2))
  })

  test('says so when a file is damaged or gone', async () => {
    await fill()
    const files = await readdir(location)
    const some = (pattern: RegExp) => files.filter(file => pattern.test(file))
    const nonsense = (path: string) => writeFile(path, 'nonsense')
    const damages: [files: string[], damage: (path: string) => Promise<void>][] = [
      [some(/^CURRENT$/), nonsense],
      [some(/^MANIFEST/), nonsense],
      [some(/^MANIFEST/), rm],
      [some(/ldb$/), rm],
      [some(/log$/), scribble],
    ]
    for (const [damaged, damage] of damages) {
      const copy = await temporary()
      await cp(location, copy, { recursive: true })
      for (const file of damaged) await damage(join(copy, file))
      const error = await open(copy).then(
        store => store.close(),
        (reason: unknown) => reason,
      )
      expect(error, `damaged ${damaged}`).toBeInstanceOf(StoreCorrupted)
      expect((error as Error).message).toMatch(`the data in ${copy} is damaged: `)
      await rm(copy, { recursive: true })
    }
  })

  test('says so when a read meets damage', async () => {
    await fill()
    const tables = (await readdir(location)).filter(file => file.endsWith('.ldb'))
    for (const table of tables) {
      const content = await readFile(join(location, table))
      await writeFile(join(location, table), content.fill(0x55, 0, content.length / 2))
    }
    const readAll = async () => {
      const store = await open()
      try {
        await store.list('/')
      } finally {
        await store.close()
      }
    }
    await expect(readAll()).rejects.toThrow(StoreCorrupted)
  })

  /** Spoils a little of what was written one by one. */
  async function scribble(path: string): Promise<void> {
    const content = await readFile(path)
    content.fill(0x55, content.length - 150_000, content.length - 146_000)
    await writeFile(path, content)
  }
})
