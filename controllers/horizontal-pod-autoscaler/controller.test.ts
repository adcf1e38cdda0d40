import { describe, expect, test } from 'vitest'
import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import { Deployment } from '../../api/apps/deployment.ts'
import { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError, conflict } from '../../api/errors.ts'
import type { InputOf } from '../../api/kind.ts'
import { kinds } from '../../api/kinds.ts'
import type { Call } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { deployment } from '../deployment/controller.ts'
import { replicaSet } from '../replicaset/controller.ts'
import { deploymentInput, type TestCluster, testCluster } from '../testing.ts'
import { horizontalPodAutoscaler } from './controller.ts'
import { toleranceOf } from './measuring.ts'
import { type AutoscalingOptions, defaultAutoscaling } from './options.ts'

type Spec = NonNullable<InputOf<typeof HorizontalPodAutoscaler>['spec']>
type Metrics = NonNullable<Spec['metrics']>

const periodInMs = 15_000
const minuteInMs = 60_000

interface Setting {
  readonly options?: Partial<AutoscalingOptions>
  /** Sees every call first; what it throws, the caller gets. */
  readonly before?: (call: Call) => void
  /** Answers in the place of other APIs. */
  readonly answer?: (call: Call) => unknown
}

/** Deployments whose pods are all ready and use what the test says, and autoscalers. */
async function autoscaled({ options, before, answer }: Setting = {}) {
  /** What each container of an application's pods uses; nothing: nobody has measured it. */
  const uses: Record<string, { cpu?: string; memory?: string } | undefined> = {}
  const measured = async ({ namespace = 'default', options: { labelSelector } = {} }: Call) => {
    const { items } = await cluster.client.list(Pod, { namespace, ...(labelSelector && { labelSelector }) })
    const running = items.filter(({ status, metadata }) => status.phase === 'Running' && uses[metadata.labels?.app ?? ''])
    return {
      items: running.map(({ metadata, spec }) => ({
        metadata: { name: metadata.name },
        timestamp: timestamp(cluster.clock.now()),
        window: '10s',
        containers: spec.containers.map(({ name }) => ({ name, usage: uses[metadata.labels?.app ?? ''] })),
      })),
    }
  }
  const cluster: TestCluster = await testCluster([deployment, replicaSet, horizontalPodAutoscaler(kinds, options)], {
    before,
    answer: call => answer?.(call) ?? (call.group === 'metrics.k8s.io' ? measured(call) : undefined),
  })
  const { client, clock } = cluster
  const ref = (name: string) => ({ namespace: 'default', name })
  const story = {
    cluster,
    uses,
    /** A deployment of pods that ask for a CPU and a GiB. */
    async deploy(name: string, replicas: number) {
      const input = deploymentInput({ name, replicas })
      const resources = { requests: { cpu: '1', memory: '1Gi' } }
      const spec = { containers: [{ name: 'main', image: 'web:1', resources }] }
      await client.create(Deployment, { ...input, spec: { ...input.spec, template: { ...input.spec.template, spec } } })
      await story.serve()
    },
    /** Everything runs, and is ready as of now. */
    async serve() {
      await cluster.eventually(async () => {
        const deployments = (await client.list(Deployment)).items
        const wanted = deployments.reduce((sum, { spec }) => sum + spec.replicas, 0)
        const pods = await cluster.pods()
        const now = timestamp(clock.now())
        for (const pod of pods) {
          if (pod.status.phase !== 'Pending') continue
          const conditions = [{ type: 'Ready', status: 'True' as const, lastTransitionTime: now }]
          await client.updateStatus(Pod, { ...pod, status: { phase: 'Running', startTime: now, conditions } as never })
        }
        expect([pods.length, deployments.map(({ status }) => status.readyReplicas ?? 0)]).toEqual([
          wanted,
          deployments.map(({ spec }) => spec.replicas),
        ])
      })
    },
    async autoscale(name: string, spec: Partial<Spec> = {}, autoscaler = name) {
      const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name }
      const input = { metadata: ref(autoscaler), spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, ...spec } }
      await client.create(HorizontalPodAutoscaler, input)
      // News need a moment; from then on a period is a period.
      await cluster.advance(0)
    },
    async periods(count = 1) {
      for (let i = 0; i < count; i++) {
        await cluster.advance(periodInMs)
        await story.serve()
      }
    },
    size: async (name = 'web') => (await client.get(Deployment, ref(name))).spec.replicas,
    status: async (name = 'web') => (await client.get(HorizontalPodAutoscaler, ref(name))).status,
    async condition(type: string, name = 'web') {
      const found = (await story.status(name)).conditions?.find(condition => condition.type === type)
      return found && [found.status, found.reason, found.message]
    },
    async events(name = 'web') {
      await cluster.advance(2000)
      const { items } = await client.list(Event)
      const own = items.filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
      return own
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ type, reason, message }) => [type, reason, message])
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
  return story
}

const resource = (name: string, target: object): Metrics[number] =>
  ({ type: 'Resource', resource: { name, target } }) as Metrics[number]
const percent = (averageUtilization: number, name = 'cpu') => resource(name, { type: 'Utilization', averageUtilization })

const unsteady = { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } }

test('more load makes more pods: what is written, said and told', async () => {
  await using story = await autoscaled()
  await story.deploy('web', 2)
  story.uses.web = { cpu: '1500m' }
  await story.autoscale('web', { metrics: [percent(50)] })
  await story.cluster.advance(periodInMs - 1000)
  expect(await story.size()).toBe(2)
  await story.cluster.advance(1000)
  const now = timestamp(story.cluster.clock.now())
  expect(await story.size()).toBe(4)
  const condition = (type: string, status: string, reason: string, message: string) => ({
    ...{ type, status, lastTransitionTime: now, reason, message },
  })
  expect(await story.status()).toEqual({
    lastScaleTime: now,
    currentReplicas: 2,
    desiredReplicas: 4,
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 150, averageValue: '1500m' } } },
    ],
    conditions: [
      condition('AbleToScale', 'True', 'SucceededRescale', 'the HPA controller was able to update the target scale to 4'),
      condition(
        'ScalingActive',
        'True',
        'ValidMetricFound',
        'the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
      ),
      condition(
        'ScalingLimited',
        'True',
        'ScaleUpLimit',
        'the desired replica count is increasing faster than the maximum scale rate',
      ),
    ],
  })
  expect(await story.events()).toEqual([
    ['Normal', 'SuccessfulRescale', 'New size: 4; reason: cpu resource utilization (percentage of request) above target'],
  ])
  const { items } = await story.cluster.client.list(Event)
  expect(items.find(({ reason }) => reason === 'SuccessfulRescale')?.source).toEqual({ component: 'horizontal-pod-autoscaler' })
})

test.each<[string, number, Partial<Spec>]>([
  ['all is well', 3, { metrics: [percent(50)] }],
  ['there is none', 0, {}],
  ['nobody measures', 3, { metrics: [percent(50, 'nvidia.com/gpu')] }],
  ['there is nothing to scale', 3, { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nobody' } }],
])('at rest nothing is written, and looked only once a period: %s', async (_, replicas, spec) => {
  const calls: Call[] = []
  await using story = await autoscaled({ before: call => void calls.push(call) })
  await story.deploy('web', replicas)
  story.uses.web = { cpu: '500m' }
  await story.autoscale('web', spec)
  await story.periods(3)
  calls.length = 0
  await story.cluster.advance(4 * periodInMs)
  const writes = calls.filter(({ verb, resource }) => !['get', 'list'].includes(verb) && resource !== 'events')
  expect([writes, calls.filter(({ subresource }) => subresource === 'scale').length]).toEqual([[], 4])
})

test('HPA: tolerance 10%, treats missing and unready pods asymmetrically, max over metrics, 5 min downscale window; desired from the ready count, not the spec', async () => {
  await using story = await autoscaled()
  const { cluster, uses } = story
  await story.deploy('web', 3)
  await story.autoscale('web', { metrics: [percent(50), percent(50, 'memory')] })
  // A tenth too much is near enough.
  uses.web = { cpu: '550m', memory: '512Mi' }
  await story.periods()
  expect(await story.size()).toBe(3)
  // The greedier metric counts: 80 % of memory where 50 % is wanted.
  uses.web = { cpu: '100m', memory: '820Mi' }
  await story.periods()
  expect(await story.size()).toBe(5)
  expect((await story.events()).at(-1)).toEqual([
    'Normal',
    'SuccessfulRescale',
    'New size: 5; reason: memory resource utilization (percentage of request) above target',
  ])
  // Less is wanted at once, and had five minutes after the most was.
  uses.web = { cpu: '100m', memory: '102Mi' }
  await story.periods()
  await cluster.advance(5 * minuteInMs - 4 * periodInMs)
  expect([await story.size(), (await story.condition('AbleToScale'))?.[1]]).toEqual([5, 'ScaleDownStabilized'])
  await story.periods(6)
  expect(await story.size()).toBe(1)
  expect((await story.events()).at(-1)).toEqual(['Normal', 'SuccessfulRescale', 'New size: 1; reason: All metrics below target'])
  // Of four pods two are not ready: half of what is wanted takes one of the two that are, not two of four.
  await story.deploy('part', 4)
  const part = (await cluster.pods()).filter(({ metadata }) => metadata.labels?.app === 'part')
  for (const { metadata, status } of part.slice(0, 2)) {
    const conditions = status.conditions?.map(condition => ({ ...condition, status: 'False' }))
    await cluster.client.patch(Pod, metadata, 'merge', { status: { conditions } }, { subresource: 'status' })
  }
  uses.part = { cpu: '250m' }
  await story.autoscale('part', { metrics: [percent(50)], ...unsteady })
  await cluster.advance(periodInMs)
  expect(await story.size('part')).toBe(1)
})

describe('pods of which nobody knows what they use', () => {
  test.each([
    ['up', '3', 6],
    ['not up, as the others may be idle', '1', 4],
    ['not down, as the others may be busy', '100m', 4],
  ])('%s', async (_, cpu, expected) => {
    let unmeasured = new Set<string>()
    await using story = await autoscaled({
      answer: ({ group }) => (group === 'metrics.k8s.io' ? measured() : undefined),
    })
    const measured = async () => {
      const known = (await story.cluster.pods()).filter(({ metadata }) => !unmeasured.has(metadata.name))
      const items = known.map(({ metadata }) => ({
        metadata: { name: metadata.name },
        timestamp: timestamp(story.cluster.clock.now()),
        window: '10s',
        containers: [{ name: 'main', usage: { cpu } }],
      }))
      return { items }
    }
    await story.deploy('web', 4)
    unmeasured = new Set((await story.cluster.pods()).slice(1).map(({ metadata }) => metadata.name))
    await story.autoscale('web', { metrics: [percent(50)], ...unsteady })
    await story.cluster.advance(periodInMs)
    expect(await story.size()).toBe(expected)
  })
})

describe('bounds come before metrics', () => {
  test.each([
    ['too many', 7, { minReplicas: 2, maxReplicas: 5 }, 5, 'Current number of replicas above Spec.MaxReplicas'],
    ['too few', 1, { minReplicas: 3, maxReplicas: 5 }, 3, 'Current number of replicas below Spec.MinReplicas'],
  ])('%s', async (_, replicas, bounds, expected, reason) => {
    await using story = await autoscaled()
    await story.deploy('web', replicas)
    await story.autoscale('web', bounds)
    await story.periods()
    expect([await story.size(), await story.events()]).toEqual([
      expected,
      [['Normal', 'SuccessfulRescale', `New size: ${expected}; reason: ${reason}`]],
    ])
    expect(await story.condition('ScalingActive')).toBeUndefined()
  })

  test('none is none: nothing is scaled until somebody scales', async () => {
    await using story = await autoscaled()
    await story.deploy('web', 0)
    await story.autoscale('web')
    await story.periods()
    expect([await story.size(), await story.condition('ScalingActive')]).toEqual([
      0,
      ['False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero'],
    ])
    expect(await story.status()).toEqual({ desiredReplicas: 0, conditions: expect.anything() })
  })
})

describe('what cannot be scaled', () => {
  test.each([
    ['nobody of that name', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, /^deployments\.apps "web" not found$/],
    ['no such kind', { apiVersion: 'apps/v1', kind: 'Sail', name: 'web' }, /^no matches for kind "Sail" in group "apps"$/],
    ['no scale', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', name: 'web' }, /could not find the requested resource/],
  ])('%s', async (_, scaleTargetRef, why) => {
    await using story = await autoscaled()
    await story.autoscale('web', { scaleTargetRef })
    await story.periods()
    const [status, reason, message = ''] = (await story.condition('AbleToScale')) ?? []
    const [before, after = ''] = message.split(/(?<=current scale: )/)
    expect([status, reason, before]).toEqual([
      'False',
      'FailedGetScale',
      "the HPA controller was unable to get the target's current scale: ",
    ])
    expect(after).toMatch(why)
    expect(await story.events()).toEqual([['Warning', 'FailedGetScale', after]])
  })

  test('a server that refuses: told, and tried again in the next period', async () => {
    let refuses = true
    await using story = await autoscaled({
      before({ verb, subresource }) {
        if (refuses && verb === 'update' && subresource === 'scale') throw new ApiError('InternalError', 'something went wrong')
      },
    })
    await story.deploy('web', 1)
    story.uses.web = { cpu: '2' }
    await story.autoscale('web')
    await story.periods()
    expect([await story.size(), await story.condition('AbleToScale')]).toEqual([
      1,
      ['False', 'FailedUpdateScale', 'the HPA controller was unable to update the target scale: something went wrong'],
    ])
    const reason = 'cpu resource utilization (percentage of request) above target'
    expect(await story.events()).toEqual([
      ['Warning', 'FailedRescale', `New size: 3; reason: ${reason}; error: something went wrong`],
    ])
    refuses = false
    await story.periods()
    expect([await story.size(), (await story.condition('AbleToScale'))?.[1]]).toEqual([3, 'SucceededRescale'])
  })

  test('somebody was faster: read again and overruled, within the same look', async () => {
    let conflicts = 2
    await using story = await autoscaled({
      before({ verb, subresource }) {
        if (verb === 'update' && subresource === 'scale' && conflicts-- > 0) throw conflict(Deployment, 'web', 'changed')
      },
    })
    await story.deploy('web', 1)
    story.uses.web = { cpu: '2' }
    await story.autoscale('web')
    await story.cluster.advance(periodInMs + 100)
    expect([await story.size(), (await story.condition('AbleToScale'))?.[1]]).toEqual([3, 'SucceededRescale'])
  })
})

describe('metrics that say nothing', () => {
  const value = (amount: string) => ({ type: 'Value', value: amount })
  const average = (amount: string) => ({ type: 'AverageValue', averageValue: amount })
  const service = { apiVersion: 'v1', kind: 'Service', name: 'web' }
  const selector = { matchLabels: { queue: 'mail' } }
  const noCustom = 'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered'
  const noExternal =
    'unable to fetch metrics from external metrics API: the server could not find the requested resource (get depth.external.metrics.k8s.io)'
  const mail = '&LabelSelector{MatchLabels:map[string]string{queue: mail,},MatchExpressions:[]LabelSelectorRequirement{},}'

  test.each<[string, object, string, string]>([
    [
      'FailedGetResourceMetric',
      percent(50),
      'failed to get cpu resource metric value: ',
      'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    [
      'FailedGetResourceMetric',
      resource('cpu', average('100m')),
      'failed to get cpu resource metric value: ',
      'failed to get cpu usage: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    [
      'FailedGetContainerResourceMetric',
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 5 } },
      },
      'failed to get main container metric value: ',
      'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    [
      'FailedGetPodsMetric',
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: average('15') } },
      'failed to get pods metric value: ',
      `unable to get metric qps: ${noCustom}`,
    ],
    [
      'FailedGetObjectMetric',
      { type: 'Object', object: { metric: { name: 'qps' }, describedObject: service, target: value('15') } },
      'failed to get object metric value: ',
      `unable to get metric qps: ${noCustom} on Service default/web`,
    ],
    [
      'FailedGetObjectMetric',
      { type: 'Object', object: { metric: { name: 'qps' }, describedObject: service, target: average('15') } },
      'failed to get object metric value: ',
      `failed to get qps object metric: unable to get metric qps: ${noCustom} on Service default/web`,
    ],
    [
      'FailedGetExternalMetric',
      { type: 'External', external: { metric: { name: 'depth', selector }, target: value('30') } },
      'failed to get depth external metric value: ',
      `failed to get external metric depth: unable to get external metric default/depth/${mail}: ${noExternal}`,
    ],
    [
      'FailedGetExternalMetric',
      { type: 'External', external: { metric: { name: 'depth' }, target: average('30') } },
      'failed to get depth external metric value: ',
      `failed to get depth external metric: unable to get external metric default/depth/nil: ${noExternal}`,
    ],
  ])('%s: %j', async (reason, metric, doing, why) => {
    await using story = await autoscaled()
    await story.deploy('web', 3)
    await story.autoscale('web', { metrics: [metric as Metrics[number]] })
    await story.periods()
    expect([await story.condition('AbleToScale'), await story.condition('ScalingActive')]).toEqual([
      ['True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale"],
      ['False', reason, `the HPA was unable to compute the replica count: ${why}`],
    ])
    const all = `invalid metrics (1 invalid out of 1), first error is: ${doing}${why}`
    // The recorder cuts what no Event can hold.
    const told = (await story.events()).map(([type, what, text]) => [type, what, text?.slice(0, 1024)])
    expect(told).toEqual([
      ['Warning', reason, why],
      ['Warning', 'FailedComputeMetricsReplicas', all],
    ])
    expect(await story.status()).toMatchObject({ currentReplicas: 3, desiredReplicas: 0, currentMetrics: [{ type: '' }] })
  })

  test('others still speak for more, never for fewer', async () => {
    await using story = await autoscaled()
    const silent = { type: 'Pods', pods: { metric: { name: 'qps' }, target: average('15') } } as Metrics[number]
    await story.deploy('web', 3)
    await story.autoscale('web', { metrics: [silent, percent(50)], ...unsteady })
    story.uses.web = { cpu: '100m' }
    await story.periods()
    expect([await story.size(), (await story.condition('ScalingActive'))?.[1]]).toEqual([3, 'FailedGetPodsMetric'])
    story.uses.web = { cpu: '1' }
    await story.periods()
    expect([await story.size(), (await story.condition('ScalingActive'))?.[1]]).toEqual([6, 'ValidMetricFound'])
    expect((await story.status()).currentMetrics).toMatchObject([{ type: '' }, { type: 'Resource' }])
  })
})

describe('metrics of other APIs', () => {
  const asked: Call[] = []
  const figures = (values: readonly string[], names: readonly string[] = []) => ({
    items: values.map((value, i) => ({ describedObject: { name: names[i] }, timestamp: '2026-01-01T00:00:00Z', value })),
  })
  /** Adapters as they are found in the wild: one of them speaks only the older version. */
  const answer = (call: Call) => {
    const { group, version, resource: what, name, subresource, namespace } = call
    if (group === 'external.metrics.k8s.io') {
      asked.push(call)
      return what === 'depth' ? figures(['40', '20500m']) : { items: [] }
    }
    if (group !== 'custom.metrics.k8s.io' || version === 'v1beta2') return undefined
    asked.push(call)
    if (what === 'metrics') return figures(['9'])
    if (what === 'pods' && name === '*') {
      return story!.cluster.client.list(Pod, { namespace: namespace! }).then(({ items }) =>
        figures(
          items.map(() => '30'),
          items.map(({ metadata }) => metadata.name),
        ),
      )
    }
    return subresource === 'qps' ? figures(['60']) : figures(['1', '2'])
  }
  let story: Awaited<ReturnType<typeof autoscaled>> | undefined
  const metric = { name: 'qps', selector: { matchLabels: { verb: 'GET' } } }
  const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'front' }

  test.each<[string, object, number, string, object, object]>([
    [
      'of pods',
      { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '15' } } },
      6,
      'pods metric qps above target',
      { type: 'Pods', pods: { metric, current: { averageValue: '30' } } },
      { resource: 'pods', name: '*', subresource: 'qps', options: { labelSelector: 'app=web', metricLabelSelector: 'verb=GET' } },
    ],
    [
      'of an object',
      { type: 'Object', object: { metric, describedObject: ingress, target: { type: 'Value', value: '30' } } },
      6,
      'Ingress metric qps above target',
      { type: 'Object', object: { metric, describedObject: ingress, current: { value: '60' } } },
      {
        resource: 'ingresses.networking.k8s.io',
        name: 'front',
        subresource: 'qps',
        options: { metricLabelSelector: 'verb=GET' },
      },
    ],
    [
      'of an object, shared',
      {
        type: 'Object',
        object: { metric: { name: 'qps' }, describedObject: ingress, target: { type: 'AverageValue', averageValue: '12' } },
      },
      5,
      'external metric qps(nil) above target',
      { type: 'Object', object: { metric: { name: 'qps' }, describedObject: ingress, current: { averageValue: '20' } } },
      { resource: 'ingresses.networking.k8s.io', name: 'front', subresource: 'qps' },
    ],
    [
      'of the namespace, whichever is named',
      {
        type: 'Object',
        object: {
          metric: { name: 'load' },
          describedObject: { apiVersion: 'v1', kind: 'Namespace', name: 'other' },
          target: { type: 'Value', value: '6' },
        },
      },
      5,
      'Namespace metric load above target',
      { type: 'Object', object: { current: { value: '9' } } },
      { resource: 'metrics', namespace: 'default', name: 'load' },
    ],
    [
      'from outside',
      { type: 'External', external: { metric: { name: 'depth' }, target: { type: 'Value', value: '50' } } },
      4,
      'external metric depth(nil) above target',
      { type: 'External', external: { metric: { name: 'depth' }, current: { value: '60500m' } } },
      { resource: 'depth', namespace: 'default' },
    ],
    [
      'from outside, shared',
      { type: 'External', external: { metric: { name: 'depth' }, target: { type: 'AverageValue', averageValue: '10' } } },
      6,
      'external metric depth(nil) above target',
      { type: 'External', external: { metric: { name: 'depth' }, current: { averageValue: '20167m' } } },
      { resource: 'depth', namespace: 'default' },
    ],
  ])('%s', async (_, spec, size, reason, status, call) => {
    await using own = await autoscaled({ answer })
    story = own
    asked.length = 0
    await own.deploy('web', 3)
    await own.autoscale('web', { metrics: [spec as Metrics[number]] })
    // Up by twice at most; the rest is a matter of time.
    await own.cluster.advance(periodInMs)
    expect([await own.size(), (await own.events()).at(-1)?.[2]]).toEqual([size, `New size: ${size}; reason: ${reason}`])
    expect((await own.status()).currentMetrics).toMatchObject([status])
    expect(asked[0]).toMatchObject(call)
  })
})

describe('whose pods they are', () => {
  test('two autoscalers of the same pods do nothing, and say so', async () => {
    await using story = await autoscaled()
    await story.deploy('web', 2)
    story.uses.web = { cpu: '1' }
    await story.autoscale('web', {}, 'one')
    await story.cluster.advance(1000)
    await story.autoscale('web', {}, 'two')
    await story.periods(3)
    const message = 'pods by selector app=web are controlled by multiple HPAs: [{one default} {two default}]'
    for (const name of ['one', 'two']) {
      expect(await story.condition('ScalingActive', name)).toEqual(['False', 'AmbiguousSelector', message])
      expect(await story.events(name)).toContainEqual(['Warning', 'AmbiguousSelector', message])
    }
    const size = await story.size()
    await story.cluster.client.delete(HorizontalPodAutoscaler, { namespace: 'default', name: 'one' })
    await story.periods(2)
    expect((await story.condition('ScalingActive', 'two'))?.[1]).toBe('ValidMetricFound')
    expect(await story.size()).toBeGreaterThan(size)
  })

  test('others’ pods are nobody’s business', async () => {
    await using story = await autoscaled()
    await story.deploy('web', 2)
    await story.deploy('other', 2)
    story.uses.web = story.uses.other = { cpu: '800m' }
    await story.autoscale('web')
    await story.autoscale('other')
    await story.periods(2)
    expect([(await story.condition('ScalingActive'))?.[1], (await story.condition('ScalingActive', 'other'))?.[1]]).toEqual([
      'ValidMetricFound',
      'ValidMetricFound',
    ])
  })
})

describe('custom resources', () => {
  const definition = (labelSelectorPath?: string) => ({
    metadata: { name: 'boats.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced' as const,
      names: { plural: 'boats', kind: 'Boat' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.crew',
              statusReplicasPath: '.status.crew',
              ...(labelSelectorPath && { labelSelectorPath }),
            },
          },
        },
      ],
    },
  })
  const boats = { group: 'example.com', version: 'v1', resource: 'boats', namespace: 'default' }
  const boat = { apiVersion: 'example.com/v1', kind: 'Boat', name: 'web' }

  async function sailing(story: Awaited<ReturnType<typeof autoscaled>>, labelSelectorPath?: string, selector?: string) {
    const { client, eventually } = story.cluster
    await client.create(CustomResourceDefinition, definition(labelSelectorPath) as never)
    const place = { group: 'example.com', version: 'v1', plural: 'boats', kind: 'Boat', namespaced: true } as never
    const body = {
      apiVersion: 'example.com/v1',
      kind: 'Boat',
      metadata: { name: 'web', namespace: 'default' },
      spec: { crew: 2 },
    }
    await eventually(() => client.create(place, body as never).then(() => {}))
    const status = { crew: 2, ...(selector !== undefined && { selector }) }
    await client.patch(place, { namespace: 'default', name: 'web' }, 'merge', { status }, { subresource: 'status' })
  }
  const crewOf = async (story: Awaited<ReturnType<typeof autoscaled>>) =>
    ((await story.cluster.client.read({ ...boats, name: 'web' })) as { spec: { crew: number } }).spec.crew

  test('are scaled like anything else', async () => {
    await using story = await autoscaled()
    await story.deploy('hands', 2)
    story.uses.hands = { cpu: '1' }
    await sailing(story, '.status.selector', 'app=hands')
    await story.autoscale('web', { scaleTargetRef: boat, metrics: [percent(50)] })
    await story.cluster.advance(periodInMs)
    expect([await story.condition('AbleToScale'), await crewOf(story)]).toEqual([
      ['True', 'SucceededRescale', 'the HPA controller was able to update the target scale to 4'],
      4,
    ])
  })

  test('without a selector there is nothing to measure', async () => {
    await using story = await autoscaled()
    await sailing(story)
    await story.autoscale('web', { scaleTargetRef: boat })
    await story.cluster.advance(periodInMs)
    expect(await story.condition('ScalingActive')).toEqual([
      'False',
      'InvalidSelector',
      "the HPA target's scale is missing a selector",
    ])
    expect(await story.events()).toEqual([
      ['Warning', 'SelectorRequired', 'selector is required'],
      ['Warning', 'FailedComputeMetricsReplicas', 'selector is required'],
    ])
  })

  test('nor with one that nobody can read', async () => {
    await using story = await autoscaled()
    await sailing(story, '.status.selector', 'cheddar cheese')
    await story.autoscale('web', { scaleTargetRef: boat })
    await story.cluster.advance(periodInMs)
    const [, reason, message] = (await story.condition('ScalingActive')) ?? []
    expect([reason, message]).toEqual([
      'InvalidSelector',
      expect.stringMatching(
        /^couldn't convert selector into a corresponding internal selector object: unable to parse requirement: /,
      ),
    ])
    expect((await story.events())[0]).toEqual(['Warning', 'InvalidSelector', message])
  })
})

describe('how fast', () => {
  test('policies: two at a time, and nothing more within the period', async () => {
    await using story = await autoscaled()
    await story.deploy('web', 1)
    story.uses.web = { cpu: '4' }
    const scaleUp = { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }
    await story.autoscale('web', { behavior: { scaleUp } })
    await story.periods()
    expect(await story.size()).toBe(3)
    await story.periods(3)
    expect([await story.size(), (await story.condition('ScalingLimited'))?.[1]]).toEqual([3, 'ScaleUpLimit'])
    await story.periods(2)
    expect(await story.size()).toBe(5)
  })

  test('a window of its own going up; going down not at all', async () => {
    await using story = await autoscaled()
    await story.deploy('web', 2)
    story.uses.web = { cpu: '4' }
    const behavior = { scaleUp: { stabilizationWindowSeconds: 60 }, scaleDown: { selectPolicy: 'Disabled' as const } }
    await story.autoscale('web', { behavior })
    await story.periods(3)
    expect([await story.size(), (await story.condition('AbleToScale'))?.[1]]).toEqual([2, 'ScaleUpStabilized'])
    await story.periods(3)
    const size = await story.size()
    expect(size).toBeGreaterThan(2)
    story.uses.web = { cpu: '10m' }
    await story.cluster.advance(10 * minuteInMs)
    expect([await story.size(), (await story.condition('ScalingLimited'))?.[1]]).toEqual([size, 'ScaleDownLimit'])
  })
})

test.each([
  ['counts where the gate is open', true, { up: 0.05, down: 0.1 }],
  ['does not count where it is shut, as in 1.34', false, { up: 0.1, down: 0.1 }],
])('a tolerance of its own %s', (_, ownTolerances, expected) => {
  const spec = { behavior: { scaleUp: { tolerance: '50m' }, scaleDown: {} } } as unknown as HorizontalPodAutoscaler['spec']
  expect(toleranceOf({ spec }, { ...defaultAutoscaling, ownTolerances })).toEqual(expected)
})

test('many autoscalers of a namespace: a few lists of figures, and each still finds its own pods', async () => {
  const lists: Call[] = []
  await using story = await autoscaled({
    before(call) {
      if (call.group === 'metrics.k8s.io') lists.push(call)
    },
  })
  const names = Array.from({ length: 20 }, (_, i) => `web-${i}`)
  for (const [i, name] of names.entries()) {
    await story.deploy(name, 1)
    story.uses[name] = { cpu: i % 2 === 0 ? '1500m' : '500m' }
    await story.autoscale(name, { metrics: [percent(50)] })
  }
  await story.cluster.advance(periodInMs)
  expect(await Promise.all(names.map(name => story.size(name)))).toEqual(names.map((_, i) => (i % 2 === 0 ? 3 : 1)))
  expect(lists.length).toBeLessThan(names.length)
})

test('another process takes over: nobody goes down on the first look', async () => {
  await using story = await autoscaled()
  await story.deploy('web', 6)
  story.uses.web = { cpu: '100m' }
  await story.autoscale('web')
  await story.periods(2)
  await story.cluster.restart()
  await story.periods(2)
  expect(await story.size()).toBe(6)
  await story.cluster.advance(6 * minuteInMs)
  expect(await story.size()).toBe(1)
})
