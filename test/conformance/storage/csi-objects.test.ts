import { describe, expect, test } from 'vitest'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import { isReason } from '../../../api/errors.ts'
import type { AnyKind } from '../../../api/kind.ts'
import { CSIDriver } from '../../../api/storage/csi-driver.ts'
import { CSINode } from '../../../api/storage/csi-node.ts'
import { CSIStorageCapacity } from '../../../api/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../../api/storage/storage-class.ts'
import { VolumeAttachment } from '../../../api/storage/volume-attachment.ts'
import { VolumeAttributesClass } from '../../../api/storage/volume-attributes-class.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

/** What concerns storage in the API alone: no container is needed. */
const pods = conformancePods('csi-objects', { docker: [] })
const client = () => pods().cluster.client

/** Anything with labels. */
interface Labelled {
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels?: Readonly<Record<string, string>> }
}

const gone = (kind: AnyKind, name: string, namespace?: string) =>
  eventually(async () => {
    const found = await client()
      .get(kind, { name, namespace })
      .then(
        () => 'there',
        error => (isReason(error, 'NotFound') ? 'gone' : String(error)),
      )
    expect(found).toBe('gone')
  })

/** Create, read, patch, list, delete, create again, update, delete all: what upstream does with each of these kinds. */
async function lifecycle(kind: AnyKind, make: (name: string, labels: object) => object, namespace?: string): Promise<void> {
  const name = `${kind.plural}-a`
  const at = { name, namespace }
  const own = { labelSelector: `of=${name}`, ...(namespace && { namespace }) }
  const create = async (called = name) =>
    (await client().create(kind, make(called, { of: name }) as never)) as unknown as Labelled
  const first = await create()
  const read = (await client().get(kind, at)) as unknown as Labelled
  expect(read.metadata.uid).toBe(first.metadata.uid)
  const labels = async () => ((await client().get(kind, at)) as unknown as Labelled).metadata.labels
  const patched = await client().patch(kind, at, 'merge', { metadata: { labels: { [name]: 'patched' } } })
  expect((patched as unknown as Labelled).metadata.labels?.[name]).toBe('patched')
  expect((await client().list(kind, { ...own, labelSelector: `${name}=patched` })).items).toHaveLength(1)
  await client().delete(kind, at)
  await gone(kind, name, namespace)
  const second = await create()
  expect(second.metadata.uid).not.toBe(first.metadata.uid)
  await eventually(async () => {
    const current = (await client().get(kind, at)) as unknown as Labelled
    const metadata = { ...current.metadata, labels: { ...current.metadata.labels, [name]: 'updated' } }
    await client().update(kind, { ...current, metadata } as never)
  })
  expect((await labels())?.[name]).toBe('updated')
  await create(`${name}-too`)
  expect((await client().list(kind, own)).items).toHaveLength(2)
  await client().deleteCollection(kind, own)
  for (const one of [name, `${name}-too`]) await gone(kind, one, namespace)
}

const meta = (name: string, labels: object) => ({ name, labels })
const served = async (group: string, version: string, resource: string) => {
  const { https } = pods().cluster
  const groups = (await https.raw('/apis')) as { groups: { name: string; versions: { version: string }[] }[] }
  expect(groups.groups.find(({ name }) => name === group)?.versions.map(one => one.version)).toContain(version)
  const { resources } = (await https.raw(`/apis/${group}/${version}`)) as { resources: { name: string; verbs: string[] }[] }
  expect(resources.find(({ name }) => name === resource)?.verbs.sort()).toEqual(
    ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'].sort(),
  )
}

describe('CSIInlineVolumes', () => {
  test('should run through the lifecycle of a CSIDriver', () =>
    lifecycle(CSIDriver, (name, labels) => ({ metadata: meta(name, labels), spec: { volumeLifecycleModes: ['Ephemeral'] } })))

  test('should support CSIVolumeSource in Pod API', async () => {
    const { namespace } = pods()
    const csi = { driver: 'e2e.example.com', readOnly: true, volumeAttributes: { a: 'b' } }
    const ref = { namespace, name: 'inline' }
    await pods().pod('inline', { volumes: [{ name: 'v', csi }], nodeSelector: { nowhere: 'true' } })
    expect((await client().get(Pod, ref)).spec.volumes?.find(({ name }) => name === 'v')?.csi).toEqual(csi)
    const listed = (await client().list(Pod, { namespace })).items.map(({ metadata }) => metadata.name)
    expect(listed).toContain('inline')
    await client().patch(Pod, ref, 'merge', { metadata: { annotations: { patched: 'true' } } })
    expect((await client().get(Pod, ref)).metadata.annotations?.patched).toBe('true')
    await client().delete(Pod, ref, { gracePeriodSeconds: 0 })
    await gone(Pod, 'inline', namespace)
  })
})

describe('CSINodes CSI Conformance', () => {
  test('should run through the lifecycle of a csinode', () =>
    lifecycle(CSINode, (name, labels) => ({ metadata: meta(name, labels), spec: { drivers: [] } })))
})

describe('CSIStorageCapacity', () => {
  test('should support CSIStorageCapacities API operations', async () => {
    await served('storage.k8s.io', 'v1', 'csistoragecapacities')
    const { namespace } = pods()
    const watching = new AbortController()
    const { resourceVersion } = (await client().list(CSIStorageCapacity, { namespace })).metadata
    const seen: string[] = []
    const watch = (async () => {
      for await (const events of client().watch(CSIStorageCapacity, { namespace, resourceVersion }, watching.signal))
        for (const { type } of events) seen.push(type)
    })().catch(() => {})
    await lifecycle(
      CSIStorageCapacity,
      (name, labels) => ({
        metadata: { ...meta(name, labels), namespace },
        storageClassName: 'fast',
        capacity: '1Gi',
        nodeTopology: { matchLabels: { zone: 'a' } },
      }),
      namespace,
    )
    await eventually(() => expect(new Set(seen)).toEqual(new Set(['ADDED', 'MODIFIED', 'DELETED'])))
    watching.abort()
    await watch
  })
})

const volumeSpec = {
  capacity: { storage: '1Gi' },
  accessModes: ['ReadWriteOnce'],
  persistentVolumeReclaimPolicy: 'Retain',
  storageClassName: 'none-such',
  csi: { driver: 'e2e.example.com', volumeHandle: 'e2e' },
}
const claimSpec = { accessModes: ['ReadWriteOnce'], storageClassName: 'other-class', resources: { requests: { storage: '1Gi' } } }

describe('PersistentVolumes CSI Conformance', () => {
  test('should run through the lifecycle of a PV and a PVC', async () => {
    const { namespace } = pods()
    await lifecycle(PersistentVolume, (name, labels) => ({ metadata: meta(name, labels), spec: volumeSpec }))
    const claim = (name: string, labels: object) => ({ metadata: { ...meta(name, labels), namespace }, spec: claimSpec })
    await lifecycle(PersistentVolumeClaim, claim, namespace)
  })

  test('should apply changes to a pv/pvc status', async () => {
    const { namespace } = pods()
    const at = { namespace, name: 'stated' }
    await client().create(PersistentVolume, { metadata: { name: 'stated', labels: { of: 'status' } }, spec: volumeSpec } as never)
    await client().create(PersistentVolumeClaim, { metadata: at, spec: claimSpec } as never)
    expect((await client().list(PersistentVolume, { labelSelector: 'of=status' })).items).toHaveLength(1)
    await eventually(async () => expect((await client().get(PersistentVolumeClaim, at)).status.phase).toBe('Pending'))
    await eventually(async () =>
      expect((await client().get(PersistentVolume, { name: 'stated' })).status.phase).toBe('Available'),
    )

    const conditions = (type: string) => [{ type, status: 'True', reason: 'Told', message: 'by a test' }]
    const status = { subresource: 'status' }
    await client().patch(PersistentVolumeClaim, at, 'merge', { status: { conditions: conditions('Patched') } }, status)
    await client().patch(PersistentVolume, { name: 'stated' }, 'merge', { status: { reason: 'Patched', message: 'so' } }, status)
    expect((await client().get(PersistentVolumeClaim, at)).status.conditions?.map(({ type }) => type)).toContain('Patched')
    expect((await client().get(PersistentVolume, { name: 'stated' })).status).toMatchObject({ reason: 'Patched', message: 'so' })

    await eventually(async () => {
      const claim = await client().get(PersistentVolumeClaim, at)
      await client().updateStatus(PersistentVolumeClaim, {
        ...claim,
        status: { ...claim.status, conditions: conditions('Updated') },
      } as never)
    })
    await eventually(async () => {
      const volume = await client().get(PersistentVolume, { name: 'stated' })
      await client().updateStatus(PersistentVolume, {
        ...volume,
        status: { ...volume.status, reason: 'Updated', message: 'too' },
      })
    })
    expect((await client().get(PersistentVolumeClaim, at)).status.conditions?.map(({ type }) => type)).toEqual(['Updated'])
    expect((await client().get(PersistentVolume, { name: 'stated' })).status).toMatchObject({ reason: 'Updated', message: 'too' })
    await client().delete(PersistentVolumeClaim, at)
    await client().delete(PersistentVolume, { name: 'stated' })
  })
})

describe('StorageClasses CSI Conformance', () => {
  test('should run through the lifecycle of a StorageClass', () =>
    lifecycle(StorageClass, (name, labels) => ({
      metadata: meta(name, labels),
      provisioner: 'e2e.example.com',
      volumeBindingMode: 'WaitForFirstConsumer',
    })))
})

const attachment = (name: string, labels: object = {}) => ({
  metadata: meta(name, labels),
  spec: { attacher: 'e2e.example.com', nodeName: 'some-node', source: { persistentVolumeName: 'some-volume' } },
})

describe('VolumeAttachment Conformance', () => {
  test('should run through the lifecycle of a VolumeAttachment', () => lifecycle(VolumeAttachment, attachment))

  test('should apply changes to a volumeattachment status', async () => {
    const at = { name: 'stated' }
    const isAttached = async () => (await client().get(VolumeAttachment, at)).status.attached
    await client().create(VolumeAttachment, attachment('stated') as never)
    const patched = await client().patch(VolumeAttachment, at, 'merge', { metadata: { labels: { e2e: 'patched' } } })
    expect(patched.metadata.labels?.e2e).toBe('patched')
    expect(await isAttached()).toBe(false)
    await client().patch(VolumeAttachment, at, 'merge', { status: { attached: true } }, { subresource: 'status' })
    expect(await isAttached()).toBe(true)
    const current = await client().get(VolumeAttachment, at)
    await client().updateStatus(VolumeAttachment, { ...current, status: { attached: false } })
    expect(await isAttached()).toBe(false)
    await client().delete(VolumeAttachment, at)
    await gone(VolumeAttachment, 'stated')
  })
})

describe('VolumeAttributesClass', () => {
  test('should run through the lifecycle of a VolumeAttributesClass', () =>
    lifecycle(VolumeAttributesClass, (name, labels) => ({
      metadata: meta(name, labels),
      driverName: 'e2e.example.com',
      parameters: { iops: '100' },
    })))
})
