import { describe, expect, test } from 'vitest'
import { faults, made } from '../testing.ts'
import type { KubeObject } from '../transport.ts'
import { targetsText } from './autoscaler-columns.ts'
import { HorizontalPodAutoscaler, HorizontalPodAutoscalerV2Beta2 } from './horizontal-pod-autoscaler.ts'
import { HorizontalPodAutoscalerV1 } from './horizontal-pod-autoscaler-v1.ts'

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const body = (spec: object = {}) => ({ spec: { scaleTargetRef, maxReplicas: 3, ...spec } })
const cpu = (target: object) => ({ type: 'Resource', resource: { name: 'cpu', target } })
const utilization = (averageUtilization: number) => cpu({ type: 'Utilization', averageUtilization })
const qps = { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } }

describe('an autoscaler', () => {
  test('goes by the CPU unless told otherwise', () => {
    expect(made(HorizontalPodAutoscaler, body()).spec).toEqual({
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [utilization(80)],
    })
  })

  test('knows how fast to go once it is told anything about it', () => {
    const policies = [{ type: 'Pods', value: 1, periodSeconds: 60 }]
    const { behavior } = made(HorizontalPodAutoscaler, body({ behavior: { scaleUp: { policies } } })).spec
    expect(behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies },
      scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    })
  })

  test('drops a tolerance, which is no feature yet', () => {
    const autoscaler = made(HorizontalPodAutoscaler, body({ behavior: { scaleUp: { tolerance: '0.1' } } }))
    HorizontalPodAutoscaler.prepareForCreate(autoscaler)
    expect(autoscaler.spec.behavior?.scaleUp).not.toHaveProperty('tolerance')
  })

  const at = 'spec.metrics[0]'
  test.each<[object, string[]]>([
    [{}, []],
    [
      { minReplicas: 0, maxReplicas: 0 },
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.maxReplicas: Invalid value: 0: must be greater than 0',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    [{ minReplicas: 4 }, ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`']],
    [
      { scaleTargetRef: { kind: 'a/b', name: '' } },
      [
        'spec.scaleTargetRef.kind: Invalid value: "a/b": may not contain \'/\'',
        'spec.scaleTargetRef.name: Required value',
        'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
      ],
    ],
    [{ scaleTargetRef: { kind: 'ReplicationController', name: 'a', apiVersion: 'v1' } }, []],
    [
      { metrics: [{ type: 'Odd' }] },
      Array(2).fill(
        `${at}.type: Unsupported value: "Odd": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
      ),
    ],
    [{ metrics: [{ type: 'Pods' }] }, [`${at}.pods: Required value: must populate information for the given metric source`]],
    [
      { metrics: [{ ...qps, resource: utilization(5).resource }] },
      [`${at}.resource: Forbidden: must populate the given metric source only`],
    ],
    [
      { metrics: [cpu({ type: 'Utilization' })] },
      [`${at}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`],
    ],
    [
      { metrics: [cpu({ type: 'Odd', averageUtilization: 0, averageValue: '-1' })] },
      [
        `${at}.resource.target.type: Invalid value: "Odd": must be either Utilization, Value, or AverageValue`,
        `${at}.resource.target.averageValue: Invalid value: "-1": must be positive`,
        `${at}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
        `${at}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization`,
      ],
    ],
    [
      { metrics: [{ type: 'External', external: { target: { type: 'Value', value: '1', averageValue: '1' } } }] },
      [
        `${at}.external.metric.name: Required value: must specify a metric name`,
        `${at}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target`,
      ],
    ],
    [
      { behavior: { scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: 'Odd', policies: [{ type: 'Odd' }] } } },
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Odd": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.policies[0].type: Unsupported value: "Odd": supported values: "Percent", "Pods"',
        'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater than zero',
      ],
    ],
  ])('%j', (spec, expected) => expect(faults(HorizontalPodAutoscaler, body(spec))).toEqual(expected))

  test('may keep a target without a group', () => {
    const old = body({ scaleTargetRef: { kind: 'Deployment', name: 'web' } })
    expect(faults(HorizontalPodAutoscaler, old, old)).toEqual([])
  })
})

describe('targets', () => {
  const object = { describedObject: { kind: 'Service', name: 's' }, metric: { name: 'm' } }
  test.each([
    [[], [], '<none>'],
    [[utilization(50)], [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 10 } } }], 'cpu: 10%/50%'],
    [[cpu({ type: 'AverageValue', averageValue: '1' })], [], 'cpu: <unknown>/1'],
    [[cpu({ type: 'Utilization' })], [], 'cpu: <unknown>/<auto>'],
    [[{ type: 'Object', object: { ...object, target: { type: 'AverageValue', averageValue: '2' } } }], [], '<unknown>/2 (avg)'],
    [[{ type: 'Object', object: { ...object, target: { type: 'Value', value: '3' } } }], [], '<unknown>/3'],
    [[qps, utilization(50), qps, qps], [], '<unknown>/10, cpu: <unknown>/50% + 2 more...'],
  ])('%j with %j', (metrics, current, expected) => expect(targetsText(metrics as never, current as never)).toBe(expected))
})

const stored = (spec: object, more: object = {}) =>
  made(HorizontalPodAutoscaler, { ...body(spec), ...more }) as unknown as KubeObject
const asV1 = (object: KubeObject) => HorizontalPodAutoscalerV1.storedAs?.fromStored(object) as never as Record<string, never>

describe('version v1', () => {
  test('has a field for the CPU only; the rest is in annotations', () => {
    const conditions = [{ type: 'AbleToScale', status: 'True' }]
    const currentMetrics = [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7, averageValue: '1m' } } },
    ]
    const object = stored(
      { metrics: [qps, utilization(50)], behavior: { scaleUp: {} } },
      { status: { conditions, currentMetrics } },
    )
    const old = asV1(object)
    expect(old).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
      status: { currentReplicas: 0, desiredReplicas: 0, currentCPUUtilizationPercentage: 7 },
    })
    const { annotations } = (old as never as KubeObject).metadata
    const prefix = 'autoscaling.alpha.kubernetes.io'
    expect(JSON.parse(annotations?.[`${prefix}/metrics`] ?? '')).toEqual([
      { type: 'Pods', pods: { metricName: 'qps', targetAverageValue: '10' } },
    ])
    expect(JSON.parse(annotations?.[`${prefix}/behavior`] ?? '')).toMatchObject({ ScaleUp: { SelectPolicy: 'Max' } })
    expect(JSON.parse(annotations?.[`${prefix}/conditions`] ?? '')).toEqual(conditions)
    expect(JSON.parse(annotations?.[`${prefix}/current-metrics`] ?? '')).toEqual([
      { type: 'Resource', resource: { name: 'cpu', currentAverageUtilization: 7, currentAverageValue: '1m' } },
    ])
    const back = HorizontalPodAutoscalerV1.storedAs?.toStored(made(HorizontalPodAutoscalerV1, old))
    expect(made(HorizontalPodAutoscaler, back as object)).toMatchObject({
      spec: { metrics: [qps, utilization(50)] },
      status: { conditions, currentMetrics },
    })
    expect((back as KubeObject).metadata.annotations).toEqual({})
  })

  test.each([
    [
      {
        type: 'Object',
        object: { describedObject: { kind: 'A', name: 'a' }, metric: { name: 'm' }, target: { type: 'Value', value: '5' } },
      },
    ],
    [
      {
        type: 'External',
        external: {
          metric: { name: 'm', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'AverageValue', averageValue: '5' },
        },
      },
    ],
    [
      {
        type: 'ContainerResource',
        containerResource: { name: 'memory', container: 'c', target: { type: 'Utilization', averageUtilization: 5 } },
      },
    ],
    [cpu({ type: 'AverageValue', averageValue: '5' })],
  ])('%j survives', metric => {
    const back = HorizontalPodAutoscalerV1.storedAs?.toStored(
      made(HorizontalPodAutoscalerV1, asV1(stored({ metrics: [metric] }))),
    )
    expect(back).toMatchObject({ spec: { metrics: [metric] } })
  })

  test('cannot be confused by annotations that make no sense', () => {
    const metadata = {
      annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '{', 'autoscaling.alpha.kubernetes.io/behavior': '7' },
    }
    const back = HorizontalPodAutoscalerV1.storedAs?.toStored(made(HorizontalPodAutoscalerV1, { metadata, ...body() }))
    expect(back).toMatchObject({ metadata: { annotations: {} }, spec: { metrics: [utilization(80)] } })
  })
})

test('version v2beta2 keeps a tolerance in annotations', () => {
  const object = stored({ behavior: { scaleUp: { tolerance: '100m' } } })
  const old = HorizontalPodAutoscalerV2Beta2.storedAs?.fromStored(object) as KubeObject & { spec: { behavior: object } }
  expect(old.metadata.annotations).toEqual({ 'autoscaling.alpha.kubernetes.io/scale-up-tolerance': '100m' })
  expect(old.spec.behavior).not.toHaveProperty('scaleUp.tolerance')
  const back = HorizontalPodAutoscalerV2Beta2.storedAs?.toStored(made(HorizontalPodAutoscalerV2Beta2, old))
  expect(back).toMatchObject({ metadata: { annotations: {} }, spec: { behavior: { scaleUp: { tolerance: '100m' } } } })
})
