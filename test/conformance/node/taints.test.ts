import { describe, expect, test } from 'vitest'
import { Node } from '../../../api/core/node.ts'
import { Pod } from '../../../api/core/pod.ts'
import { systemClock } from '../../../lib/clock.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { watching } from '../../support/watching.ts'

/** A node for each test, as each taints its own. */
const pods = conformancePods('taints', { docker: ['node-1', 'node-2', 'node-3'] })
const key = 'kubernetes.io/e2e-evict-taint-key'
const taint = { key, value: 'evictTaintVal', effect: 'NoExecute' }

/** A pod that is there for so many seconds once its node is tainted; without them for ever, or with `null` not at all. */
async function start(name: string, node: string, tolerationSeconds?: number | null): Promise<void> {
  const toleration = { ...taint, operator: 'Equal', ...(tolerationSeconds !== undefined && { tolerationSeconds }) }
  const spec = {
    nodeSelector: { 'kubernetes.io/hostname': node },
    container: { command: ['sleep', '600'] },
    ...(tolerationSeconds !== null && { tolerations: [toleration] }),
  }
  await pods().pod(name, spec, { labels: { group: node } })
  await pods().ready(name)
}

const setTaints = (name: string, change: (others: readonly object[]) => readonly object[]) =>
  eventually(async () => {
    const { client } = pods().cluster
    const node = await client.get(Node, { name })
    const others = (node.spec.taints ?? []).filter(one => one.key !== key)
    await client.update(Node, { ...node, spec: { ...node.spec, taints: change(others) } } as Node)
  })
const addTaint = (name: string) => setTaints(name, others => [...others, taint])
const removeTaint = (name: string) => setTaints(name, others => others)
const watchGroup = (node: string) =>
  watching(pods().cluster.client, Pod, { namespace: pods().namespace, labelSelector: `group=${node}` })

describe.concurrent('NoExecuteTaintManager', () => {
  describe('Single Pod', () => {
    test('removing taint cancels eviction', async () => {
      await start('stays', 'node-1', 6)
      // Has the same toleration and a taint that is not removed in time: when it goes, the other one's time is over, too.
      await start('measure', 'node-2', 6)
      await using watch = await watchGroup('node-1')
      await using measure = await watchGroup('node-2')
      await addTaint('node-1')
      await eventually(async () =>
        expect((await pods().cluster.client.get(Node, { name: 'node-1' })).spec.taints).toContainEqual(
          expect.objectContaining(taint),
        ),
      )
      await addTaint('node-2')
      await removeTaint('node-1')
      await measure.seen(({ object }) => object.metadata.deletionTimestamp !== undefined)
      const overAt = systemClock.monotonic() + 5000
      await eventually(() => expect(systemClock.monotonic()).toBeGreaterThan(overAt))
      expect(watch.events.filter(({ object }) => object.metadata.deletionTimestamp)).toEqual([])
      expect((await pods().get('stays')).status.phase).toBe('Running')
    })
  })

  describe('Multiple Pods', () => {
    test('evicts pods with minTolerationSeconds', async () => {
      await start('early', 'node-3', 2)
      await start('late', 'node-3', 8)
      await start('never', 'node-3')
      await start('at-once', 'node-3', null)
      await using watch = await watchGroup('node-3')
      const leaving = (name: string) =>
        watch.seen(({ object }) => object.metadata.name === name && object.metadata.deletionTimestamp !== undefined)
      await addTaint('node-3')
      const taintedAt = systemClock.monotonic()
      const secondsFor = async (name: string) => {
        const { object } = await leaving(name)
        expect(object.status.conditions).toContainEqual(
          expect.objectContaining({
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByTaintManager',
            observedGeneration: 1,
          }),
        )
        return (systemClock.monotonic() - taintedAt) / 1000
      }
      expect(await secondsFor('at-once')).toBeLessThan(2)
      const early = await secondsFor('early')
      expect([early > 1.5, early < 6]).toEqual([true, true])
      const late = await secondsFor('late')
      expect([late > 7.5, late < 14]).toEqual([true, true])
      for (const name of ['at-once', 'early', 'late'])
        await watch.seen(({ type, object }) => type === 'DELETED' && object.metadata.name === name)
      const left = await pods().cluster.client.list(Pod, { namespace: pods().namespace, labelSelector: 'group=node-3' })
      expect(left.items.map(({ metadata }) => metadata.name)).toEqual(['never'])
    })
  })
})
