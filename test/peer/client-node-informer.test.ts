import { type KubernetesObject, makeInformer, type V1Pod } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { simulatedEngine } from '../../kubelet/runtime/simulated/engine.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { connection } from './client-node.ts'
import { deployment } from './kubectl/objects.ts'

interface Seen {
  readonly type: 'add' | 'update' | 'delete'
  readonly uid: string
  readonly version: number
}

/** What an informer must never do: tell of one thing twice, or of something that it has not introduced. */
function faults(events: readonly Seen[]): string[] {
  const known = new Map<string, number>()
  const gone = new Set<string>()
  return events.flatMap(({ type, uid, version }) => {
    const before = known.get(uid)
    const say = (what: string) => [`${type} of ${uid} at ${version}: ${what}`]
    if (gone.has(uid)) return say('it was deleted before')
    if (type === 'add') {
      known.set(uid, version)
      return before === undefined ? [] : say('it was added before')
    }
    if (before === undefined) return say('it was never added')
    if (type === 'delete') {
      gone.add(uid)
      known.delete(uid)
      return []
    }
    known.set(uid, version)
    return version > before ? [] : say(`it was at ${before} before`)
  })
}

test('an informer comes through a rolling update, a restart and an expired version without a missed or doubled event', async () => {
  const store = memoryStore({ clock: systemClock })
  const engine = simulatedEngine({ clock: systemClock, random: systemRandom })
  const common = { store, simulatedEngine: engine, simulated: 2 }
  let cluster: TestCluster = await testCluster(common)
  const { port } = cluster

  const config = await connection(port)
  const { core } = config
  let lists = 0
  const informer = makeInformer(config.config, '/api/v1/namespaces/default/pods', () => {
    lists++
    return core.listNamespacedPod({ namespace: 'default' })
  })
  const events: Seen[] = []
  let errors = 0
  let isOver = false
  const note = (type: Seen['type']) => (pod: KubernetesObject) => {
    events.push({ type, uid: pod.metadata?.uid ?? '', version: Number(pod.metadata?.resourceVersion) })
  }
  informer.on('add', note('add'))
  informer.on('update', note('update'))
  informer.on('delete', note('delete'))
  informer.on('error', () => {
    errors++
    void systemClock.sleep(50).then(() => (isOver ? undefined : informer.start()))
  })
  await informer.start()

  const images = async () => {
    const { items } = await core.listNamespacedPod({ namespace: 'default' })
    return items.filter(({ metadata }) => !metadata?.deletionTimestamp).map(pod => pod.spec?.containers[0]?.image)
  }
  const agrees = async () => {
    const { items } = await core.listNamespacedPod({ namespace: 'default' })
    const versions = (pods: readonly V1Pod[]) =>
      pods.map(({ metadata }) => `${metadata?.uid} ${metadata?.resourceVersion}`).sort()
    expect(versions([...informer.list()])).toEqual(versions(items))
  }
  const roll = (image: string, on: TestCluster) => {
    const web = deployment('web', 3)
    web.spec.template.spec.containers = web.spec.template.spec.containers.map(each => ({ ...each, image }))
    return on.apply([web])
  }
  const patience = { timeoutInMs: 30_000 }

  // A rolling update.
  await roll('busybox:1', cluster)
  await eventually(async () => expect(await images()).toEqual(['busybox:1', 'busybox:1', 'busybox:1']), patience)
  await roll('busybox:2', cluster)
  await eventually(async () => expect(await images()).toEqual(['busybox:2', 'busybox:2', 'busybox:2']), patience)
  await eventually(agrees, patience)

  // A restart in the middle of one.
  await roll('busybox:3', cluster)
  await cluster.stop()
  cluster = await testCluster({ ...common, port })
  await eventually(async () => expect(await images()).toEqual(['busybox:3', 'busybox:3', 'busybox:3']), patience)
  await eventually(agrees, patience)
  expect(errors).toBeGreaterThan(0)

  // While it cannot see, everything changes and the past is forgotten.
  await cluster.stop()
  const elsewhere = await testCluster(common)
  const listsBefore = lists
  await roll('busybox:4', elsewhere)
  await eventually(async () => {
    const pods = (await elsewhere.pods('app=web')).filter(({ metadata }) => !metadata.deletionTimestamp)
    expect(pods.map(({ spec }) => spec.containers[0]?.image)).toEqual(['busybox:4', 'busybox:4', 'busybox:4'])
  }, patience)
  await elsewhere.stop()
  await store.compact(await store.revision())
  cluster = await testCluster({ ...common, port })
  await eventually(agrees, patience)
  expect([listsBefore, lists]).toEqual([1, 2]) // it went on where it was after the restart, and began anew after the 410
  await roll('busybox:5', cluster)
  await eventually(async () => expect(await images()).toEqual(['busybox:5', 'busybox:5', 'busybox:5']), patience)
  await eventually(agrees, patience)

  isOver = true
  await informer.stop()
  await cluster.stop()
  engine.close()
  await store.close()
  expect(faults(events)).toEqual([])
  expect(events.filter(({ type }) => type === 'add').length).toBeGreaterThanOrEqual(15)
})
