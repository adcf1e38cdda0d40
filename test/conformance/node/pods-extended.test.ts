import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import type { InputOf } from '../../../api/kind.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { makeImage, shell } from '../../support/images.ts'
import { watching } from '../../support/watching.ts'

const sleeper = { command: ['sleep', '600'] }
const otherImage = 'wherry/conformance-later:1'
const pods = conformancePods('pods-extended')
let removeImage: (() => Promise<unknown>) | undefined
beforeAll(async () => {
  removeImage = await makeImage(otherImage, { config: shell })
})
afterAll(() => removeImage?.())

type Change = (pod: Pod) => { metadata?: object; spec?: object }

/** Reads, changes and replaces until nobody was faster. */
const update = (name: string, change: Change) =>
  eventually(async () => {
    const pod = await pods().get(name)
    const { metadata, spec } = change(pod)
    const next = { ...pod, metadata: { ...pod.metadata, ...metadata }, spec: { ...pod.spec, ...spec } }
    return pods().cluster.client.update(Pod, next as InputOf<typeof Pod>)
  })

const observed = (name: string, generation: number) =>
  eventually(async () => expect((await pods().get(name)).status.observedGeneration).toBe(generation), { timeoutInMs: 60_000 })

const ofConditions = ({ status }: Pod) =>
  Object.fromEntries((status.conditions ?? []).map(({ type, observedGeneration }) => [type, observedGeneration]))
const allAt = (generation: number) => ({
  PodScheduled: generation,
  PodReadyToStartContainers: generation,
  Initialized: generation,
  ContainersReady: generation,
  Ready: generation,
})

describe.concurrent('Pods Extended (pod generation)', () => {
  describe('Pod Generation', () => {
    test('pod generation should start at 1 and increment per update', async () => {
      const initContainers = [{ name: 'init', image: 'busybox:1.36', command: ['true'] }]
      const created = await pods().pod('counted', { initContainers, container: sleeper })
      expect(created.metadata.generation).toBe(1)
      await pods().ready('counted')
      const toleration = { key: 'foo', operator: 'Equal', value: 'bar', effect: 'NoSchedule' }
      const changes: [string, Change, boolean][] = [
        ['nothing', () => ({}), false],
        ['tolerations', ({ spec }) => ({ spec: { tolerations: [...(spec.tolerations ?? []), toleration] } }), true],
        ['activeDeadlineSeconds', () => ({ spec: { activeDeadlineSeconds: 5000 } }), true],
        [
          'the image',
          ({ spec }) => ({ spec: { containers: spec.containers.map(one => ({ ...one, image: otherImage })) } }),
          true,
        ],
        [
          'the image of an init container',
          ({ spec }) => ({ spec: { initContainers: spec.initContainers?.map(one => ({ ...one, image: otherImage })) } }),
          true,
        ],
        ['metadata', () => ({ metadata: { annotations: { key: 'value' } } }), false],
        ['the generation itself', () => ({ metadata: { generation: 1 } }), false],
      ]
      let generation = 1
      for (const [what, change, doesCount] of changes) {
        if (doesCount) generation++
        const answer = await update('counted', change)
        expect([what, answer.metadata.generation]).toEqual([what, generation])
        expect((await pods().get('counted')).metadata.generation).toBe(generation)
        await observed('counted', generation)
      }
    })

    test('custom-set generation on new pods and graceful delete', async () => {
      const { client } = pods().cluster
      const created = await pods().pod('custom', { container: sleeper }, { generation: 100 })
      expect(created.metadata.generation).toBe(1)
      await pods().phase('custom', 'Running')
      await using watch = await watching(client, Pod, { namespace: pods().namespace, fieldSelector: 'metadata.name=custom' })
      await client.delete(Pod, { namespace: pods().namespace, name: 'custom' }, { gracePeriodSeconds: 5 })
      const { object } = await watch.seen(event => event.object.metadata.deletionTimestamp !== undefined)
      expect(object.metadata.generation).toBe(2)
      await watch.seen(({ type }) => type === 'DELETED')
    })

    test('issue 500 podspec updates and verify generation and observedGeneration eventually converge', async () => {
      await pods().pod('often', { activeDeadlineSeconds: 5000, container: sleeper })
      await pods().ready('often')
      for (let left = 499; left > 0; left--)
        await update('often', ({ spec }) => ({ spec: { activeDeadlineSeconds: (spec.activeDeadlineSeconds ?? 0) - 1 } }))
      await observed('often', 500)
      const { metadata, spec } = await pods().get('often')
      expect([metadata.generation, spec.activeDeadlineSeconds]).toEqual([500, 4501])
    })

    test('pod rejected by kubelet should have updated generation and observedGeneration', async () => {
      const { client } = pods().cluster
      const resources = { requests: { cpu: '1000000' } }
      await pods().pod('too-much', { container: { ...sleeper, resources } })
      const ref = { namespace: pods().namespace, name: 'too-much' }
      await eventually(async () => {
        const { status } = await client.get(Pod, ref)
        expect(status.conditions).toMatchObject([
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', observedGeneration: 1 },
        ])
      })
      await client.createSubresource(Pod, ref, 'binding', {
        metadata: { name: 'too-much', namespace: pods().namespace },
        target: { kind: 'Node', name: 'node-1' },
      })
      const { metadata, status } = await pods().phase('too-much', 'Failed')
      expect([metadata.generation, status.observedGeneration, status.reason]).toEqual([1, 1, 'OutOfcpu'])
    })

    test('pod observedGeneration field set in pod conditions', async () => {
      await pods().pod('conditions', { container: { ...sleeper, image: 'wherry/no-such-image:1', imagePullPolicy: 'Never' } })
      const all = (generation: number) =>
        eventually(async () => expect(ofConditions(await pods().get('conditions'))).toEqual(allAt(generation)), {
          timeoutInMs: 30_000,
        })
      await all(1)
      await update('conditions', ({ spec }) => ({ spec: { containers: [{ ...spec.containers[0], image: 'busybox:1.36' }] } }))
      await all(2)
      await pods().ready('conditions')
    })
  })
})

describe.concurrent('Pods Extended', () => {
  describe('Pods Set QOS Class', () => {
    test('should be set on Pods with matching resource requests and limits for memory and cpu', async () => {
      const amounts = { cpu: '100m', memory: '100Mi' }
      await pods().pod('guaranteed', { container: { ...sleeper, resources: { limits: amounts, requests: amounts } } })
      expect((await pods().get('guaranteed')).status.qosClass).toBe('Guaranteed')
      expect((await pods().ready('guaranteed')).status.qosClass).toBe('Guaranteed')
    })
  })
})
