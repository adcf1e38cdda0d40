import { describe, expect, test } from 'vitest'
import type { AnyKind } from '../kind.ts'
import { faults, made } from '../testing.ts'
import { ControllerRevision } from './controller-revision.ts'
import { DaemonSet } from './daemon-set.ts'
import { StatefulSet } from './stateful-set.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1' }] } }
const workload = (spec: object = {}) => ({ spec: { selector: { matchLabels: labels }, template, ...spec } })
const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
}
const cells = (kind: AnyKind, body: object) => kind.columns.map(column => column.value(made(kind, body), 0))
const statusFaults = (kind: AnyKind, status: object, old: object = {}) =>
  kind
    .validateStatus(made(kind, { ...workload(), status }), made(kind, { ...workload(), status: old }))
    .map(({ field, message }) => `${field}: ${message}`)
const mismatch = 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'

describe('a StatefulSet', () => {
  test('has its defaults', () => {
    expect(made(StatefulSet, workload()).spec).toMatchObject({
      replicas: 1,
      serviceName: '',
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    })
  })

  test.each([
    [{ type: 'RollingUpdate' }, { type: 'RollingUpdate' }],
    [
      { type: 'RollingUpdate', rollingUpdate: {} },
      { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ],
    [{ type: 'OnDelete' }, { type: 'OnDelete' }],
  ])('strategy %j', (updateStrategy, expected) => {
    expect(made(StatefulSet, workload({ updateStrategy })).spec.updateStrategy).toEqual(expected)
  })

  test('its claims are whole claims', () => {
    expect(made(StatefulSet, workload({ volumeClaimTemplates: [claim] })).spec.volumeClaimTemplates).toEqual([
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { ...claim.spec, volumeMode: 'Filesystem' },
        status: { phase: 'Pending' },
      },
    ])
  })

  test('drops maxUnavailable, which is no feature yet, unless it was there before', () => {
    const set = made(StatefulSet, workload({ updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } }))
    const old = structuredClone(set)
    StatefulSet.prepareForUpdate(set, old)
    expect(set.spec.updateStrategy.rollingUpdate).toEqual({ partition: 0, maxUnavailable: 2 })
    StatefulSet.prepareForCreate(set)
    expect(set.spec.updateStrategy.rollingUpdate).toEqual({ partition: 0 })
  })

  const mounting = {
    metadata: { labels },
    spec: { containers: [{ name: 'web', image: 'x', volumeMounts: [{ name: 'data', mountPath: '/d' }] }] },
  }
  test.each<[object, string[]]>([
    [{}, []],
    [{ template: mounting, volumeClaimTemplates: [claim] }, []],
    [{ template: mounting }, ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"']],
    [{ podManagementPolicy: 'Odd' }, ["spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'"]],
    [
      { updateStrategy: { type: 'Odd' } },
      ['spec.updateStrategy: Invalid value: {"type":"Odd"}: must be \'RollingUpdate\' or \'OnDelete\''],
    ],
    [
      { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
      ['spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\''],
    ],
    [
      { updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: 0 } } },
      ['spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Odd' } },
      ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Odd": supported values: "Retain", "Delete"'],
    ],
    [{ ordinals: { start: -1 } }, ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0']],
    [{ serviceName: 'A' }, [expect.stringMatching(/^spec.serviceName: Invalid value: "A": a lowercase RFC 1123 label/)]],
    [{ selector: undefined }, ['spec.selector: Required value', mismatch]],
    [{ selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset']],
    [
      { volumeClaimTemplates: [{ metadata: { name: 'a' }, spec: {} }] },
      [
        'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
        'spec.volumeClaimTemplates[0].spec.resources[storage]: Required value',
      ],
    ],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 1 } } },
      [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported',
      ],
    ],
  ])('%j', (spec, expected) => expect(faults(StatefulSet, workload(spec))).toEqual(expected))

  test('that had a maxUnavailable may keep one that makes sense', () => {
    const rolling = (maxUnavailable: number | string) => workload({ updateStrategy: { rollingUpdate: { maxUnavailable } } })
    const at = 'spec.updateStrategy.rollingUpdate.maxUnavailable'
    expect(faults(StatefulSet, rolling(0), rolling(1))).toEqual([`${at}: Invalid value: 0: cannot be 0`])
    expect(faults(StatefulSet, rolling('101%'), rolling(1))).toEqual([
      `${at}: Invalid value: "101%": must not be greater than 100%`,
    ])
  })

  test('is called like a pod', () => {
    const [fault] = faults(StatefulSet, { metadata: { name: 'a.b' }, ...workload() })
    expect(fault).toBe('metadata.name: Invalid value: "a.b": must not contain dots')
  })

  test.each([
    [{ replicas: 3, minReadySeconds: 1, ordinals: { start: 1 }, revisionHistoryLimit: 1 }, 0],
    [{ serviceName: 'other' }, 1],
    [{ podManagementPolicy: 'Parallel' }, 1],
    [{ volumeClaimTemplates: [claim] }, 1],
  ])('update %j', (spec, count) => {
    expect(faults(StatefulSet, workload(spec), workload())).toEqual(
      Array(count).fill(
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ),
    )
  })

  test('counts its pods sensibly', () => {
    expect(statusFaults(StatefulSet, { replicas: 1, readyReplicas: 2, availableReplicas: 1 }, { collisionCount: 1 })).toEqual([
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.collisionCount: Invalid value: 0: cannot be decremented',
    ])
  })

  test('is shown', () => {
    expect(cells(StatefulSet, { ...workload(), status: { readyReplicas: 1, replicas: 1 } })).toEqual([
      '1/1',
      '<unknown>',
      'web',
      'nginx:1',
    ])
  })
})

describe('a DaemonSet', () => {
  const rolling = (rollingUpdate: object) => workload({ updateStrategy: { rollingUpdate } })
  const at = 'spec.updateStrategy.rollingUpdate'

  test('has its defaults', () => {
    const { spec } = made(DaemonSet, workload())
    expect(spec).toMatchObject({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    })
    expect(made(DaemonSet, workload({ updateStrategy: { type: 'OnDelete' } })).spec.updateStrategy).toEqual({ type: 'OnDelete' })
  })

  test.each<[object, string[]]>([
    [workload(), []],
    [workload({ selector: undefined }), [mismatch]],
    [workload({ selector: {} }), ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset']],
    [rolling({ maxUnavailable: 0 }), [`${at}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0`]],
    [
      rolling({ maxUnavailable: 1, maxSurge: '10%' }),
      [`${at}.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero`],
    ],
    [rolling({ maxUnavailable: '101%' }), [`${at}.maxUnavailable: Invalid value: "101%": must not be greater than 100%`]],
    [
      workload({ updateStrategy: { type: 'Odd' } }),
      ['spec.updateStrategy: Unsupported value: {"type":"Odd"}: supported values: "RollingUpdate", "OnDelete"'],
    ],
    [workload({ minReadySeconds: -1 }), ['spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0']],
  ])('%j', (body, expected) => expect(faults(DaemonSet, body)).toEqual(expected))

  test('keeps its selector, and counts its templates', () => {
    const other = { app: 'db' }
    const changed = workload({ selector: { matchLabels: other }, template: { ...template, metadata: { labels: other } } })
    expect(faults(DaemonSet, changed, workload())).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable',
    ])
    const key = 'deprecated.daemonset.template.generation'
    const set = made(DaemonSet, workload())
    DaemonSet.prepareForCreate(set)
    expect(set.metadata.annotations).toEqual({ [key]: '1' })
    const next = made(DaemonSet, { metadata: { annotations: { [key]: '7', a: 'b' } }, ...changed })
    DaemonSet.prepareForUpdate(next, set)
    expect(next.metadata.annotations).toEqual({ [key]: '2', a: 'b' })
    const same = made(DaemonSet, workload())
    DaemonSet.prepareForUpdate(same, next)
    DaemonSet.prepareForUpdate(same, structuredClone(same))
    expect(same.metadata.annotations?.[key]).toBe('3')
  })

  test('is shown', () => {
    const body = workload({ template: { ...template, spec: { ...template.spec, nodeSelector: { disk: 'ssd' } } } })
    const status = { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1, updatedNumberScheduled: 1 }
    expect(cells(DaemonSet, { ...body, status })).toEqual([3, 2, 1, 1, 0, 'disk=ssd', '<unknown>', 'web', 'nginx:1', 'app=web'])
    expect(statusFaults(DaemonSet, { numberReady: -1 })).toEqual([
      'status.numberReady: Invalid value: -1: must be greater than or equal to 0',
    ])
  })
})

describe('a ControllerRevision', () => {
  test('has data that never changes', () => {
    expect(faults(ControllerRevision, { revision: -1 })).toEqual([
      'revision: Invalid value: -1: must be greater than or equal to 0',
      'data: Required value: data is mandatory',
    ])
    expect(faults(ControllerRevision, { data: { a: 1 }, revision: 2 }, { data: { a: 1 } })).toEqual([])
    expect(faults(ControllerRevision, { data: { a: 2 } }, { data: { a: 1 } })).toEqual([
      'data: Invalid value: {"a":2}: field is immutable',
    ])
  })

  test('says whose it is', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: '1', controller: true }
    const metadata = { ownerReferences: [owner] }
    expect(cells(ControllerRevision, { metadata, data: {}, revision: 3 })).toEqual(['statefulset.apps/db', 3, '<unknown>'])
    expect(cells(ControllerRevision, { data: {} })[0]).toBe('<none>')
  })
})
