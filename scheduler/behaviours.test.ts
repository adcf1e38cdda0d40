import { afterEach, beforeEach, expect, test } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ApiError } from '../api/errors.ts'
import { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { copy } from '../lib/json.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { balancedAllocation } from './plugins/balanced-allocation.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { podTopologySpread } from './plugins/pod-topology-spread.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { createScheduler } from './scheduler.ts'
import { type FakeApi, fakeApi, node, pod, world } from './testing.ts'

/** What re-implementations most often get wrong of the scheduler; each test is named after its behaviour. */

let clock: VirtualClock
let api: FakeApi
let told: string[]
let onTold: () => void
let stop: AbortController
let running: Promise<void>

async function start() {
  const record = (about: { metadata: { name: string } }, _: string, reason: string, message: string) => {
    told.push(`${about.metadata.name}: ${reason} ${message}`)
    onTold()
  }
  const { client, informers } = api
  running = createScheduler({ client, informers, events: { record }, clock, random: seededRandom(7), log: silentLog }).run(
    stop.signal,
  )
  await clock.advance(5)
}
const nodeOf = (name: string) => api.pod(`default/${name}`).spec.nodeName
const messageOf = (name: string) =>
  api.pod(`default/${name}`).status.conditions?.find(({ type }) => type === 'PodScheduled')?.message

beforeEach(() => {
  clock = virtualClock()
  api = fakeApi()
  told = []
  onTold = () => {}
  stop = new AbortController()
  running = Promise.resolve()
})
afterEach(async () => {
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

test('real requests are summed for fitting, the defaults of 100m and 200Mi only for scoring by allocation, not by balance', () => {
  const silent = () => pod({ containers: [{ name: 'main', image: 'web:1' }] })
  const here = world([node({ name: 'n', cpu: '1', memory: '1Gi' })], { n: [silent(), silent()] })
  expect(here.filter(nodeResourcesFit(), pod({ cpu: '1', memory: '1Gi' }))).toEqual({ n: undefined })
  // 300m of 1 cpu and 600Mi of 1Gi are taken: 70 and 41.
  expect(here.score(nodeResourcesFit(), silent())).toEqual({ n: 55 })
  expect(here.score(balancedAllocation(), silent())).toBeUndefined()
  expect(here.score(balancedAllocation(), pod({ cpu: '1', memory: '1Gi' }))).toEqual({ n: 100 })
})

test('init containers count the most of any step with the sidecars before it, and overhead comes last', () => {
  const asks = (name: string, cpu: string, more: object = {}) => ({ name, image: 'x', resources: { requests: { cpu } }, ...more })
  const sidecar = { restartPolicy: 'Always' as const }
  const one = pod({
    initContainers: [asks('first', '900m'), asks('side', '200m', sidecar), asks('second', '800m')],
    containers: [asks('main', '300m')],
    overhead: { cpu: '50m' },
  })
  const fits = (cpu: string) => world([node({ name: 'n', cpu })]).filter(nodeResourcesFit(), one)
  expect(fits('1050m')).toEqual({ n: undefined })
  expect(fits('1049m')).toEqual({ n: 'Unresolvable: Insufficient cpu' })
})

test('only the first failing plugin of a node gives a reason; counts are sorted as text; what preemption says comes last', async () => {
  for (let i = 0; i < 10; i++)
    api.put(Node, node({ name: `both-${i}`, cpu: '1', taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }))
  for (let i = 0; i < 2; i++) api.put(Node, node({ name: `small-${i}`, cpu: '1' }))
  api.put(Pod, pod({ name: 'big', cpu: '2' }))
  await start()
  expect(messageOf('big')).toBe(
    '0/12 nodes are available: 10 node(s) had untolerated taint {k: v}, 2 Insufficient cpu. preemption: 0/12 nodes are available: 12 Preemption is not helpful for scheduling.',
  )
})

test('events that arrive while a pod is being scheduled requeue it at once, not after five minutes', async () => {
  api.put(Node, node({ name: 'n', cpu: '1' }))
  api.put(Pod, pod({ name: 'there', cpu: '1', nodeName: 'n' }))
  api.put(Pod, pod({ name: 'waiting', cpu: '1' }))
  // The attempt has failed and is being told, but the pod is not back in the queue yet.
  onTold = () => {
    onTold = () => {}
    api.remove(Pod, 'default/there')
  }
  await start()
  await clock.advance(2000)
  expect(nodeOf('waiting')).toBe('n')
})

test('back-off counts from the last attempt, one second to ten; errors skip the pool of the unschedulable', async () => {
  api.put(Node, node({ name: 'n' }))
  api.put(Pod, pod({ name: 'unlucky' }))
  const attempts: number[] = []
  const began = clock.now()
  api.refuse(({ subresource }) => {
    if (subresource !== 'binding') return undefined
    attempts.push((clock.now() - began) / 1000)
    return new Error('no answer')
  })
  await start()
  for (let second = 0; second < 60; second++) await clock.advance(1000)
  // Nothing happened that could have woken it. Each back-off ends with the second after it.
  const waits = attempts.slice(1).map((at, i) => Math.round(at - (attempts[i] ?? 0)))
  expect(waits.slice(0, 6)).toEqual([2, 3, 5, 9, 11, 11])
})

test('assumed pods hold their room before the bind is through, a failed bind frees it and wakes others, a restart loses nothing', async () => {
  api.put(Node, node({ name: 'n', cpu: '1' }))
  api.put(Pod, pod({ name: 'first', cpu: '1', priority: 9 }))
  api.put(Pod, pod({ name: 'second', cpu: '1', priority: 9 }))
  const bound: string[] = []
  api.refuse(({ subresource, name }) => {
    if (subresource === 'binding') bound.push(name)
    return subresource === 'binding' && name === 'first' ? new ApiError('Conflict', 'not now') : undefined
  })
  await start()
  await clock.advance(100)
  expect([bound, nodeOf('second')]).toEqual([['first', 'second'], 'n'])
  stop.abort()
  await running
  stop = new AbortController()
  api.refuse(() => undefined)
  await start()
  expect(messageOf('first')).toMatch(/^0\/1 nodes are available: 1 Insufficient cpu\./)
})

test('NoSchedule and NoExecute keep new pods away, PreferNoSchedule only costs points', () => {
  const tainted = (effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule') =>
    node({ name: effect, taints: [{ key: 'k', effect }] })
  const here = world([tainted('NoSchedule'), tainted('NoExecute'), tainted('PreferNoSchedule'), node({ name: 'plain' })])
  const refused = 'Unresolvable: node(s) had untolerated taint {k: }'
  expect(here.filter(taintToleration, pod())).toEqual({
    NoSchedule: refused,
    NoExecute: refused,
    PreferNoSchedule: undefined,
    plain: undefined,
  })
  expect(here.score(taintToleration, pod())).toMatchObject({ PreferNoSchedule: 0, plain: 100 })
})

test('preemption deletes with the full grace of the victim and only nominates: the preemptor waits, may land elsewhere, and budgets are best effort', async () => {
  api.put(Node, node({ name: 'a', cpu: '2' }))
  api.put(Node, node({ name: 'b', cpu: '2' }))
  const guarded = { labels: { app: 'guarded' } }
  api.put(Pod, pod({ name: 'guarded', cpu: '2', nodeName: 'a', ...guarded }))
  api.put(Pod, pod({ name: 'free', cpu: '2', nodeName: 'b', priority: 1 }))
  const metadata = { name: 'budget', namespace: 'default', uid: 'b', resourceVersion: '1' }
  const budget = { metadata, spec: { selector: { matchLabels: { app: 'guarded' } } }, status: { disruptionsAllowed: 0 } }
  api.put(PodDisruptionBudget, PodDisruptionBudget.schema.parse(budget))
  api.put(Pod, pod({ name: 'vip', cpu: '2', priority: 100 }))
  const leave = new Set<string>()
  api.refuse(({ verb, name }) => {
    if (verb !== 'delete') return undefined
    leave.add(name)
    const victim = copy(api.pod(`default/${name}`))
    victim.metadata.deletionTimestamp = '2026-01-01T00:00:30Z'
    api.put(Pod, victim)
    return new ApiError('NotFound', 'it leaves in its own time')
  })
  await start()
  // Not the less important one, whose budget allows nothing.
  expect([[...leave], nodeOf('vip'), api.pod('default/vip').status.nominatedNodeName]).toEqual([['free'], undefined, 'b'])
  api.put(Node, node({ name: 'new', cpu: '2' }))
  await clock.advance(20_000)
  expect(nodeOf('vip')).toBe('new')
  // Where nothing else helps, budgets are broken.
  api.remove(Node, 'b')
  api.put(Pod, pod({ name: 'next', cpu: '2', priority: 50 }))
  await clock.advance(20_000)
  expect([...leave]).toEqual(['free', 'guarded'])
})

test('required affinity lets the first of its kind in, wants one pod to match all terms, and anti-affinity holds both ways', () => {
  const zone = 'topology.kubernetes.io/zone'
  const plugin = interPodAffinity(
    () => ({}),
    () => 1,
  )
  const term = (app: string) => ({ topologyKey: zone, labelSelector: { matchLabels: { [app]: 'yes' } } })
  const near = (...apps: string[]) => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apps.map(term) } })
  const far = (app: string) => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } })
  const nodes = [node({ name: 'a', labels: { [zone]: '1' } }), node({ name: 'b', labels: { [zone]: '2' } })]
  const like = (labels: Record<string, string>, affinity?: object) => pod({ labels, ...(affinity && { affinity }) })
  const tooFar = "Unresolvable: node(s) didn't match pod affinity rules"

  expect(world(nodes).filter(plugin, like({ web: 'yes' }, near('web')))).toEqual({ a: undefined, b: undefined })
  expect(world(nodes).filter(plugin, like({}, near('web')))).toEqual({ a: tooFar, b: tooFar })
  const apart = { a: [like({ web: 'yes' }), like({ db: 'yes' })], b: [like({ web: 'yes', db: 'yes' })] }
  expect(world(nodes, apart).filter(plugin, like({}, near('web', 'db')))).toEqual({ a: tooFar, b: undefined })
  expect(world(nodes, { a: [like({}, far('web'))] }).filter(plugin, like({ web: 'yes' }))).toEqual({
    a: "Unschedulable: node(s) didn't satisfy existing pods anti-affinity rules",
    b: undefined,
  })
})

test('topology spread counts eligible domains only, ignores pods on their way out, and counts the pod itself', () => {
  const zone = 'topology.kubernetes.io/zone'
  const plugin = podTopologySpread(() => 'nothing')
  const labels = { app: 'web' }
  const spread = (more: object = {}) =>
    pod({
      labels,
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels } },
      ],
      ...more,
    })
  const nodes = ['1', '2', '3'].map(at => node({ name: `n${at}`, labels: { [zone]: at, fast: at === '3' ? 'no' : 'yes' } }))
  const placed = { n1: [pod({ labels })], n2: [pod({ labels, deletionTimestamp: '2026-01-01T00:00:00Z' })] }
  const refused = "Unschedulable: node(s) didn't match pod topology spread constraints"
  expect(world(nodes, placed).filter(plugin, spread())).toEqual({ n1: refused, n2: undefined, n3: undefined })
  const both = { ...placed, n2: [pod({ labels })] }
  expect(world(nodes, both).filter(plugin, spread())).toMatchObject({ n1: refused, n2: refused })
  expect(world(nodes, both).filter(plugin, spread({ nodeSelector: { fast: 'yes' } }))).toMatchObject({
    n1: undefined,
    n2: undefined,
  })
})
