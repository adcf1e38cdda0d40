import { expect, test } from 'vitest'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import { podWith } from '../shared/test-objects.ts'
import { planClaim, type Surroundings } from './claim-plan.ts'
import { defaultClass } from './classes.ts'
import { bindCompleted, boundByController, provisionedBy, selectedNode } from './names.ts'
import { holds, protectionStep } from './protection.ts'
import { planVolume } from './volume-plan.ts'

type Annotations = Record<string, string>
const uid = 'u1'
const claim = (spec: object = {}, annotations: Annotations = {}) =>
  ({
    metadata: { namespace: 'default', name: 'data', uid, annotations },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeMode: 'Filesystem', ...spec },
    status: { phase: 'Pending' },
  }) as unknown as PersistentVolumeClaim
const volume = (claimRef?: object, annotations: Annotations = {}, policy = 'Retain') =>
  ({
    metadata: { name: 'v', annotations },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: policy,
      ...(claimRef && { claimRef }),
    },
    status: { phase: 'Available' },
  }) as unknown as PersistentVolume
const storageClass = (volumeBindingMode: string, provisioner = 'wherry.dev/local') =>
  ({ metadata: { name: 'c' }, volumeBindingMode, provisioner }) as unknown as StorageClass
const mine = { namespace: 'default', name: 'data', uid }
const reserved = { namespace: 'default', name: 'data' }
const other = { namespace: 'default', name: 'other', uid: 'u2' }
const completed = { [bindCompleted]: 'yes' }
const immediate = storageClass('Immediate')
const lazy = storageClass('WaitForFirstConsumer')

const around = (over: Partial<Record<'volume' | 'match' | 'storageClass' | 'defaultClass', unknown>>, pods: string[] = []) =>
  ({
    volume: () => over.volume,
    match: (_: unknown, isDelayed: boolean) => (isDelayed ? undefined : over.match),
    storageClass: () => over.storageClass,
    defaultClass: () => over.defaultClass,
    waitingPods: () => pods,
  }) as unknown as Surroundings

test.each([
  ['free, and there is a match', claim(), around({ match: volume() }), 'bind'],
  ['free, with a match and a default class', claim(), around({ match: volume(), defaultClass: immediate }), 'bind'],
  ['free, without match or class', claim(), around({}), 'wait FailedBinding'],
  ['free, and there is a default class', claim(), around({ defaultClass: immediate }), 'take class'],
  ['free, and wants no class', claim({ storageClassName: '' }), around({ defaultClass: immediate }), 'wait FailedBinding'],
  ['free, its class at once', claim({ storageClassName: 'c' }), around({ storageClass: immediate }), 'ask provisioner'],
  ['free, its class unknown', claim({ storageClassName: 'c' }), around({}), 'wait ProvisioningFailed'],
  [
    'free, its class makes none',
    claim({ storageClassName: 'c' }),
    around({ storageClass: storageClass('Immediate', 'kubernetes.io/no-provisioner') }),
    'wait ProvisioningFailed',
  ],
  ['free, its class waits', claim({ storageClassName: 'c' }), around({ storageClass: lazy }), 'wait WaitForFirstConsumer'],
  [
    'free, its class waits, a match',
    claim({ storageClassName: 'c' }),
    around({ storageClass: lazy, match: volume() }),
    'wait WaitForFirstConsumer',
  ],
  [
    'free, its class waits, pods',
    claim({ storageClassName: 'c' }),
    around({ storageClass: lazy }, ['p']),
    'wait WaitForPodScheduled',
  ],
  [
    'free, its class waited, and the node is chosen',
    claim({ storageClassName: 'c' }, { [selectedNode]: 'n1' }),
    around({ storageClass: lazy, match: volume() }),
    'ask provisioner',
  ],
  ['names a volume that is not there', claim({ volumeName: 'v' }), around({ match: volume() }), 'wait'],
  ['names a free one', claim({ volumeName: 'v' }), around({ volume: volume() }), 'bind'],
  [
    'names one that does not fit',
    claim({ volumeName: 'v', storageClassName: 'c' }),
    around({ volume: volume() }),
    'wait VolumeMismatch',
  ],
  ['names one set aside for it', claim({ volumeName: 'v', storageClassName: 'c' }), around({ volume: volume(reserved) }), 'bind'],
  ['names one half bound to it', claim({ volumeName: 'v' }), around({ volume: volume(mine) }), 'bind'],
  ['names one of another', claim({ volumeName: 'v' }), around({ volume: volume(other) }), 'wait'],
  [
    'was given one of another',
    claim({ volumeName: 'v' }, { [boundByController]: 'yes' }),
    around({ volume: volume(other) }),
    'wait FailedBinding',
  ],
  ['bound', claim({ volumeName: 'v' }, completed), around({ volume: volume(mine) }), 'bind'],
  ['bound, its volume forgot', claim({ volumeName: 'v' }, completed), around({ volume: volume() }), 'bind'],
  ['bound, no volume named', claim({}, completed), around({ match: volume() }), 'lose ClaimLost'],
  ['bound, its volume is gone', claim({ volumeName: 'v' }, completed), around({}), 'lose ClaimLost'],
  [
    'bound, its volume is of another',
    claim({ volumeName: 'v' }, completed),
    around({ volume: volume(other) }),
    'lose ClaimMisbound',
  ],
  [
    'bound, its volume is of a former claim of the name',
    claim({ volumeName: 'v' }, completed),
    around({ volume: volume({ ...mine, uid: 'former' }) }),
    'lose ClaimMisbound',
  ],
])('a claim, %s', (_, wanting, surroundings, expected) => {
  const next = planClaim(wanting, surroundings)
  const reason = 'why' in next && next.why ? ` ${next.why.reason}` : ''
  expect(`${next.step}${reason}`).toBe(expected)
})

const owner = (volumeName?: string, own = uid) =>
  ({ metadata: { uid: own }, spec: { volumeName } }) as unknown as PersistentVolumeClaim
const made = { [provisionedBy]: 'p' }

test.each([
  ['no claimRef', volume(), undefined, 'phase Available'],
  ['set aside', volume(reserved), owner('v'), 'phase Available'],
  ['its claim gone', volume(mine), undefined, 'release'],
  ['another claim of the name', volume(mine), owner('v', 'u2'), 'release'],
  ['its claim on the way', volume(mine), owner(), 'wait'],
  ['bound', volume(mine), owner('v'), 'phase Bound'],
  ['its claim elsewhere', volume(mine), owner('w'), 'unbind'],
  ['its claim elsewhere, made for it', volume(mine, made, 'Delete'), owner('w'), 'release'],
  ['its claim elsewhere, made for it, but kept', volume(mine, made), owner('w'), 'unbind'],
])('a volume with %s', (_, kept, having, expected) => {
  const next = planVolume(kept, having)
  expect('phase' in next ? `${next.step} ${next.phase}` : next.step).toBe(expected)
})

test('of the default classes the newest counts, then the first by name', () => {
  const marked = (name: string, creationTimestamp: string, key = 'storageclass.kubernetes.io/is-default-class', value = 'true') =>
    ({ metadata: { name, creationTimestamp, annotations: { [key]: value } } }) as unknown as StorageClass
  const old = marked('a', '2026-01-01T00:00:00Z')
  const classes = [
    old,
    marked('z', '2026-01-02T00:00:00Z'),
    marked('y', '2026-01-02T00:00:00Z', 'storageclass.beta.kubernetes.io/is-default-class'),
    marked('x', '2026-01-03T00:00:00Z', undefined, 'false'),
  ]
  expect([defaultClass(classes)?.metadata.name, defaultClass([old]), defaultClass([])]).toEqual(['y', old, undefined])
})

test.each([
  ['alive, without', {}, 'put on'],
  ['alive, with', { finalizers: ['f'] }, 'none'],
  ['being deleted, with', { finalizers: ['f'], deletionTimestamp: 'now' }, 'release if unused'],
  ['being deleted, without', { deletionTimestamp: 'now' }, 'none'],
])('protection of what is %s', (_, metadata, step) => {
  expect(protectionStep({ metadata } as PersistentVolume, 'f')).toBe(step)
})

const named = [{ name: 'd', persistentVolumeClaim: { claimName: 'web-d' } }]
const ephemeral = [{ name: 'd', ephemeral: {} }]
const shutDown = { deletionTimestamp: 'now', deletionGracePeriodSeconds: 0 }
test.each([
  ['a scheduled pod', podWith({ spec: { nodeName: 'n', volumes: named } }), true],
  ['a pod without a node', podWith({ spec: { volumes: named } }), false],
  ['a pod that has ended', podWith({ spec: { nodeName: 'n', volumes: named }, status: { phase: 'Failed' } }), true],
  ['a pod that has shut down', podWith({ metadata: shutDown, spec: { nodeName: 'n', volumes: named } }), true],
  ['the pod of an ephemeral volume', podWith({ spec: { nodeName: 'n', volumes: ephemeral as never } }), true],
  ['one that has shut down', podWith({ metadata: shutDown, spec: { nodeName: 'n', volumes: ephemeral as never } }), false],
  ['a pod with other volumes', podWith({ spec: { nodeName: 'n', volumes: [] } }), false],
])('%s holds its claim', (_, pod, isHeld) => {
  expect(holds(pod, 'default/web-d')).toBe(isHeld)
})
