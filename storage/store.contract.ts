import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { Compacted, FutureRevision, type Store, type StoreEvent, StoreUnavailable } from './store.ts'

/** A store under test and what belongs to it. */
export interface StoreUnderTest {
  readonly store: Store
  /** Closes the store and opens it again; absent when it forgets everything then. */
  readonly reopen?: () => Promise<Store>
  /** Removes what the store left behind. It is closed by then. */
  readonly remove: () => Promise<void>
}

export type StoreFactory = (options: { clock: VirtualClock }) => Promise<StoreUnderTest>

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

/** What every store promises, run against one made by `factory`. */
export function storeContract(name: string, factory: StoreFactory): void {
  describe(`${name} store`, () => {
    let clock: VirtualClock
    let store: Store
    let remove: () => Promise<void>
    let stop: AbortController

    beforeEach(async () => {
      clock = virtualClock()
      const made = await factory({ clock })
      store = made.store
      remove = made.remove
      stop = new AbortController()
    })
    afterEach(async () => {
      stop.abort()
      await store.close()
      await remove()
    })

    const put = (key: string, text: string, expected = 0, note?: string) =>
      store.put(key, () => bytes(text), expected, note === undefined ? undefined : bytes(note))
    const erase = (key: string, expected: number) => store.delete(key, () => bytes('gone'), expected)
    const keysOf = async (prefix: string, page = {}) => (await store.list(prefix, page)).entries.map(entry => entry.key)
    const putMany = (count: number, prefix = '/many/') =>
      Promise.all(Array.from({ length: count }, (_, i) => put(`${prefix}${i}`, `${i}`)))
    const watch = (prefix: string, since: number) => store.watch(prefix, since, stop.signal)[Symbol.asyncIterator]()

    /** Takes events until there are `count`. */
    async function take(count: number, events: AsyncIterator<readonly StoreEvent[]>): Promise<StoreEvent[]> {
      const taken: StoreEvent[] = []
      while (taken.length < count) taken.push(...((await events.next()).value ?? []))
      return taken
    }

    describe('writing', () => {
      test('starts empty, at revision 0', async () => {
        expect(await store.revision()).toBe(0)
        expect(await store.compactedRevision()).toBe(0)
        expect(await store.get('/a')).toBeUndefined()
        expect(await store.list('')).toEqual({ entries: [], revision: 0, more: false })
      })

      test('encodes once, with the revision of the commit, and keeps those very bytes in hand', async () => {
        const made: Uint8Array[] = []
        const encode = (revision: number) => {
          made.push(bytes(`at ${revision}`))
          return made.at(-1)!
        }
        const first = await store.put('/a', encode, 0)
        const second = await store.put('/a', encode, 1)
        expect([first, second]).toEqual([
          { key: '/a', value: bytes('at 1'), revision: 1, created: 1 },
          { key: '/a', value: bytes('at 2'), revision: 2, created: 1 },
        ])
        expect(made).toHaveLength(2)
        expect(first?.value).toBe(made[0])
        expect(second?.value).toBe(made[1])
        expect((await store.get('/a'))?.value).toBe(made[1])
      })

      test.each([
        ['a key that exists', '/a', 0],
        ['an older revision', '/a', 1],
        ['a newer revision', '/a', 7],
        ['a key that does not exist', '/b', 1],
      ])('does not write, nor encode, over %s', async (_, key, expected) => {
        await put('/a', 'one')
        await put('/a', 'two', 1)
        const encode = () => expect.unreachable()
        expect(await store.put(key, encode, expected)).toBeUndefined()
        expect(await store.delete(key, encode, expected)).toBeUndefined()
        expect(await store.revision()).toBe(2)
      })

      test('decides at the call, against what is queued as well', async () => {
        const results = [put('/a', 'one'), put('/a', 'rival'), put('/a', 'two', 1), erase('/a', 2), put('/a', 'again')]
        expect((await Promise.all(results)).map(entry => entry?.revision)).toEqual([1, undefined, 2, 3, 4])
        expect(await store.get('/a')).toEqual({ key: '/a', value: bytes('again'), revision: 4, created: 4 })
      })

      test('tells a loser only when the winner can be seen', async () => {
        void put('/a', 'winner')
        expect(await put('/a', 'loser')).toBeUndefined()
        expect(textOf((await store.get('/a'))?.value)).toBe('winner')
      })

      test('shows nothing before it is committed', async () => {
        await put('/a', 'old')
        const writing = put('/a', 'new', 1)
        const creating = put('/b', 'new')
        const seen = [store.get('/a'), store.get('/b'), store.list('/'), store.revision(), store.history('/a'), store.at(2)]
        const old = { key: '/a', value: bytes('old'), revision: 1, created: 1 }
        const event = { type: 'put', entry: old, previous: undefined, note: undefined, time: clock.now() }
        const list = { entries: [old], revision: 1, more: false }
        expect(await Promise.all(seen)).toEqual([old, undefined, list, 1, [event], undefined])
        await Promise.all([writing, creating])
        expect(await store.revision()).toBe(3)
      })

      test('consumes no revision when encoding throws', async () => {
        const failing = store.put(
          '/a',
          () => {
            throw new Error('cannot encode')
          },
          0,
        )
        await expect(failing).rejects.toThrow('cannot encode')
        expect(await put('/a', 'one')).toMatchObject({ revision: 1 })
      })

      test('deletes with a revision of its own, and a key begins anew after that', async () => {
        await put('/a', 'one')
        expect(await erase('/a', 1)).toEqual({ key: '/a', value: bytes('gone'), revision: 2, created: 1 })
        expect(await store.get('/a')).toBeUndefined()
        expect(await keysOf('/')).toEqual([])
        expect(await erase('/a', 2)).toBeUndefined()
        expect(await erase('/a', 0)).toBeUndefined()
        expect(await put('/a', 'anew')).toMatchObject({ revision: 3, created: 3 })
      })

      test.each(['x', 'é', '€', '\u{1f600}'])('finds every key again, whatever its length, of the letter %s', async letter => {
        for (let length = 0; length < 100; length++) {
          const key = `/${letter.repeat(length)}`
          await put(key, key)
          expect(await put(key, 'again')).toBeUndefined()
          expect(textOf((await store.get(key))?.value)).toBe(key)
        }
      })

      test('many writers of one key lose nothing', async () => {
        const increment = async () => {
          for (;;) {
            const entry = await store.get('/counter')
            if (await put('/counter', `${Number(textOf(entry?.value) ?? 0) + 1}`, entry?.revision ?? 0)) return
          }
        }
        await Promise.all(Array.from({ length: 20 }, increment))
        expect(textOf((await store.get('/counter'))?.value)).toBe('20')
        expect(await store.revision()).toBe(20)
      })
    })

    describe('reading', () => {
      test('lists by prefix, in the order of UTF-8 bytes', async () => {
        const inOrder = ['/a', '/a/1', '/a/2', '/a0', '/aé', '/a\u{ffee}', '/a\u{1f600}', '/b']
        for (const key of [...inOrder].reverse()) await put(key, key)
        expect(await keysOf('')).toEqual(inOrder)
        expect(await keysOf('/a/')).toEqual(['/a/1', '/a/2'])
        expect(await keysOf('/a', { after: '/a0' })).toEqual(['/aé', '/a\u{ffee}', '/a\u{1f600}'])
        expect(await keysOf('/b', { after: '/a' })).toEqual(['/b'])
        expect(await keysOf('/c')).toEqual([])
      })

      test('pages stay at their revision whatever happens meanwhile', async () => {
        for (const key of ['/a', '/b', '/c', '/d']) await put(key, 'old')
        const first = await store.list('/', { limit: 2 })
        expect(first).toMatchObject({ revision: 4, more: true, entries: [{ key: '/a' }, { key: '/b' }] })
        await put('/c', 'new', 3)
        await erase('/d', 4)
        await put('/bb', 'new')
        const second = await store.list('/', { at: 4, after: '/b', limit: 2 })
        expect(second).toMatchObject({ revision: 4, more: false, entries: [{ key: '/c', revision: 3 }, { key: '/d' }] })
        expect(await keysOf('/', { limit: 0 })).toEqual(['/a', '/b', '/bb', '/c'])
      })

      test('reads any retained revision', async () => {
        await put('/a', 'one')
        await put('/a', 'two', 1)
        await erase('/a', 2)
        await put('/a', 'four')
        const values = [0, 1, 2, 3, 4].map(async at => textOf((await store.get('/a', at))?.value))
        expect(await Promise.all(values)).toEqual([undefined, 'one', 'two', undefined, 'four'])
        await expect(store.get('/a', 5)).rejects.toThrow(new FutureRevision(5, 4))
        await expect(store.list('/', { at: 5 })).rejects.toThrow(FutureRevision)
      })

      test('lists more keys than fit into one read', async () => {
        await putMany(700)
        expect((await store.list('/many/')).entries).toHaveLength(700)
        const page = await store.list('/many/', { limit: 600 })
        expect([page.entries.length, page.more]).toEqual([600, true])
      })

      test('tells the history of a key and the commit of a revision', async () => {
        await put('/a', 'one', 0, 'first')
        await clock.advance(5)
        await put('/ab', 'other')
        await put('/a', 'three', 1)
        await erase('/a', 3)
        const time = clock.now()
        const one = { key: '/a', value: bytes('one'), revision: 1, created: 1 }
        const three = { key: '/a', value: bytes('three'), revision: 3, created: 1 }
        const gone = { key: '/a', value: bytes('gone'), revision: 4, created: 1 }
        const history = [
          { type: 'put', entry: one, previous: undefined, note: bytes('first'), time: time - 5 },
          { type: 'put', entry: three, previous: one, note: undefined, time },
          { type: 'delete', entry: gone, previous: three, note: undefined, time },
        ]
        expect(await store.history('/a')).toEqual(history)
        expect(await store.history('/a', 1)).toEqual(history.slice(1))
        expect(await store.history('/nobody')).toEqual([])
        expect(await store.at(3)).toEqual(history[1])
        expect(await store.at(9)).toBeUndefined()
      })
    })

    describe('watching', () => {
      test('replays what happened and goes on with what happens, in order', async () => {
        await put('/a/1', 'one', 0, 'why')
        await put('/b', 'not watched')
        const events = watch('/a/', 0)
        expect(await take(1, events)).toMatchObject([{ type: 'put', entry: { revision: 1 }, note: bytes('why') }])
        await put('/a/1', 'three', 1)
        await erase('/a/1', 3)
        expect(await take(2, events)).toMatchObject([
          { type: 'put', entry: { revision: 3 }, previous: { revision: 1, value: bytes('one') } },
          { type: 'delete', entry: { revision: 4, value: bytes('gone') }, previous: { revision: 3 }, time: clock.now() },
        ])
      })

      test('hands a live watcher the very bytes that were written', async () => {
        const events = watch('/', 0)
        const next = events.next()
        const old = await put('/a', 'one')
        const entry = await put('/a', 'two', 1)
        const [first, second] = [...((await next).value ?? []), ...(await take(1, events))] as StoreEvent[]
        expect(first!.entry).toBe(old)
        expect(second!.entry).toBe(entry)
        expect(second!.previous).toBe(old)
      })

      test('gives a slow watcher everything all the same', async () => {
        const events = watch('/', 0)
        await putMany(1500)
        const slow = await take(1000, events)
        await putMany(1500, '/more/')
        slow.push(...(await take(3000 - slow.length, events)))
        expect(slow.map(event => event.entry.revision)).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
      })

      test('waits for what is still to come', async () => {
        const events = watch('/', 2)
        await putMany(4)
        expect((await take(2, events)).map(event => event.entry.revision)).toEqual([3, 4])
      })

      test('ends when its signal aborts, waiting or not, and when the store closes', async () => {
        const own = new AbortController()
        const waiting = store.watch('/', 0, own.signal)[Symbol.asyncIterator]().next()
        own.abort()
        expect(await waiting).toMatchObject({ done: true })
        await put('/a', 'one')
        expect(await store.watch('/', 0, own.signal)[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
        const other = watch('/', 1).next()
        await store.close()
        expect(await other).toMatchObject({ done: true })
      })
    })

    describe('compacting', () => {
      test('forgets what was overwritten or deleted, and keeps what lives', async () => {
        await put('/a', 'one')
        await put('/a', 'two', 1)
        await put('/b', 'three')
        await erase('/b', 3)
        await put('/a', 'five', 2)
        await store.compact(4)
        expect(await store.compactedRevision()).toBe(4)
        await expect(store.get('/a', 3)).rejects.toThrow(new Compacted(3, 4))
        await expect(store.list('/', { at: 3 })).rejects.toThrow(Compacted)
        await expect(watch('/', 3).next()).rejects.toThrow(Compacted)
        expect(textOf((await store.get('/a', 4))?.value)).toBe('two')
        expect(await keysOf('/', { at: 4 })).toEqual(['/a'])
        expect(await take(1, watch('/', 4))).toMatchObject([{ entry: { revision: 5 }, previous: { revision: 2 } }])
        expect((await store.history('/a')).map(event => event.entry.revision)).toEqual([2, 5])
        expect(await store.history('/b')).toEqual([])
        const commits = await Promise.all([1, 2, 3, 4, 5].map(async at => (await store.at(at))?.entry.revision))
        expect(commits).toEqual([undefined, 2, undefined, undefined, 5])
        expect((await store.at(2))?.previous).toBeUndefined()
      })

      test('goes up only, and not into the future', async () => {
        await putMany(5)
        await store.compact(3)
        await store.compact(2)
        expect(await store.compactedRevision()).toBe(3)
        await expect(store.compact(6)).rejects.toThrow(new FutureRevision(6, 5))
      })

      test('leaves a key alone that was created again meanwhile', async () => {
        await put('/a', 'one')
        await erase('/a', 1)
        const [, entry] = await Promise.all([store.compact(2), put('/a', 'anew')])
        expect(entry).toMatchObject({ revision: 3, created: 3 })
        expect(textOf((await store.get('/a'))?.value)).toBe('anew')
        await store.compact(3)
        expect(textOf((await store.get('/a'))?.value)).toBe('anew')
      })

      test('does not disturb a live watcher', async () => {
        const events = watch('/', 0)
        const next = events.next()
        await put('/a', 'one')
        await store.compact(1)
        expect((await next).value).toMatchObject([{ entry: { revision: 1 } }])
        await put('/a', 'two', 1)
        expect(await take(1, events)).toMatchObject([{ entry: { revision: 2 }, previous: { revision: 1 } }])
      })

      test('lets others run', async () => {
        for (let round = 0; round < 5; round++) {
          await Promise.all(Array.from({ length: 1000 }, (_, i) => put(`/${i}`, 'value', round && (round - 1) * 1000 + i + 1)))
        }
        let turns = 0
        let done = false
        const count = () => {
          turns++
          if (!done) setImmediate(count)
        }
        setImmediate(count)
        await store.compact(5000)
        done = true
        expect(turns).toBeGreaterThanOrEqual(5)
        expect((await store.list('/')).entries).toHaveLength(1000)
      })
    })

    test('finishes what is under way when it closes, and refuses what comes later', async () => {
      const writing = putMany(2500)
      await store.close()
      expect(await writing).toMatchObject(Array.from({ length: 2500 }, (_, i) => ({ revision: i + 1 })))
      await expect(put('/a', 'two', 1)).rejects.toThrow(StoreUnavailable)
      await expect(store.get('/a')).rejects.toThrow(StoreUnavailable)
      await expect(store.list('/')).rejects.toThrow(StoreUnavailable)
      await expect(store.compact(1)).rejects.toThrow(StoreUnavailable)
    })
  })
}
