import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { ignore } from '../api/errors.ts'
import type { CallOptions } from '../api/transport.ts'
import { virtualClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import { callsOn, configMap, configMaps, type Followed, names } from '../test/contract/calls.ts'
import { testServer } from './testing.ts'

/** What somebody who only listens believes to be there. */
function believed({ events }: Followed, start: readonly string[]): string[] {
  const present = new Set(start)
  let last = 0
  for (const { type, object } of events) {
    const revision = Number(object.metadata.resourceVersion)
    if (start.length > 0 || type !== 'ADDED') expect(revision).toBeGreaterThanOrEqual(last)
    last = Math.max(last, revision)
    if (type === 'DELETED') expect(present.delete(object.metadata.name), `${object.metadata.name} vanished twice`).toBe(true)
    else if (type === 'ADDED') {
      expect(present.has(object.metadata.name), `${object.metadata.name} appeared twice`).toBe(false)
      present.add(object.metadata.name)
    } else expect(present.has(object.metadata.name), `${object.metadata.name} changed unseen`).toBe(true)
  }
  return [...present].sort()
}

const selections: CallOptions[] = [
  {},
  { labelSelector: 'color=red' },
  { labelSelector: 'color!=red' },
  { fieldSelector: 'metadata.name=n3' },
  { labelSelector: 'color', fieldSelector: 'metadata.name!=n3' },
]

test.each([1, 2, 3, 4, 5])('whoever lists and watches knows what is there (seed %i)', async seed => {
  const random = seededRandom(seed)
  const server = await testServer({ clock: virtualClock(), random })
  const calls = callsOn(() => server.transport())
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  const watchers: { followed: Followed; start: readonly string[]; options: CallOptions }[] = []
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T
  const colors = ['red', 'green', null]

  const act = async () => {
    const name = `n${random.below(8)}`
    const color = pick(colors)
    const action = random.below(10)
    if (action < 4)
      await calls.create(configMaps, configMap(name, {}, { labels: color ? { color } : {} })).catch(ignore('AlreadyExists'))
    else if (action < 8) {
      await calls.patch(configMaps, name, 'merge', { metadata: { labels: { color } } }).catch(ignore('NotFound', 'Conflict'))
    } else await calls.remove(configMaps, name).catch(ignore('NotFound'))
  }
  const listen = async () => {
    const own = new AbortController()
    stop.signal.addEventListener('abort', () => own.abort(), { once: true })
    const options = pick(selections)
    const listed = random.below(2) === 0 ? await calls.list(configMaps, options) : undefined
    const from = listed && { resourceVersion: listed.metadata.resourceVersion }
    watchers.push({
      followed: calls.watch(configMaps, { ...options, ...from }, own.signal),
      start: listed ? names(listed) : [],
      options,
    })
  }

  for (let round = 0; round < 40; round++) {
    await Promise.all([listen(), ...Array.from({ length: 8 }, act)])
  }
  // A last object that every selection could see but one tells that a watcher is up to date.
  await calls.create(configMaps, configMap('zz', {}, { labels: { color: 'red' } }))
  await calls.patch(configMaps, 'zz', 'merge', { metadata: { labels: { color: 'green' } } })
  await calls.remove(configMaps, 'zz')
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  for (const { followed, start, options } of watchers) {
    expect(believed(followed, start), JSON.stringify(options)).toEqual(names(await calls.list(configMaps, options)).sort())
  }
  stop.abort()
  await server.stop()
})
