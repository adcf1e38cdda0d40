import { expect, test } from 'vitest'
import type { Objects } from '../objects.ts'
import { samplePod } from '../samples.ts'
import { affinityFault, volumeSpecOf } from './volume-spec.ts'

const claim = (overrides: { metadata?: object; spec?: object; status?: object } = {}) => ({
  metadata: { name: 'data', uid: 'claim', ...overrides.metadata },
  spec: { volumeName: 'pv', ...overrides.spec },
  status: { phase: 'Bound', ...overrides.status },
})
const volume = (spec: object = {}) => ({
  metadata: { name: 'pv' },
  spec: { claimRef: { uid: 'claim' }, volumeMode: 'Filesystem', hostPath: { path: '/data' }, ...spec },
})
const block = { volumeMode: 'Block' }
const mounting = { containers: [{ name: 'app', image: 'app:1', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }
const mapping = { containers: [{ name: 'app', image: 'app:1', volumeDevices: [{ name: 'v', devicePath: '/dev/v' }] }] }
const processing = 'error processing PVC default/data: '

const follow = (found: unknown, bound: unknown, { spec = mounting, source }: { spec?: object; source?: object } = {}) => {
  const fake = { claim: async () => found, volume: async () => bound } as unknown as Objects
  const pod = samplePod({ ...spec, volumes: [{ name: 'v', ...(source ?? { persistentVolumeClaim: { claimName: 'data' } }) }] })
  return volumeSpecOf(pod, pod.spec.volumes![0]!, fake).then(
    ({ name, isBlock, readOnly }) => `${name}${isBlock ? ' block' : ''}${readOnly ? ' read-only' : ''}`,
    (error: Error) => error.message,
  )
}

test.each([
  ['a bound claim', claim(), volume(), 'pv'],
  ['no claim', undefined, undefined, `${processing}failed to fetch PVC from API server: persistentvolumeclaims "data" not found`],
  ['not bound', claim({ status: { phase: 'Pending' } }), undefined, `${processing}PVC is not bound`],
  ['no volume named', claim({ spec: { volumeName: '' } }), undefined, `${processing}PVC has empty pvc.Spec.VolumeName`],
  ['on its way out', claim({ metadata: { deletionTimestamp: 'now' } }), volume(), `${processing}PVC is being deleted`],
  [
    'on its way out, but held for a pod',
    claim({ metadata: { deletionTimestamp: 'now', finalizers: ['kubernetes.io/pvc-protection'] } }),
    volume(),
    'pv',
  ],
  ['no volume', claim(), undefined, `${processing}failed to fetch PV pv from API server: persistentvolumes "pv" not found`],
  [
    'a volume that knows of no claim',
    claim(),
    volume({ claimRef: undefined }),
    `${processing}found PV object pv but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`,
  ],
  [
    "somebody else's volume",
    claim(),
    volume({ claimRef: { uid: 'other' } }),
    `${processing}found PV object pv but its pv.Spec.ClaimRef.UID other does not point to claim.UID claim`,
  ],
  ['a device to mount', claim(), volume(block), 'volume v has volumeMode Block, but is specified in volumeMounts'],
])('a claim is followed: %s', async (_title, found, bound, expected) => {
  expect(await follow(found, bound)).toBe(expected)
})

test('devices, read-only claims and claims of the pod itself', async () => {
  expect(await follow(claim(), volume(block), { spec: mapping })).toBe('pv block')
  expect(await follow(claim(), volume(), { spec: mapping })).toBe(
    'volume v has volumeMode Filesystem, but is specified in volumeDevices',
  )
  const readOnly = { persistentVolumeClaim: { claimName: 'data', readOnly: true } }
  expect(await follow(claim(), volume(), { source: readOnly })).toBe('pv read-only')
  const source = { ephemeral: { volumeClaimTemplate: { spec: {} } } }
  const own = { ownerReferences: [{ controller: true, uid: 'uid-1', apiVersion: 'v1', kind: 'Pod', name: 'web' }] }
  expect(await follow(claim({ metadata: own }), volume(), { source })).toBe('pv')
  expect(await follow(claim(), volume(), { source })).toBe(
    'PVC default/web-v was not created for pod default/web (pod is not owner)',
  )
})

test('a volume of another node is not for this one', () => {
  const node = { metadata: { name: 'node-a', labels: { zone: 'a' } } } as never
  const zone = (value: string) => ({
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }] } },
  })
  const fault = (spec: object) => affinityFault({ persistentVolume: volume(spec) } as never, node)
  expect([fault({}), fault(zone('a')), fault(zone('b'))]).toEqual([undefined, undefined, 'no matching NodeSelectorTerms'])
})
