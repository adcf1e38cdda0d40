import { expect, test } from 'vitest'
import { type Refusal, unresolvable, unschedulable } from './framework.ts'
import { eventMessage, unschedulableMessage } from './messages.ts'

const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${i}`)
const diagnosis = (...refusals: [Refusal, number][]) => ({
  totalNodes: refusals.reduce((sum, [, count]) => sum + count, 0),
  refusals: new Map(refusals.map(([refusal, count]) => [refusal, names(count)])),
  plugins: new Set<string>(),
})

test('reasons are counted one by one and sorted as text', () => {
  const both = unschedulable('Fit', 'Insufficient cpu', 'Insufficient memory')
  const cordoned = unresolvable('NodeUnschedulable', 'node(s) were unschedulable')
  expect(unschedulableMessage(diagnosis([cordoned, 2], [both, 9], [unresolvable('Fit', 'Insufficient cpu'), 1]))).toBe(
    '0/12 nodes are available: 10 Insufficient cpu, 2 node(s) were unschedulable, 9 Insufficient memory.',
  )
})
test('what came of preemption follows', () => {
  const preemption = `preemption: ${unschedulableMessage(diagnosis([unresolvable('P', 'No preemption victims found for incoming pod'), 1]))}`
  expect(unschedulableMessage(diagnosis([unschedulable('Fit', 'Too many pods'), 1]), preemption)).toBe(
    '0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  )
})
test('a refusal before any node was asked', () => {
  const preFilter = unresolvable('VolumeBinding', 'pod has unbound immediate PersistentVolumeClaims')
  expect(unschedulableMessage({ ...diagnosis(), totalNodes: 3, preFilter })).toBe(
    '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
  )
})
test('without nodes', () => {
  expect(unschedulableMessage(diagnosis())).toBe('no nodes available to schedule pods')
})
test('events are cut at 1024', () => {
  expect(eventMessage('x'.repeat(1024))).toHaveLength(1024)
  const cut = eventMessage('x'.repeat(1025))
  expect([cut.length, cut.endsWith('x ...')]).toEqual([1024, true])
})
