import { describe, expect, test } from 'vitest'
import type { AnyKind } from '../kind.ts'
import { faults, made } from '../testing.ts'
import { Deployment } from './deployment.ts'
import { ReplicaSet } from './replica-set.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1' }] } }
const workload = (spec: object = {}) => ({ spec: { selector: { matchLabels: labels }, template, ...spec } })
const rolling = (rollingUpdate: object) => workload({ strategy: { rollingUpdate } })

test('a Deployment has its defaults', () => {
  const { spec } = made(Deployment, workload())
  expect(spec).toMatchObject({
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  })
  expect(made(Deployment, workload({ strategy: { type: 'Recreate' } })).spec.strategy).toEqual({ type: 'Recreate' })
})

describe.each<[string, AnyKind]>([
  ['Deployment', Deployment],
  ['ReplicaSet', ReplicaSet],
])('a %s', (_, kind) => {
  test.each([
    [{}, []],
    [{ replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [{ selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    [
      { selector: undefined },
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    [
      { selector: { matchLabels: { app: 'db' } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    [
      { selector: { matchExpressions: [{ key: 'app', operator: 'In' }] } },
      [
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"In"}]}: invalid label selector',
      ],
    ],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } } },
      [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
      ],
    ],
    [
      { template: { ...template, spec: { containers: [{ name: 'web' }] } } },
      ['spec.template.spec.containers[0].image: Required value'],
    ],
  ])('%j', (spec, expected) => {
    expect(faults(kind, workload(spec))).toEqual(expected)
  })

  test('keeps its selector for good', () => {
    const other = { app: 'db' }
    const update = workload({ selector: { matchLabels: other }, template: { ...template, metadata: { labels: other } } })
    expect(faults(kind, update, workload())).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable',
    ])
  })

  test('can be scaled', () => {
    const object = made(kind, workload({ replicas: 3 }))
    expect(kind.scale?.specReplicas(object)).toBe(3)
    expect(kind.scale?.selector(object)).toBe('app=web')
    kind.scale?.setReplicas(object, 5)
    expect(kind.scale?.specReplicas(object)).toBe(5)
  })
})

const percent =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
const at = 'spec.strategy.rollingUpdate'
test.each([
  [rolling({ maxSurge: 0, maxUnavailable: 0 }), [`${at}.maxUnavailable: Invalid value: 0: may not be 0 when \`maxSurge\` is 0`]],
  [rolling({ maxSurge: '0%', maxUnavailable: 1 }), []],
  [rolling({ maxSurge: 'some' }), [`${at}.maxSurge: Invalid value: "some": ${percent}`]],
  [rolling({ maxUnavailable: '101%' }), [`${at}.maxUnavailable: Invalid value: "101%": must not be greater than 100%`]],
  [rolling({ maxSurge: -1 }), [`${at}.maxSurge: Invalid value: -1: must be greater than or equal to 0`]],
  [
    workload({ strategy: { type: 'Recreate', rollingUpdate: {} } }),
    [`${at}: Forbidden: may not be specified when strategy \`type\` is 'Recreate'`],
  ],
  [
    workload({ strategy: { type: 'Odd' } }),
    ['spec.strategy.type: Unsupported value: "Odd": supported values: "Recreate", "RollingUpdate"'],
  ],
  [
    workload({ progressDeadlineSeconds: 5, minReadySeconds: 5 }),
    ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
  ],
])('a Deployment %j', (body, expected) => {
  expect(faults(Deployment, body)).toEqual(expected)
})

test('what tables show', () => {
  const now = Date.UTC(2026, 0, 1, 0, 5)
  const metadata = { creationTimestamp: '2026-01-01T00:00:00Z' }
  const status = { replicas: 4, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 }
  const row = <T>(columns: readonly { value: (object: T, now: number) => unknown }[], object: T) =>
    columns.map(({ value }) => value(object, now))
  const wide = ['web', 'nginx:1', 'app=web']
  const deployment = made(Deployment, { metadata, ...workload({ replicas: 3 }), status })
  expect(row(Deployment.columns, deployment)).toEqual(['2/3', 1, 2, '5m', ...wide])
  const { replicas, readyReplicas } = status
  const replicaSet = made(ReplicaSet, { metadata, ...workload({ replicas: 3 }), status: { replicas, readyReplicas } })
  expect(row(ReplicaSet.columns, replicaSet)).toEqual([3, 4, 2, '5m', ...wide])
})

test('a change of annotations is a new generation of a Deployment, not of a ReplicaSet', () => {
  const [plain, annotated] = [workload(), { ...workload(), metadata: { annotations: { a: 'b' } } }]
  expect(Deployment.generationOf?.(made(Deployment, plain))).not.toEqual(Deployment.generationOf?.(made(Deployment, annotated)))
  expect(ReplicaSet.generationOf?.(made(ReplicaSet, plain))).toEqual(ReplicaSet.generationOf?.(made(ReplicaSet, annotated)))
})
