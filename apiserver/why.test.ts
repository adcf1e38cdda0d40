import { expect, test } from 'vitest'
import type { JournalEntry } from '../api/journal.ts'
import { type JournalReader, why } from './why.ts'

function entry(revision: number, resource: string, name: string, more: Partial<JournalEntry> = {}): JournalEntry {
  return {
    revision,
    time: 1000 + revision * 10,
    verb: 'create',
    group: '',
    resource,
    namespace: 'default',
    name,
    user: 'system:x',
    ...more,
  }
}

function journalOf(entries: readonly JournalEntry[]): JournalReader {
  return {
    history: async target => entries.filter(e => e.resource === target.resource && e.name === target.name),
    at: async revision => entries.find(e => e.revision === revision),
  }
}

const story = [
  entry(5, 'deployments', 'web', { user: 'ada' }),
  entry(6, 'replicasets', 'web-1', { cause: { actor: 'deployment-controller', wokenBy: [5] } }),
  entry(7, 'deployments', 'web', { verb: 'update', cause: { actor: 'deployment-controller', wokenBy: [6] } }),
  entry(8, 'pods', 'web-1-a', { cause: { actor: 'replicaset-controller', wokenBy: [6] } }),
  entry(9, 'pods', 'web-1-b', { cause: { actor: 'replicaset-controller', wokenBy: [6] } }),
  entry(10, 'pods', 'web-1-a', { verb: 'create', subresource: 'binding', cause: { actor: 'scheduler', wokenBy: [8] } }),
  entry(11, 'pods', 'web-1-a', { verb: 'patch', subresource: 'status', cause: { actor: 'kubelet', wokenBy: [10] } }),
]

test('the chain leads from what the user applied to the running container', async () => {
  const steps = await why(journalOf(story), { group: '', resource: 'pods', namespace: 'default', name: 'web-1-a' })
  expect(steps.map(step => [step.revision, step.because, step.elapsedInMs])).toEqual([
    [5, undefined, 0],
    [6, 5, 10],
    [8, 6, 30],
    [10, 8, 50],
    [11, 10, 60],
  ])
})

test('what woke a controller on another object explains more than its own earlier write', async () => {
  const entries = [entry(1, 'deployments', 'web'), entry(2, 'replicasets', 'web-1'), entry(3, 'replicasets', 'web-1')]
  const scaled = entry(4, 'replicasets', 'web-2', { cause: { actor: 'deployment-controller', wokenBy: [1, 4, 99] } })
  const steps = await why(journalOf([...entries, scaled]), {
    group: '',
    resource: 'replicasets',
    namespace: 'default',
    name: 'web-2',
  })
  expect(steps.map(step => step.revision)).toEqual([1, 4])
})

test('an object that nobody wrote has no story, and causes that were compacted end the chain', async () => {
  expect(await why(journalOf([]), { group: '', resource: 'pods', namespace: 'default', name: 'x' })).toEqual([])
  const orphan = entry(8, 'pods', 'a', { cause: { actor: 'replicaset-controller', wokenBy: [2] } })
  const steps = await why(journalOf([orphan]), { group: '', resource: 'pods', namespace: 'default', name: 'a' })
  expect(steps).toEqual([{ ...orphan, elapsedInMs: 0 }])
})

test('an object that was deleted and made again has a story of its own', async () => {
  const first = { uid: 'u1' }
  const second = { uid: 'u2' }
  const entries = [
    entry(1, 'pods', 'a', first),
    entry(2, 'pods', 'a', { ...first, verb: 'delete' }),
    entry(3, 'pods', 'a', second),
  ]
  const steps = await why(journalOf(entries), { group: '', resource: 'pods', namespace: 'default', name: 'a' })
  expect(steps.map(step => step.revision)).toEqual([3])
})
