import { afterEach, describe, expect, test } from 'vitest'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import { type YamlReader, yamlReader } from './yaml-reader.ts'

const task = (text: string) => ({ text, findsDuplicates: true, longest: 1000 })
/** Takes the parser most of a second. */
const slow = task(`[${'a,'.repeat(100_000)}]`)

let reader: YamlReader | undefined
const make = (options: Parameters<typeof yamlReader>[0]) => (reader = yamlReader(options))
afterEach(() => reader?.close())

describe('YAML in a thread of its own', () => {
  test('is read, or told what is wrong with it, one after the other', async () => {
    const { read } = make({ clock: systemClock })
    const results = await Promise.all([read(task('a: 1\nb: [x]')), read(task('a: [')), read(task('a: 1\na: 2')), read(task(''))])
    expect(results).toEqual([
      { json: '{"a":1,"b":["x"]}' },
      { error: expect.stringMatching(/at line 1/) },
      { json: '{"a":2}', duplicates: 'yaml: unmarshal errors:\n  line 2: key "a" already set in map' },
      {},
    ])
  })

  test('leaves the event loop to others', async () => {
    const { read } = make({ clock: systemClock })
    await read(task('a: 1')) // so that it has started
    let isDone = false
    const reading = read(slow).finally(() => (isDone = true))
    let turns = 0
    while (!isDone) {
      await new Promise(resolve => setImmediate(resolve))
      turns++
    }
    await reading
    expect(turns).toBeGreaterThan(100)
  })

  test('what takes too long is given up, and the next text is read', async () => {
    const { read } = make({ clock: systemClock, patienceInMs: 60 })
    await read(task('a: 1')).catch(() => {})
    expect(await read(slow)).toEqual({ error: 'it takes longer than 0.06 s to read' })
    await reader?.close()
    expect(await make({ clock: systemClock }).read(task('b: 2'))).toEqual({ json: '{"b":2}' })
  })

  test('a client that goes ends it, waiting or being served', async () => {
    const { read } = make({ clock: systemClock })
    await read(task('a: 1'))
    const served = new AbortController()
    const waiting = new AbortController()
    const readings = [read(slow, served.signal), read(slow, waiting.signal), read(task('b: 2'))]
    waiting.abort()
    served.abort()
    const [first, second, third] = await Promise.allSettled(readings)
    expect([first?.status, second?.status]).toEqual(['rejected', 'rejected'])
    expect(third).toMatchObject({ value: { json: '{"b":2}' } })
  })

  test('closing ends it', async () => {
    const { read, close } = make({ clock: systemClock })
    await read(task('a: 1'))
    const reading = expect(read(slow)).rejects.toThrow(/not read to its end/)
    await close()
    await reading
    await expect(read(task('a: 1'))).rejects.toThrow(/not read to its end/)
  })

  test('the thread goes away when it has nothing to do, and comes back', async () => {
    const clock = virtualClock()
    const { read } = make({ clock, idleInMs: 5000 })
    await read(task('a: 1'))
    expect(clock.timers).toBe(1)
    await clock.advance(5000)
    expect(clock.timers).toBe(0)
    expect(await read(task('b: 2'))).toEqual({ json: '{"b":2}' })
  })

  test.each([
    ['too much with its aliases written out', `a: &a ${'x'.repeat(100)}\nb: [${'*a ,'.repeat(50)}]`, /^with its aliases/],
    ['nested too deep', '['.repeat(100_000), /^exceeded max depth$/],
    ['nested too deep without brackets', '- '.repeat(100_000), /^exceeded max depth$/],
    ['nested too deep by aliases', aliasesOfAliases(60), /^(exceeded max depth|Excessive alias)/],
  ])('refuses what is %s', async (_, text, message) => {
    expect(await make({ clock: systemClock }).read(task(text))).toEqual({ error: expect.stringMatching(message) })
  })
})

function aliasesOfAliases(levels: number): string {
  const lines = Array.from({ length: levels }, (_, i) => `a${i + 1}: &a${i + 1} ${'['.repeat(10)}*a${i} ${']'.repeat(10)}`)
  return `a0: &a0 x\n${lines.join('\n')}`
}
