import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ApiError, notFound } from '../../api/errors.ts'
import type { Call } from '../../api/transport.ts'
import type { CommandContext } from '../command.ts'
import type { Session } from '../session.ts'
import { type EvictOptions, evictAll } from './evict.ts'
import type { DrainPod } from './plan.ts'

const pod = (name: string): DrainPod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1', creationTimestamp: '' },
})

/** A server that answers evictions as it is told to, and from which a pod is gone as soon as one was granted. */
function scene(answers: Record<string, (Error | 'granted')[]>, { patience = Number.POSITIVE_INFINITY } = {}) {
  const screen = { out: [] as string[], err: [] as string[] }
  const sent: Call[] = []
  const limit = new AbortController()
  let slept = 0
  const call = async (request: Call) => {
    if (request.verb === 'list') return { metadata: { resourceVersion: '5' }, items: [] }
    sent.push(request)
    const answer = answers[request.name ?? '']?.shift() ?? 'granted'
    if (answer !== 'granted') throw answer
    return {}
  }
  const io = {
    out: (text: string) => void screen.out.push(text.trim()),
    err: (text: string) => void screen.err.push(text.trim()),
    sleep: async (ms: number) => {
      slept += ms
      await setImmediate()
      if (slept >= patience) limit.abort()
    },
  }
  const options: EvictOptions = {
    context: { io } as unknown as CommandContext,
    session: { transport: { call } } as unknown as Session,
    pods: { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true } as EvictOptions['pods'],
    gracePeriodSeconds: -1,
    bypassBudgets: false,
    dryRun: false,
    signal: limit.signal,
  }
  return { options, screen, sent, slept: () => slept }
}

const overBudget = () => new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.")

test('a pod that its budget holds is asked again every five seconds; the others need not wait for it', async () => {
  const { options, screen, slept } = scene({ a: [overBudget(), overBudget()] })
  expect(await evictAll([pod('a'), pod('b')], options)).toEqual([])
  expect(slept()).toBe(10_000)
  const refusal = `error when evicting pods/"a" -n "ns" (will retry after 5s): ${overBudget().message}`
  expect(screen.err).toEqual([refusal, refusal])
  expect(screen.out.filter(line => line === 'evicting pod ns/a')).toHaveLength(3)
  expect(screen.out.indexOf('pod/b evicted')).toBeLessThan(screen.out.lastIndexOf('evicting pod ns/a'))
  expect(screen.out.at(-1)).toBe('pod/a evicted')
})

test('a pod that has gone meanwhile is fine; any other refusal is final, but only for that pod', async () => {
  const forbidden = new ApiError('Forbidden', 'no')
  const { options, screen } = scene({ a: [notFound({ group: '', plural: 'pods' }, 'a')], b: [forbidden] })
  expect(await evictAll([pod('a'), pod('b'), pod('c')], options)).toEqual(['error when evicting pods/"b" -n "ns": no'])
  expect(screen.out.filter(line => line.endsWith(' evicted')).sort()).toEqual(['pod/a evicted', 'pod/c evicted'])
})

test('a namespace that is going takes its pods along', async () => {
  const causes = [{ reason: 'NamespaceTerminating', message: 'namespace ns is being terminated' }]
  const going = new ApiError('Forbidden', 'pods "a" is forbidden', { details: { causes } })
  const { options, slept } = scene({ a: [going] })
  expect(await evictAll([pod('a')], options)).toEqual([])
  expect(slept()).toBe(5_000)
})

test('the time for draining ends the asking', async () => {
  const { options } = scene({ a: Array.from({ length: 10 }, overBudget) }, { patience: 15_000 })
  expect(await evictAll([pod('a')], options)).toEqual(['error when evicting pods/"a" -n "ns": global timeout reached'])
})

test.each<[string, Partial<EvictOptions>, Partial<Call>]>([
  ['evicts by default', {}, { verb: 'create', subresource: 'eviction', options: {} }],
  [
    'passes on the grace',
    { gracePeriodSeconds: 3 },
    { body: expect.objectContaining({ deleteOptions: { gracePeriodSeconds: 3 } }) },
  ],
  [
    'rehearses',
    { dryRun: true },
    { options: { dryRun: true }, body: expect.objectContaining({ deleteOptions: { dryRun: ['All'] } }) },
  ],
  [
    'deletes past budgets',
    { bypassBudgets: true, gracePeriodSeconds: 0 },
    { verb: 'delete', options: { gracePeriodSeconds: 0 } },
  ],
])('%s', async (_, more, expected) => {
  const { options, sent } = scene({})
  await evictAll([pod('a')], { ...options, ...more })
  expect(sent).toEqual([expect.objectContaining({ namespace: 'ns', name: 'a', ...expected })])
})
