import { expect, test } from 'vitest'
import type { KubeList, KubeObject, WatchEvent } from '../api/transport.ts'
import { transportContract } from '../test/contract/transport.contract.ts'
import { testServer } from './testing.ts'

transportContract('the local transport', async () => {
  const server = await testServer()
  return { transport: server.transport(), stop: server.stop }
})

const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const

test('everybody in the process gets the very same frozen object', async () => {
  await using server = await testServer()
  const transport = server.transport()
  const body = { metadata: { name: 'a', labels: { app: 'web' } }, data: { key: 'value' } }
  const created = await transport.call({ ...configMaps, verb: 'create', body })
  const read = await transport.call({ ...configMaps, verb: 'get', name: 'a' })
  const listed = (await transport.call({ ...configMaps, verb: 'list' })) as KubeList
  const watched: WatchEvent[] = []
  for await (const batch of transport.watch({ ...configMaps, verb: 'watch' }, new AbortController().signal)) {
    watched.push(...batch)
    break
  }
  expect(read).toBe(created)
  expect(listed.items[0]).toBe(created)
  expect(watched[0]?.object).toBe(created)
  expect(() => Object.assign((created as KubeObject).metadata.labels ?? {}, { app: 'other' })).toThrow(TypeError)
  expect(Object.isFrozen(body)).toBe(false)
  expect(Object.isFrozen(body.data)).toBe(false)
})

test('an aborted watch ends', async () => {
  await using server = await testServer()
  const stopping = new AbortController()
  const ended = (async () => {
    for await (const _ of server.transport().watch({ ...configMaps, verb: 'watch' }, stopping.signal)) expect.unreachable()
  })()
  stopping.abort()
  await expect(ended).resolves.toBeUndefined()
})
