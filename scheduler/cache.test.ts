import { describe, expect, test } from 'vitest'
import { schedulerCache } from './cache.ts'
import { podInfo } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'
import { node, pod } from './testing.ts'

const info = (options: Parameters<typeof pod>[0] = {}) => podInfo(pod({ cpu: '1', memory: '1Gi', ...options }))
const cpuOn = (snapshot: Snapshot, name: string) => snapshot.byName.get(name)?.requested.cpu

function twoNodes() {
  const cache = schedulerCache()
  cache.setNode(node({ name: 'a' }))
  cache.setNode(node({ name: 'b' }))
  return cache
}

describe('the life of a pod in the cache', () => {
  test('assumed, then confirmed: it counts once, and cannot be forgotten any more', () => {
    const cache = twoNodes()
    const one = info()
    cache.assume(one, 'a')
    expect(cpuOn(cache.snapshot(), 'a')).toBe(1000)
    cache.setPod(one, 'a')
    expect([cpuOn(cache.snapshot(), 'a'), cache.forget(one.uid)]).toEqual([1000, false])
    expect(cpuOn(cache.snapshot(), 'a')).toBe(1000)
  })
  test('assumed, then forgotten: as if it had never been', () => {
    const cache = twoNodes()
    const one = info()
    const before = cache.snapshot().byName.get('a')
    cache.assume(one, 'a')
    expect(cache.forget(one.uid)).toBe(true)
    const after = cache.snapshot().byName.get('a')
    expect({ ...after, generation: 0, pods: [] }).toEqual({ ...before, generation: 0, pods: [] })
    expect(after?.pods).toEqual([])
  })
  test('assumed on one node, confirmed on another', () => {
    const cache = twoNodes()
    const one = info()
    cache.assume(one, 'a')
    cache.setPod(one, 'b')
    const snapshot = cache.snapshot()
    expect([cpuOn(snapshot, 'a'), cpuOn(snapshot, 'b')]).toEqual([0, 1000])
  })
  test('nobody is assumed twice', () => {
    const cache = twoNodes()
    const one = info()
    cache.assume(one, 'a')
    expect(() => cache.assume(one, 'b')).toThrow("is in the cache, so can't be assumed")
  })
  test('a pod of the same name is another pod', () => {
    const cache = twoNodes()
    cache.setPod(info({ name: 'web' }), 'a')
    cache.setPod(info({ name: 'web' }), 'a')
    expect(cpuOn(cache.snapshot(), 'a')).toBe(2000)
  })
})

describe('nodes', () => {
  test('that are gone are not searched, but their pods are remembered until they are gone, too', () => {
    const cache = twoNodes()
    const one = info()
    cache.setPod(one, 'a')
    cache.removeNode('a')
    expect(cache.snapshot().nodes.map(({ name }) => name)).toEqual(['b'])
    cache.setNode(node({ name: 'a' }))
    expect(cpuOn(cache.snapshot(), 'a')).toBe(1000)
    cache.removeNode('a')
    cache.removePod(one.uid)
    cache.setNode(node({ name: 'a' }))
    expect(cpuOn(cache.snapshot(), 'a')).toBe(0)
  })
  test('pods may be known before their node', () => {
    const cache = schedulerCache()
    cache.setPod(info(), 'late')
    expect(cache.snapshot().nodes).toEqual([])
    cache.setNode(node({ name: 'late' }))
    expect(cpuOn(cache.snapshot(), 'late')).toBe(1000)
  })
})

describe('the snapshot', () => {
  test('does not change under way, and renews only the nodes that changed', () => {
    const cache = twoNodes()
    const snapshot = cache.snapshot()
    const [a, b] = [snapshot.byName.get('a'), snapshot.byName.get('b')]
    cache.assume(info(), 'a')
    expect(a?.requested.cpu).toBe(0)
    cache.snapshot()
    expect(cpuOn(snapshot, 'a')).toBe(1000)
    expect(snapshot.byName.get('b')).toBe(b)
    expect(snapshot.nodes).toContain(snapshot.byName.get('a'))
  })
  test('knows which images are on how many nodes', () => {
    const cache = schedulerCache()
    const images = [{ names: ['web:1'], sizeBytes: 1 }]
    cache.setNode(node({ name: 'a', images }))
    cache.setNode(node({ name: 'b', images }))
    expect(cache.snapshot().imageCounts.get('web:1')).toBe(2)
    cache.setNode(node({ name: 'a' }))
    expect(cache.snapshot().imageCounts.get('web:1')).toBe(1)
  })
  test('knows the different affinity terms of the pods there, each once, while anyone has it', () => {
    const cache = twoNodes()
    const terms = [{ topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } }]
    const lonely = () => info({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } })
    const [one, two] = [lonely(), lonely()]
    cache.setPod(one, 'a')
    cache.setPod(two, 'b')
    expect(cache.snapshot().heldTerms.size).toBe(1)
    cache.removePod(one.uid)
    expect(cache.snapshot().heldTerms.size).toBe(1)
    cache.removeNode('b')
    expect(cache.snapshot().heldTerms.size).toBe(0)
  })
})
