import { expect } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { busybox, type RealPods } from '../../support/real-pods.ts'
import { type DataArea, dataOf, goOn, mounting, newName, store } from './mounted.ts'

/** How long the node may take to show a change: upstream gives it several minutes, ours has to be quicker. */
const soon = { timeoutInMs: 30_000 }

/** A running pod sees what its object says now. */
export async function updatesAreReflected(pods: RealPods, area: DataArea): Promise<void> {
  const { namespace, cluster } = pods
  const name = await store(pods, area, newName('updated'), { 'data-1': 'value-1' })
  await pods.pod(name, mounting({ volume: area.volume(name) }, goOn))
  await pods.ready(name)
  const content = async () => (await pods.exec(name, 'cat /etc/volume/data-1')).stdout
  expect(await content()).toBe('value-1')
  await cluster.client.patch(area.kind, { namespace, name }, 'merge', { data: dataOf(area, { 'data-1': 'value-2' }) })
  await eventually(async () => expect(await content()).toBe('value-2'), soon)
}

/** A running pod sees optional objects come, change and go; until one is there its volume is empty. */
export async function optionalUpdatesAreReflected(pods: RealPods, area: DataArea): Promise<void> {
  const { namespace, cluster } = pods
  const pod = newName('optional')
  const nameOf = { delete: `${pod}-delete`, update: `${pod}-update`, create: `${pod}-create` }
  await store(pods, area, nameOf.delete, { 'data-1': 'value-1' })
  await store(pods, area, nameOf.update, { 'data-1': 'value-1' })
  await pods.pod(pod, {
    restartPolicy: 'Never',
    volumes: Object.entries(nameOf).map(([volume, name]) => ({ name: volume, ...area.volume(name, { optional: true }) })),
    containers: Object.keys(nameOf).map(name => ({
      name,
      image: busybox,
      command: goOn,
      volumeMounts: [{ name, mountPath: '/volume', readOnly: true }],
    })),
  })
  await pods.ready(pod)
  const files = async (container: string) =>
    (await pods.exec(pod, 'cd /volume; for f in *; do echo $f; cat $f; done', container)).stdout
  const all = async () => ({ delete: await files('delete'), update: await files('update'), create: await files('create') })
  const nothing = '*\n' // what `*` is when it finds no file
  expect(await all()).toEqual({ delete: 'data-1\nvalue-1', update: 'data-1\nvalue-1', create: nothing })

  await cluster.client.delete(area.kind, { namespace, name: nameOf.delete })
  await cluster.client.patch(area.kind, { namespace, name: nameOf.update }, 'merge', {
    data: dataOf(area, { 'data-1': null, 'data-3': 'value-3' }),
  })
  await store(pods, area, nameOf.create, { 'data-1': 'value-1' })
  await eventually(
    async () => expect(await all()).toEqual({ delete: nothing, update: 'data-3\nvalue-3', create: 'data-1\nvalue-1' }),
    soon,
  )
}

/** Once immutable, always: neither the data nor the mark can be changed; labels can, and the object can go. */
export async function immutableStays(pods: RealPods, area: DataArea): Promise<void> {
  const { client } = pods.cluster
  const ref = { namespace: pods.namespace, name: await store(pods, area, newName('immutable')) }
  const change = (patch: object) => client.patch(area.kind, ref, 'merge', patch)
  const refused = (patch: object) => expect(change(patch)).rejects.toMatchObject({ status: { reason: 'Invalid' } })
  const data = (key: string) => ({ data: dataOf(area, { [key]: 'new' }) })
  expect((await change(data('data-4'))).data).toMatchObject(dataOf(area, { 'data-4': 'new' }))
  expect(await change({ immutable: true })).toMatchObject({ immutable: true })
  await refused(data('data-5'))
  await refused({ immutable: false })
  expect(await change({ metadata: { labels: { label1: 'value1' } } })).toMatchObject({
    metadata: { labels: { label1: 'value1' } },
  })
  await client.delete(area.kind, ref)
  await expect(client.get(area.kind, ref)).rejects.toMatchObject({ status: { reason: 'NotFound' } })
}
