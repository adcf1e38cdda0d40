import { describe, expect, test } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { parseSchedulerConfiguration } from '../api/scheduler-config/configuration.ts'
import { virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { arranged } from './configured-profiles.ts'
import type { ExtensionPoint, Plugin } from './framework.ts'
import { pluginsAt } from './profile.ts'
import { createScheduler } from './scheduler.ts'
import { type FakeApi, fakeApi, node, pod } from './testing.ts'

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
const configuration = (...profiles: object[]) => parseSchedulerConfiguration({ ...head, profiles })

const sort: Plugin = { name: 'Sort', sortsQueue: true }
const bind: Plugin = { name: 'Bind', bind: async () => {} }
const both = (name: string): Plugin => ({ name, filter: () => undefined, score: () => 0, normalize: () => {} })
const usual = [{ plugin: sort }, { plugin: both('A'), weight: 3 }, { plugin: both('B') }, { plugin: both('C') }, { plugin: bind }]

function arrange(plugins: object) {
  const [profile] = configuration({ plugins }).profiles
  if (!profile) throw new Error('no profile')
  const made = arranged(profile, usual)
  const weightOf = (name: string) => made.plugins.find(({ plugin }) => plugin.name === name)?.weight
  const at = (point: ExtensionPoint) => pluginsAt(made, point).map(({ name }) => name)
  return {
    profile: made,
    filter: at('filter').join(''),
    score: at('score')
      .map(name => `${name}${weightOf(name)}`)
      .join(' '),
  }
}
const names = (...all: string[]) => all.map(name => ({ name }))

describe('plugins are arranged as upstream does', () => {
  test.each<[string, object, string, string]>([
    ['nothing said', {}, 'ABC', 'A3 B1 C1'],
    ['one off at one point', { filter: { disabled: names('B') } }, 'AC', 'A3 B1 C1'],
    ['all off at one point', { score: { disabled: names('*') } }, 'ABC', ''],
    ['one off everywhere', { multiPoint: { disabled: names('B') } }, 'AC', 'A3 C1'],
    ['all off, one on again', { filter: { disabled: names('*'), enabled: names('C') } }, 'C', 'A3 B1 C1'],
    ['one first that is on everywhere', { filter: { enabled: names('C') } }, 'CAB', 'A3 B1 C1'],
    ['another order', { filter: { disabled: names('*'), enabled: names('C', 'A', 'B') } }, 'CAB', 'A3 B1 C1'],
    [
      'off everywhere, on at one point',
      { multiPoint: { disabled: names('A') }, filter: { enabled: names('A') } },
      'BCA',
      'B1 C1',
    ],
    ['a weight at the score', { score: { enabled: [{ name: 'B', weight: 7 }] } }, 'ABC', 'B7 A3 C1'],
    ['a weight everywhere keeps the place', { multiPoint: { enabled: [{ name: 'A', weight: 9 }] } }, 'ABC', 'A9 B1 C1'],
    ['on again without a weight', { score: { enabled: names('A') } }, 'ABC', 'A1 B1 C1'],
  ])('%s', (_, plugins, filter, score) => expect(arrange(plugins)).toMatchObject({ filter, score }))

  test('what is off has none of its functions left', () => {
    const { profile } = arrange({ score: { disabled: names('A') } })
    expect(Object.keys(profile.plugins[1]?.plugin ?? {}).sort()).toEqual(['filter', 'name'])
  })
  test.each<[object, string]>([
    [{ filter: { enabled: names('X') } }, 'FilterPlugin "X" does not exist'],
    [{ permit: { enabled: names('A') } }, 'plugin "A" does not extend PermitPlugin plugin'],
    [{ filter: { enabled: names('A', 'A') } }, 'plugin "A" already registered as "FilterPlugin"'],
    [{ multiPoint: { enabled: names('X') } }, 'PreFilterPlugin "X" does not exist'],
    [
      { bind: { disabled: names('*') } },
      'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
    ],
    [
      { queueSort: { disabled: names('*') } },
      'only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0',
    ],
  ])('%j is refused', (plugins, message) => expect(() => arrange(plugins)).toThrow(message))
})

async function scheduling(api: FakeApi, ...profiles: object[]): Promise<AsyncDisposable & { told: string[] }> {
  const [clock, stop, told] = [virtualClock(), new AbortController(), [] as string[]]
  const { client, informers } = api
  const record = (about: { metadata: { name: string } }, _: string, reason: string, text: string) =>
    void told.push(`${about.metadata.name}: ${reason} ${text}`)
  const scheduler = createScheduler({
    client,
    informers,
    events: { record },
    clock,
    random: seededRandom(5),
    log: silentLog,
    configuration: configuration(...profiles),
  })
  const running = scheduler.run(stop.signal)
  // What it is configured by is loaded when it is needed, which takes real time.
  await import('./configured-profiles.ts')
  await clock.advance(10)
  return {
    told,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
const placeOf = (api: FakeApi, name: string) => api.pod(`default/${name}`).spec.nodeName

describe('a configured scheduler', () => {
  test('serves several profiles, each pod by the one it names', async () => {
    const api = fakeApi()
    api.put(Node, node({ name: 'busy', cpu: '10', memory: '10Gi' }))
    api.put(Node, node({ name: 'idle', cpu: '10', memory: '10Gi' }))
    api.put(Pod, pod({ name: 'there', cpu: '5', memory: '5Gi', nodeName: 'busy' }))
    for (const schedulerName of ['packing', 'spreading', 'nobodys'])
      api.put(Pod, pod({ name: schedulerName, cpu: '1', memory: '1Gi', schedulerName }))
    const only = { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit', weight: 1 }] } }
    const packing = { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }] } }
    await using _ = await scheduling(
      api,
      { schedulerName: 'packing', plugins: only, pluginConfig: [{ name: 'NodeResourcesFit', args: packing }] },
      { schedulerName: 'spreading', plugins: only },
    )
    expect(['packing', 'spreading', 'nobodys'].map(name => placeOf(api, name))).toEqual(['busy', 'idle', undefined])
  })
  test('adds wishes about nodes to all pods of a profile', async () => {
    const api = fakeApi()
    api.put(Node, node({ name: 'a', labels: { pool: 'a' } }))
    api.put(Node, node({ name: 'b', labels: { pool: 'b' } }))
    api.put(Pod, pod({ name: 'web' }))
    api.put(Pod, pod({ name: 'stubborn', nodeSelector: { pool: 'a' } }))
    const inPool = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['b'] }] }] }
    const args = { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: inPool } }
    await using scheduler = await scheduling(api, { pluginConfig: [{ name: 'NodeAffinity', args }] })
    expect(placeOf(api, 'web')).toBe('b')
    expect(scheduler.told.find(text => text.startsWith('stubborn'))).toContain(
      "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't match scheduler-enforced node affinity.",
    )
  })
  test('does without a filter that is off', async () => {
    const api = fakeApi()
    api.put(Node, node({ name: 'full', cpu: '1' }))
    api.put(Pod, pod({ name: 'big', cpu: '8' }))
    await using _ = await scheduling(api, { plugins: { filter: { disabled: [{ name: 'NodeResourcesFit' }] } } })
    expect(placeOf(api, 'big')).toBe('full')
  })
  test('does not preempt when that is off', async () => {
    const api = fakeApi()
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'low', cpu: '2', priority: 0, nodeName: 'n' }))
    api.put(Pod, pod({ name: 'high', cpu: '2', priority: 9 }))
    await using scheduler = await scheduling(api, { plugins: { postFilter: { disabled: [{ name: '*' }] } } })
    expect(scheduler.told).toEqual(['high: FailedScheduling 0/1 nodes are available: 1 Insufficient cpu.'])
  })
  test('that asks for what there is not does not start', async () => {
    const { client, informers } = fakeApi()
    const made = createScheduler({
      client,
      informers,
      events: { record: () => {} },
      clock: virtualClock(),
      random: seededRandom(5),
      log: silentLog,
      configuration: configuration({ schedulerName: 'mine', plugins: { filter: { enabled: [{ name: 'Magic' }] } } }),
    })
    await expect(made.run(new AbortController().signal)).rejects.toThrow(
      'initializing profiles: creating profile for scheduler name mine: FilterPlugin "Magic" does not exist',
    )
  })
})
