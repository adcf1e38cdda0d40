import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { systemClock } from '../../lib/clock.ts'
import { isReady } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { whyNoHosts } from './commands.ts'
import { type Host, type Hosts, hosts } from './hosts.ts'

const why = await whyNoHosts()
if (why) test(`no hosts can be made here, so none was cut off: ${why}`, () => expect(why).toBeTypeOf('string'))
describe.runIf(!why)('a host that is cut off', () => {
  let world: Hosts
  let one: Host
  let two: Host
  beforeAll(async () => {
    const impatience = ['--node-monitor-grace-period', '20s', '--node-monitor-period', '1s']
    world = await hosts({ flags: impatience })
    ;[one, two] = await Promise.all([world.host('one'), world.host('two')])
    const token = await world.token()
    await Promise.all([one, two].map(host => host.agent('--server', world.server, '--token', token)))
  }, 180_000)
  afterAll(() => world?.[Symbol.asyncDispose]())

  const webs = async () => (await world.client.list(Pod, { namespace: 'default', labelSelector: 'app=web' })).items
  const soon = { timeoutInMs: 90_000, everyMs: 100 }

  test('loses its pods to another one, and what it still runs ends within ten seconds of its return', async () => {
    const toleration = (key: string) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists' as const,
      effect: 'NoExecute' as const,
      tolerationSeconds: 2,
    })
    const container = {
      name: 'main',
      image: 'busybox:1.36',
      command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done'],
      imagePullPolicy: 'IfNotPresent' as const,
    }
    const spec = {
      containers: [container],
      terminationGracePeriodSeconds: 1,
      tolerations: [toleration('unreachable'), toleration('not-ready')],
    }
    const labels = { app: 'web' }
    await world.client.create(ReplicaSet, {
      metadata: { namespace: 'default', name: 'web' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    })
    const old = await eventually(async () => {
      const [pod] = await webs()
      expect(pod && isReady(pod), JSON.stringify(pod?.status)).toBe(true)
      return pod as Pod
    }, soon)
    const [home, refuge] = old.spec.nodeName === 'one' ? [one, two] : [two, one]
    const uid = old.metadata.uid
    const leftovers = async () =>
      (await home.engine.containers()).filter(
        ({ State, Labels }) => State === 'running' && Labels['io.kubernetes.pod.uid'] === uid,
      )
    expect(await leftovers()).toHaveLength(2)

    await home.cutOff()
    await eventually(async () => {
      const node = await world.node(home.name)
      const ready = node.status.conditions?.find(({ type }) => type === 'Ready')
      expect([ready?.status, ready?.reason]).toEqual(['Unknown', 'NodeStatusUnknown'])
      const taints = (node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`)
      expect(taints).toContain('node.kubernetes.io/unreachable:NoExecute')
    }, soon)
    await eventually(async () => {
      const fresh = (await webs()).find(pod => pod.metadata.uid !== uid && isReady(pod))
      expect(fresh?.spec.nodeName).toBe(refuge.name)
    }, soon)
    // Nobody could tell the host: its container goes on, and the object waits for it.
    expect(await leftovers()).toHaveLength(2)
    expect((await webs()).find(pod => pod.metadata.uid === uid)?.metadata.deletionTimestamp).toBeTypeOf('string')

    const returnedAt = systemClock.monotonic()
    await home.connect()
    await eventually(async () => expect(await leftovers()).toEqual([]), { timeoutInMs: 60_000, everyMs: 50 })
    const goneInMs = systemClock.monotonic() - returnedAt
    console.log(`the old containers were gone ${Math.round(goneInMs)} ms after the host had returned`)
    expect(goneInMs).toBeLessThan(10_000)
    await eventually(async () => {
      expect((await webs()).map(pod => pod.spec.nodeName)).toEqual([refuge.name])
      expect(isReady(await world.node(home.name))).toBe(true)
      expect((await world.node(home.name)).spec.taints ?? []).toEqual([])
    }, soon)
  })
})
