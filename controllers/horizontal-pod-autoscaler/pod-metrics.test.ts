import { expect, test } from 'vitest'
import type { Client } from '../../client/client.ts'
import { podFigures } from './pod-metrics.ts'

test('a few ask for their own pods; where many ask, one list answers the others for a while', async () => {
  const asked: unknown[] = []
  let fails = false
  const client = {
    async list(_: unknown, options: { labelSelector?: string }) {
      asked.push(options.labelSelector ?? 'all')
      if (fails) throw new Error('away')
      const names = options.labelSelector ? [options.labelSelector] : ['a', 'b', 'c']
      return { items: names.map(name => ({ metadata: { name } })) }
    },
  } as unknown as Pick<Client, 'list'>
  const figures = podFigures(5000)
  const ask = async (selector: string, now: number, namespace = 'default') =>
    (await figures({ client, namespace, selector, names: [selector, 'unknown'], now })).map(({ metadata }) => metadata.name)

  for (let i = 0; i < 8; i++) expect(await ask('a', i)).toEqual(['a'])
  expect(asked.splice(0)).toEqual(Array(8).fill('a'))
  fails = true
  await expect(ask('b', 1000)).rejects.toThrow('away')
  fails = false
  expect(await Promise.all([ask('b', 1000), ask('c', 4999), ask('x', 4999)])).toEqual([['b'], ['c'], []])
  expect(asked.splice(0)).toEqual(['all', 'all'])
  // Another namespace, and another time, begin anew.
  await ask('b', 4999, 'other')
  await ask('b', 5000)
  expect(asked).toEqual(['b', 'b'])
})
