import { describe, expect, test } from 'vitest'
import { parseSchedulerConfiguration } from '../../api/scheduler-config/configuration.ts'
import { node, pod, world } from '../testing.ts'
import { balancedAllocation } from './balanced-allocation.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'

/** The plugin as a configuration file would have it. */
function fitWith(scoringStrategy: object) {
  const [profile] = parseSchedulerConfiguration({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles: [{ pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy } }] }],
  }).profiles
  if (!profile) throw new Error('no profile')
  return nodeResourcesFit(profile.arguments.NodeResourcesFit)
}
const resources = (...list: [name: string, weight: number][]) => list.map(([name, weight]) => ({ name, weight }))
const shape = (...points: [number, number][]) => ({ shape: points.map(([utilization, score]) => ({ utilization, score })) })
const ratio = (requestedToCapacityRatio: object, ...list: [string, number][]) => ({
  type: 'RequestedToCapacityRatio',
  resources: resources(...list),
  requestedToCapacityRatio,
})
const rising = shape([0, 0], [100, 10])
const gpu = 'example.com/gpu'
const here = world([node({ name: 'n', cpu: '4', memory: '8Gi', allocatable: { [gpu]: '4' } })])

describe('the share of what is there', () => {
  test.each<[string, object, string, string, number]>([
    ['least: (85 + 94) / 2', { type: 'LeastAllocated' }, '600m', '456Mi', 89],
    [
      'least, cpu three times: (3*85 + 94) / 4',
      { type: 'LeastAllocated', resources: resources(['cpu', 3], ['memory', 1]) },
      '600m',
      '456Mi',
      87,
    ],
    [
      'least of what is not there is no point',
      { type: 'LeastAllocated', resources: resources(['example.com/none', 5], ['cpu', 1]) },
      '1',
      '0',
      75,
    ],
    ['most: (50 + 25) / 2', { type: 'MostAllocated' }, '2', '2Gi', 37],
    ['most, more than there is', { type: 'MostAllocated', resources: resources(['cpu', 1]) }, '5', '0', 100],
    ['ratio along a line', ratio(rising, ['cpu', 1]), '1', '0', 25],
    ['ratio: what scores nothing does not count', ratio(rising, ['cpu', 1], ['memory', 3]), '2', '0', 50],
    ['ratio is rounded: (50 + 25) / 2', ratio(rising, ['cpu', 1], ['memory', 1]), '2', '2Gi', 38],
    ['ratio that falls', ratio(shape([0, 10], [100, 0]), ['cpu', 1]), '1', '0', 75],
    ['ratio with a bend', ratio(shape([0, 0], [50, 10], [100, 5]), ['cpu', 1]), '3', '0', 75],
    ['ratio left of the first point', ratio(shape([30, 4], [60, 8]), ['cpu', 1]), '1', '0', 40],
    ['ratio right of the last point', ratio(shape([30, 4], [60, 8]), ['cpu', 1]), '4', '0', 80],
  ])('%s', (_, strategy, cpu, memory, points) => {
    expect(here.score(fitWith(strategy), pod({ cpu, memory }))).toEqual({ n: points })
  })
  test('extended resources count for pods that ask for them', () => {
    const strategy = fitWith({ type: 'MostAllocated', resources: resources(['cpu', 1], [gpu, 1]) })
    const asking = (requests: Record<string, string>) => pod({ containers: [{ name: 'm', image: 'x', resources: { requests } }] })
    expect(here.score(strategy, asking({ cpu: '2' }))).toEqual({ n: 50 })
    expect(here.score(strategy, asking({ cpu: '2', [gpu]: '3' }))).toEqual({ n: 62 })
  })
})

describe('balance', () => {
  test.each([
    ['500m', '256Mi', 95],
    ['3', '2Gi', 75],
  ])('%s and %s of 4 cpu and 8Gi', (cpu, memory, points) => {
    expect(here.score(balancedAllocation(), pod({ cpu, memory }))).toEqual({ n: points })
  })
  test('of three resources is their standard deviation', () => {
    const three = balancedAllocation({ resources: resources(['cpu', 1], ['memory', 1], [gpu, 1]) })
    const requests = { cpu: '4', memory: '0', [gpu]: '2' }
    const one = pod({ containers: [{ name: 'm', image: 'x', resources: { requests } }] })
    expect(here.score(three, one)).toEqual({ n: 59 })
  })
  test('that becomes better counts more, in the newest formula', () => {
    const newest = balancedAllocation({ resources: resources(['cpu', 1], ['memory', 1]), rewardsImprovement: true })
    const used = (cpu: string, memory: string) =>
      world([node({ name: 'n', cpu: '4', memory: '8Gi' })], { n: [pod({ cpu, memory })] })
    expect(used('2', '2Gi').score(newest, pod({ cpu: '1' }))).toEqual({ n: 69 })
    expect(used('1', '2Gi').score(newest, pod({ cpu: '1', memory: '2Gi' }))).toEqual({ n: 75 })
  })
  test('is no matter for pods that ask for neither', () => {
    const storage = { name: 'm', image: 'x', resources: { requests: { 'ephemeral-storage': '1Gi' } } }
    expect(here.score(balancedAllocation(), pod({ containers: [storage] }))).toBeUndefined()
  })
})
