import { expect, test } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { shortages } from '../api/placement/fit.ts'
import { type Amounts, addAmounts, amountsOf, podRequests } from '../api/placement/pod-requests.ts'
import { untoleratedTaint } from '../api/placement/tolerations.ts'
import { virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { type Random, seededRandom } from '../lib/random.ts'
import { createScheduler } from './scheduler.ts'
import { type FakeApi, fakeApi, node, pod } from './testing.ts'

const taint = { key: 'k', effect: 'NoSchedule' as const }

function randomNode(random: Random, name: string): Node {
  const cpu = String(1 + random.below(4))
  return node({
    name,
    cpu,
    memory: `${1 + random.below(4)}Gi`,
    pods: String(1 + random.below(8)),
    taints: random.below(4) ? [] : [taint],
  })
}

function randomPod(random: Random, name: string): Pod {
  const tolerations = random.below(3) ? [] : [{ operator: 'Exists' as const }]
  const cpu = `${random.below(15)}00m`
  return pod({ name, cpu, memory: `${random.below(10)}00Mi`, priority: random.below(3), tolerations })
}

const items = <T>(api: FakeApi, kind: typeof Node | typeof Pod) => api.informers.of(kind).lister.list() as readonly T[]
const unplaced = (api: FakeApi) => items<Pod>(api, Pod).filter(one => !one.spec.nodeName)

/** What a node would lack for a pod beside the pods it has; those of the same or a higher priority only, if asked. */
function lacks(api: FakeApi, where: Node, asked: Pod | undefined, counts: (other: Pod) => boolean = () => true) {
  const there = items<Pod>(api, Pod).filter(other => other.spec.nodeName === where.metadata.name && counts(other))
  const requested: Amounts = {}
  for (const other of there) addAmounts(requested, podRequests(other.spec))
  const requests = asked ? podRequests(asked.spec) : {}
  return shortages(requests, {
    allocatable: amountsOf(where.status.allocatable),
    requested,
    pods: there.length - (asked ? 0 : 1),
  })
}

function check(api: FakeApi): void {
  const nodes = items<Node>(api, Node)
  for (const where of nodes) {
    const allocatable = amountsOf(where.status.allocatable)
    const there = items<Pod>(api, Pod).filter(one => one.spec.nodeName === where.metadata.name)
    const used: Amounts = {}
    for (const one of there) addAmounts(used, podRequests(one.spec))
    for (const name in used) expect(used[name], `${where.metadata.name} ${name}`).toBeLessThanOrEqual(allocatable[name] ?? 0)
    expect(there.length).toBeLessThanOrEqual(allocatable.pods ?? 0)
    for (const one of there) expect(untoleratedTaint(where.spec.taints, one.spec.tolerations, 'NoSchedule')).toBeUndefined()
  }
  // Nobody waits while there is room, not even room that less important pods would have to make.
  for (const waiting of unplaced(api))
    for (const where of nodes) {
      if (untoleratedTaint(where.spec.taints, waiting.spec.tolerations, 'NoSchedule')) continue
      const priority = waiting.spec.priority ?? 0
      const lacking = lacks(api, where, waiting, other => (other.spec.priority ?? 0) >= priority)
      expect(lacking.length, `${waiting.metadata.name} fits on ${where.metadata.name}`).toBeGreaterThan(0)
    }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'whatever happens (seed %d): nothing is over-committed, and nobody waits for nothing',
  async seed => {
    const random = seededRandom(seed)
    const clock = virtualClock()
    const api = fakeApi()
    const { client, informers } = api
    const stop = new AbortController()
    const scheduler = createScheduler({ client, informers, events: { record: () => {} }, clock, random, log: silentLog })
    const running = scheduler.run(stop.signal)
    api.refuse(({ subresource }) => (subresource === 'binding' && random.below(10) === 0 ? new Error('bad luck') : undefined))
    for (let step = 0; step < 120; step++) {
      const what = random.below(10)
      if (what < 6) api.put(Pod, randomPod(random, `pod-${step}`))
      else if (what < 8) {
        const names = items<Pod>(api, Pod).map(({ metadata }) => metadata.name)
        const name = names[random.below(Math.max(1, names.length))]
        if (name) api.remove(Pod, `default/${name}`)
      } else api.put(Node, randomNode(random, `node-${step}`))
      if (random.below(4) === 0) await clock.advance(random.below(3000))
    }
    api.refuse(() => undefined)
    await clock.advance(60_000)
    check(api)
    stop.abort()
    await running
    expect(clock.timers).toBe(0)
  },
)
