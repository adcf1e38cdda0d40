import { afterEach, beforeEach, expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { AnyKind, InputOf, ObjectOf } from '../../api/kind.ts'
import { users } from '../../api/user.ts'
import { type TestServer, testServer } from '../../apiserver/testing.ts'
import type { Client } from '../../client/client.ts'
import { createEvents } from '../../client/event-recorder.ts'
import type { Informers } from '../../client/informer.ts'
import { createInformers } from '../../client/informers.ts'
import { createClient } from '../../client/typed-client.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import { runAll } from '../../lib/run.ts'
import { createScheduler } from '../../scheduler/scheduler.ts'

let server: TestServer
let admin: Client
let informers: Informers
let stop: AbortController
let running: Promise<void>

beforeEach(async () => {
  server = await testServer()
  admin = createClient(server.transport(users.admin))
  const client = createClient(server.transport(users.scheduler))
  const own = { client, clock: systemClock, log: silentLog }
  informers = createInformers(own)
  const events = createEvents(own)
  const scheduler = createScheduler({ ...own, informers, events: events.from('default-scheduler'), random: seededRandom(1) })
  stop = new AbortController()
  running = runAll(
    [
      ['informers', informers.run],
      ['events', events.run],
      ['scheduler', scheduler.run],
    ],
    stop.signal,
  )
})
afterEach(async () => {
  stop.abort()
  await running
  await server.stop()
})

async function addNode(name: string, cpu: string): Promise<void> {
  const node = await admin.create(Node, { metadata: { name } })
  await admin.updateStatus(Node, { ...node, status: { ...node.status, allocatable: { cpu, memory: '8Gi', pods: '110' } } })
}
type PodSpec = Omit<NonNullable<InputOf<typeof Pod>['spec']>, 'containers'>
const addPod = (name: string, cpu: string, spec: PodSpec = {}) =>
  admin.create(Pod, {
    metadata: { name, namespace: 'default' },
    spec: { ...spec, containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu } } }] },
  })
/** Waits until the informers know such an object. */
function eventually<K extends AnyKind>(kind: K, isSo: (object: ObjectOf<K>) => boolean): Promise<ObjectOf<K>> {
  return new Promise(resolve => {
    const look = () => {
      const found = informers.of(kind).lister.list().find(isSo)
      if (!found) return
      resolve(found)
      stopListening()
    }
    let stopListening = () => {}
    stopListening = informers.of(kind).subscribe(look)
    look()
  })
}
const podIs = (name: string, isSo: (pod: Pod) => boolean) => eventually(Pod, pod => pod.metadata.name === name && isSo(pod))
const isPlaced = (pod: Pod) => !!pod.spec.nodeName
const conditionOf = (pod: Pod) => pod.status.conditions?.find(({ type }) => type === 'PodScheduled')

test('a pod gets its node, durably, and the journal knows why', async () => {
  await addNode('node-1', '2')
  await addPod('web', '500m')
  const web = await podIs('web', isPlaced)
  expect([web.spec.nodeName, conditionOf(web)?.status]).toEqual(['node-1', 'True'])
  const history = await server.pipeline.journal.history({ group: '', resource: 'pods', namespace: 'default', name: 'web' })
  const [created, bound] = history
  expect(bound).toMatchObject({
    subresource: 'binding',
    user: 'system:kube-scheduler',
    cause: { actor: 'scheduler', wokenBy: [created?.revision], note: { rule: 'scheduler/bind' } },
  })
  const event = await eventually(Event, ({ reason }) => reason === 'Scheduled')
  expect(event.message).toBe('Successfully assigned default/web to node-1')
})

test('a pod that does not fit waits, says so, and is placed when a larger node comes', async () => {
  await addNode('small', '1')
  await addPod('big', '2')
  const waiting = await podIs('big', pod => conditionOf(pod)?.status === 'False')
  expect(conditionOf(waiting)).toMatchObject({
    reason: 'Unschedulable',
    message: expect.stringMatching(/^0\/1 nodes are available: 1 Insufficient cpu\./),
  })
  await addNode('large', '4')
  expect((await podIs('big', isPlaced)).spec.nodeName).toBe('large')
})

test('two hundred pods fill the nodes to the brim and not further', async () => {
  for (let i = 0; i < 10; i++) await addNode(`node-${i}`, '2')
  await Promise.all(Array.from({ length: 210 }, (_, i) => addPod(`pod-${i}`, '100m')))
  await Promise.all(
    Array.from({ length: 210 }, (_, i) => podIs(`pod-${i}`, pod => isPlaced(pod) || conditionOf(pod)?.status === 'False')),
  )
  const counts = new Map<string, number>()
  for (const { spec } of informers.of(Pod).lister.list())
    counts.set(spec.nodeName ?? '', (counts.get(spec.nodeName ?? '') ?? 0) + 1)
  expect([...counts.values()].sort((a, b) => a - b)).toEqual([10, ...Array.from({ length: 10 }, () => 20)])
})

test('an important pod pushes a lesser one away', async () => {
  await addNode('node-1', '2')
  await addPod('lesser', '1500m')
  await podIs('lesser', isPlaced)
  const { PriorityClass } = await import('../../api/scheduling/priority-class.ts')
  await admin.create(PriorityClass, { metadata: { name: 'vip' }, value: 1000 })
  await addPod('important', '1500m', { priorityClassName: 'vip' })
  const leaving = await podIs('lesser', pod => !!pod.metadata.deletionTimestamp)
  expect(leaving.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
    reason: 'PreemptionByScheduler',
  })
  const nominated = await podIs('important', pod => !!pod.status.nominatedNodeName)
  expect(nominated.spec.nodeName).toBeFalsy()
  await admin.delete(Pod, { namespace: 'default', name: 'lesser' }, { gracePeriodSeconds: 0 })
  expect((await podIs('important', isPlaced)).spec.nodeName).toBe('node-1')
})
