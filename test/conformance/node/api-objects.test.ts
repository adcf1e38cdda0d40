import { describe, expect, test } from 'vitest'
import { Lease } from '../../../api/coordination/lease.ts'
import { Node } from '../../../api/core/node.ts'
import { PodTemplate } from '../../../api/core/pod-template.ts'
import { isReason } from '../../../api/errors.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

/** What concerns nodes and pods in the API alone: no container is needed. */
const pods = conformancePods('api-objects', { docker: [] })
const isGone = (error: unknown) => isReason(error, 'NotFound')

describe.concurrent('PodTemplates', () => {
  const template = { spec: { containers: [{ name: 'main', image: 'busybox:1.36' }] } }
  const create = (name: string, labels: Record<string, string> = {}) =>
    pods().cluster.client.create(PodTemplate, { metadata: { name, namespace: pods().namespace, labels }, template } as never)

  test('should run the lifecycle of PodTemplates', async () => {
    const { client } = pods().cluster
    const everywhere = { labelSelector: 'podtemplate-static=true' }
    const ref = { namespace: pods().namespace, name: 'lifecycle' }
    expect((await client.list(PodTemplate, everywhere)).items).toEqual([])
    await create('lifecycle', { 'podtemplate-static': 'true' })
    const read = await client.get(PodTemplate, ref)
    expect(read.metadata.name).toBe('lifecycle')
    const patch = { metadata: { labels: { podtemplate: 'patched' } } }
    const patched = await client.patch(PodTemplate, ref, 'strategic', patch)
    expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(read.metadata.resourceVersion))
    const { metadata } = await client.get(PodTemplate, ref)
    expect(metadata.labels).toEqual({ 'podtemplate-static': 'true', podtemplate: 'patched' })
    await client.delete(PodTemplate, ref)
    expect((await client.list(PodTemplate, everywhere)).items).toEqual([])
  })

  test('should delete a collection of pod templates', async () => {
    const { client } = pods().cluster
    const own = { namespace: pods().namespace, labelSelector: 'podtemplate-set=true' }
    for (const nth of [1, 2, 3]) await create(`set-${nth}`, { 'podtemplate-set': 'true' })
    expect((await client.list(PodTemplate, own)).items).toHaveLength(3)
    await client.deleteCollection(PodTemplate, own)
    expect((await client.list(PodTemplate, own)).items).toEqual([])
  })

  test('should replace a pod template', async () => {
    const { client } = pods().cluster
    await create('replaced')
    const replaced = await eventually(async () => {
      const found = await client.get(PodTemplate, { namespace: pods().namespace, name: 'replaced' })
      return client.update(PodTemplate, { ...found, metadata: { ...found.metadata, annotations: { updated: 'true' } } })
    })
    expect(replaced.metadata.annotations).toEqual({ updated: 'true' })
  })
})

describe.concurrent('Lease', () => {
  test('lease API should be available', async () => {
    const { client } = pods().cluster
    const { namespace } = pods()
    const ref = { namespace, name: 'lease' }
    const specOf = (holderIdentity: string, acquired: number, renewed: number, leaseTransitions: number, seconds = 30) => ({
      holderIdentity,
      leaseDurationSeconds: seconds,
      acquireTime: `0001-01-01T00:00:${acquired}.000000Z`,
      renewTime: `0001-01-01T00:00:${renewed}.000000Z`,
      leaseTransitions,
    })
    const first = specOf('holder', 12, 15, 0)
    const created = await client.create(Lease, { metadata: ref, spec: first } as never)
    expect((await client.get(Lease, ref)).spec).toEqual(first)

    const second = specOf('holder2', 20, 50, 1)
    await client.update(Lease, { ...created, spec: second } as never)
    expect((await client.get(Lease, ref)).spec).toEqual(second)

    const third = specOf('holder3', 50, 59, 2, 60)
    await client.patch(Lease, ref, 'strategic', { spec: third })
    const patched = await client.get(Lease, ref)
    expect(patched.spec).toEqual(third)
    expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion))

    const labels = { deletecollection: 'true' }
    await client.create(Lease, { metadata: { namespace, name: 'lease2', labels }, spec: first } as never)
    const names = async () => (await client.list(Lease, { namespace })).items.map(({ metadata }) => metadata.name)
    expect(await names()).toEqual(['lease', 'lease2'])
    await client.deleteCollection(Lease, { namespace, labelSelector: 'deletecollection=true' })
    expect(await names()).toEqual(['lease'])
    await client.delete(Lease, ref)
    await expect(client.get(Lease, ref)).rejects.toSatisfy(isGone)
    expect((await client.list(Lease)).items.map(({ metadata }) => metadata.name)).not.toContain('lease')
  })
})

describe.concurrent('Node Lifecycle', () => {
  test('should run through the lifecycle of a node', async () => {
    const { client } = pods().cluster
    const ref = { name: 'fake-node' }
    const ready = { type: 'Ready', status: 'True', reason: 'E2E', message: 'Set by a test' }
    const created = await client.create(Node, {
      metadata: ref,
      spec: { unschedulable: true },
      status: { phase: 'Running', conditions: [ready] },
    } as never)
    expect(created.metadata.name).toBe('fake-node')
    const read = await client.get(Node, ref)
    expect(read.status.conditions).toContainEqual(expect.objectContaining(ready))
    const patched = await client.patch(Node, ref, 'strategic', { metadata: { labels: { 'fake-node': 'patched' } } })
    expect(patched.metadata.labels).toMatchObject({ 'fake-node': 'patched' })
    expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion))
    const listed = await client.list(Node, { labelSelector: 'fake-node=patched' })
    expect(listed.items.map(({ metadata }) => metadata.name)).toEqual(['fake-node'])
    const updated = await eventually(async () => {
      const found = await client.get(Node, ref)
      const labels = { ...found.metadata.labels, 'fake-node': 'updated' }
      return client.update(Node, { ...found, metadata: { ...found.metadata, labels } })
    })
    expect(updated.metadata.labels).toMatchObject({ 'fake-node': 'updated' })
    await client.delete(Node, ref)
    await eventually(() => expect(client.get(Node, ref)).rejects.toSatisfy(isGone))
  })
})
