import { writeFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { isReady } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { program } from '../support/program.ts'

const mib = 2 ** 20
/** What pods may use together on this node, of all that the machine has; no test here comes near to it. */
const allocatableInMib = 350

/** Takes so many MiB, and so many more when told to: tail keeps all of a line that does not end. */
const eater = (first: number, more: number) =>
  `(head -c ${first}m /dev/zero; while [ ! -e /tmp/more ]; do sleep 0.2; done; head -c ${more}m /dev/zero; sleep 3600) | tail >/dev/null`

const pod = (name: string, command: string, resources: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'eater' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'app', image: 'busybox:1.36', command: ['sh', '-c', command], resources }],
  },
})

test('pods that eat the memory of a small node go one after the other: best-effort, then burstable, never guaranteed', async () => {
  await using cluster = await program()
  const reserved = Math.trunc(totalmem() / 1024) - allocatableInMib * 1024
  await cluster.up('--system-reserved', `memory=${reserved}Ki`, '--eviction-pressure-transition-period', '3s')
  const node = () => cluster.client.get(Node, { name: 'node-1' })
  expect((await node()).status.allocatable?.memory).toBe(`${allocatableInMib - 100}Mi`)

  const small = { memory: '64Mi', cpu: '50m' }
  const file = join(cluster.folder, 'eaters.json')
  const items = [
    pod('guaranteed', eater(30, 0), { requests: small, limits: small }),
    pod('burstable', eater(80, 160), { requests: { memory: '40Mi' } }),
    pod('best-effort', eater(60, 100), {}),
  ]
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  await cluster.ok('apply', '-f', file)
  await eventually(async () => expect((await cluster.pods('app=eater')).filter(isReady)).toHaveLength(3))
  const phases = async () =>
    Object.fromEntries((await cluster.pods('app=eater')).map(({ metadata, status }) => [metadata.name, status.phase]))

  await cluster.ok('exec', 'best-effort', '--', 'touch', '/tmp/more')
  const first = await eventually(async () => {
    const evicted = await cluster.pod('best-effort')
    expect(evicted.status).toMatchObject({ phase: 'Failed', reason: 'Evicted' })
    return evicted
  })
  expect(await phases()).toEqual({ 'best-effort': 'Failed', burstable: 'Running', guaranteed: 'Running' })
  const words =
    /^The node was low on resource: memory\. Threshold quantity: 100Mi, available: \d+Ki\. Container app was using (\d+)Ki, request is 0, has larger consumption of memory\. $/
  expect(first.status.message).toMatch(words)
  expect(Number(words.exec(first.status.message ?? '')?.[1]) * 1024).toBeGreaterThan(60 * mib)
  expect(first.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
  )
  const pressure = async () => (await node()).status.conditions?.find(({ type }) => type === 'MemoryPressure')?.status
  await eventually(async () => expect(await pressure()).toBe('False'))

  await cluster.ok('exec', 'burstable', '--', 'touch', '/tmp/more')
  await eventually(async () => expect((await cluster.pod('burstable')).status).toMatchObject({ reason: 'Evicted' }))
  const guaranteed = await cluster.pod('guaranteed')
  expect(guaranteed.status).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 0, ready: true }] })
  await eventually(async () => expect(await pressure()).toBe('False'))
  expect((await cluster.pod('guaranteed')).status.phase).toBe('Running')

  const events = (await cluster.client.list(Event)).items.map(({ involvedObject, reason, message }) => [
    involvedObject.name,
    reason,
    message,
  ])
  expect(events).toContainEqual(['node-1', 'EvictionThresholdMet', 'Attempting to reclaim memory'])
  expect(events).toContainEqual(['best-effort', 'Evicted', first.status.message])
}, 120_000)
