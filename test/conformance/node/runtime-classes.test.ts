import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { isReason } from '../../../api/errors.ts'
import { RuntimeClass } from '../../../api/node/runtime-class.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { busybox } from '../../support/real-pods.ts'
import { watching } from '../../support/watching.ts'

const pods = conformancePods('runtime-classes')
const group = '/apis/node.k8s.io'

const create = (name: string, handler = 'runc', more: object = {}) =>
  pods().cluster.client.create(RuntimeClass, { metadata: { name }, handler, ...more })

/** A pod of this class is Forbidden. */
async function isRejected(runtimeClassName: string): Promise<void> {
  const pod = {
    metadata: { name: 'rejected', namespace: pods().namespace },
    spec: { runtimeClassName, containers: [{ name: 'main', image: busybox }] },
  }
  await eventually(() =>
    expect(pods().cluster.client.create(Pod, pod as never, { dryRun: true })).rejects.toSatisfy(
      (error: Error) => isReason(error, 'Forbidden') && error.message.includes(runtimeClassName),
    ),
  )
}

const isScheduled = (name: string) =>
  eventually(async () => {
    const pod = await pods().get(name)
    expect(pod.status.conditions?.find(({ type }) => type === 'PodScheduled')?.status).toBe('True')
    return pod
  })

describe.concurrent('RuntimeClass', () => {
  test('should reject a Pod requesting a non-existent RuntimeClass', async () => {
    await isRejected('nonexistent')
  })

  test('should reject a Pod requesting a deleted RuntimeClass', async () => {
    const { client } = pods().cluster
    await create('delete-me')
    await pods().pod('before', { runtimeClassName: 'delete-me', container: { command: ['true'] } })
    await client.delete(RuntimeClass, { name: 'delete-me' })
    await expect(client.get(RuntimeClass, { name: 'delete-me' })).rejects.toSatisfy(error => isReason(error, 'NotFound'))
    await isRejected('delete-me')
  })

  test('should schedule a Pod requesting a RuntimeClass without PodOverhead', async () => {
    await create('light')
    const created = await pods().pod('light', { runtimeClassName: 'light', container: { command: ['sleep', '600'] } })
    expect(created.spec.overhead).toBeUndefined()
    expect((await isScheduled('light')).spec.overhead).toBeUndefined()
    await pods().ready('light')
  })

  test('should schedule a Pod requesting a RuntimeClass and initialize its Overhead', async () => {
    const podFixed = { cpu: '10m', memory: '1Mi' }
    await create('heavy', 'runc', { overhead: { podFixed } })
    await pods().pod('heavy', { runtimeClassName: 'heavy', container: { command: ['sleep', '600'] } })
    expect((await isScheduled('heavy')).spec.overhead).toEqual(podFixed)
    await pods().ready('heavy')
  })

  test('should reject a Pod requesting a RuntimeClass with an unconfigured handler', async () => {
    await create('unconfigured', 'no-such-handler')
    await pods().pod('unconfigured', { runtimeClassName: 'unconfigured', container: { command: ['sleep', '600'] } })
    await eventually(
      async () =>
        expect(await pods().events('unconfigured')).toContainEqual(
          expect.stringMatching(/^FailedCreatePodSandBox: .*no-such-handler/),
        ),
      { timeoutInMs: 30_000 },
    )
    expect((await pods().get('unconfigured')).status.phase).toBe('Pending')
  })

  test('should support RuntimeClasses API operations', async () => {
    const { client, https } = pods().cluster
    const { groups } = (await https.raw('/apis')) as { groups: { name: string; versions: { version: string }[] }[] }
    expect(groups.find(({ name }) => name === 'node.k8s.io')?.versions.map(({ version }) => version)).toContain('v1')
    const { versions } = (await https.raw(group)) as { versions: { version: string }[] }
    expect(versions.map(({ version }) => version)).toContain('v1')
    const { resources } = (await https.raw(`${group}/v1`)) as { resources: { name: string }[] }
    expect(resources.map(({ name }) => name)).toContain('runtimeclasses')

    const labels = { test: 'operations' }
    const own = { labelSelector: 'test=operations' }
    const make = (nth: number) =>
      client.create(RuntimeClass, { metadata: { name: `operations-${nth}`, labels }, handler: `handler-${nth}` })
    const first = await make(1)
    await expect(make(1)).rejects.toSatisfy(error => isReason(error, 'AlreadyExists'))
    await make(2)
    await using watch = await watching(client, RuntimeClass, own)
    await make(3)
    const read = await client.get(RuntimeClass, { name: 'operations-1' })
    expect(read.metadata.uid).toBe(first.metadata.uid)
    expect((await client.list(RuntimeClass, own)).items).toHaveLength(3)
    const patched = await client.patch(RuntimeClass, { name: 'operations-1' }, 'merge', {
      metadata: { annotations: { patched: 'true' } },
    })
    expect(patched.metadata.annotations).toEqual({ patched: 'true' })
    expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(read.metadata.resourceVersion))
    const metadata = { ...patched.metadata, annotations: { patched: 'true', updated: 'true' } }
    const updated = await client.update(RuntimeClass, { ...patched, metadata })
    expect(updated.metadata.annotations).toEqual({ patched: 'true', updated: 'true' })
    await watch.seen(({ object }) => object.metadata.annotations?.updated === 'true')
    expect(watch.events.map(({ type, object }) => [type, object.metadata.name, object.metadata.annotations])).toEqual([
      ['ADDED', 'operations-3', undefined],
      ['MODIFIED', 'operations-1', { patched: 'true' }],
      ['MODIFIED', 'operations-1', { patched: 'true', updated: 'true' }],
    ])

    await client.delete(RuntimeClass, { name: 'operations-1' })
    await expect(client.get(RuntimeClass, { name: 'operations-1' })).rejects.toSatisfy(error => isReason(error, 'NotFound'))
    expect((await client.list(RuntimeClass, own)).items).toHaveLength(2)
    await client.deleteCollection(RuntimeClass, own)
    expect((await client.list(RuntimeClass, own)).items).toEqual([])
  })
})
