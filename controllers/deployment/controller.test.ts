import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { replicaSet } from '../replicaset/controller.ts'
import { templateHash } from '../shared/template-hash.ts'
import { deploymentInput, replicaSetInput, type TestCluster, testCluster } from '../testing.ts'
import { deployment } from './controller.ts'

const web = { namespace: 'default', name: 'web' }
const image = (name: string) => ({ spec: { template: { spec: { containers: [{ name: 'main', image: name }] } } } })

/** `{ 'web:1': 4 }`: how many pods the sets of each image want. */
async function wanted({ client }: TestCluster): Promise<Record<string, number>> {
  const { items } = await client.list(ReplicaSet)
  return Object.fromEntries(items.map(({ spec }) => [spec.template.spec.containers[0]?.image ?? '', spec.replicas]))
}

async function condition({ client }: TestCluster, type: string): Promise<string | undefined> {
  const { status } = await client.get(Deployment, web)
  const found = status.conditions?.find(each => each.type === type)
  return found && `${found.status} ${found.reason}: ${found.message}`
}

/** A deployment that is complete. */
async function rolledOut(cluster: TestCluster, options: Parameters<typeof deploymentInput>[0] = {}): Promise<void> {
  await cluster.client.create(Deployment, deploymentInput(options))
  await complete(cluster, options.replicas ?? 4)
}

async function complete(cluster: TestCluster, replicas: number): Promise<void> {
  await cluster.eventually(async () => {
    await cluster.ready()
    const { status } = await cluster.client.get(Deployment, web)
    expect(status).toMatchObject({ replicas, updatedReplicas: replicas, availableReplicas: replicas })
  })
}

test('a new deployment makes one set with all pods, and says so', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  const made = await cluster.client.create(Deployment, deploymentInput())
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(4))
  expect(await condition(cluster, 'Available')).toBe(
    'False MinimumReplicasUnavailable: Deployment does not have minimum availability.',
  )
  await complete(cluster, 4)
  const { items } = await cluster.client.list(ReplicaSet)
  const hash = templateHash(made.spec.template)
  expect(
    items.map(({ metadata, spec }) => ({ name: metadata.name, selector: spec.selector, annotations: metadata.annotations })),
  ).toEqual([
    {
      name: `web-${hash}`,
      selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } },
      annotations: {
        'deployment.kubernetes.io/desired-replicas': '4',
        'deployment.kubernetes.io/max-replicas': '5',
        'deployment.kubernetes.io/revision': '1',
      },
    },
  ])
  expect((await cluster.pods()).map(({ metadata }) => metadata.labels)).toEqual(
    Array(4).fill({ app: 'web', 'pod-template-hash': hash }),
  )
  await cluster.eventually(async () => {
    expect(await condition(cluster, 'Progressing')).toBe(
      `True NewReplicaSetAvailable: ReplicaSet "web-${hash}" has successfully progressed.`,
    )
  })
  expect(await condition(cluster, 'Available')).toBe('True MinimumReplicasAvailable: Deployment has minimum availability.')
  expect((await cluster.client.get(Deployment, web)).metadata.annotations).toMatchObject({
    'deployment.kubernetes.io/revision': '1',
  })
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(Event)
    expect(items.map(each => each.message)).toContain(`Scaled up replica set web-${hash} from 0 to 4`)
  })
})

test('a rolling update goes ahead only as far as new pods serve', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, {
    replicas: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
  })
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:1': 8, 'web:2': 5 }))
  await cluster.advance(60_000)
  expect(await wanted(cluster)).toEqual({ 'web:1': 8, 'web:2': 5 })
  await cluster.ready((await cluster.pods()).filter(pod => pod.status.phase !== 'Running').slice(0, 2))
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:1': 6, 'web:2': 7 }))
  await complete(cluster, 10)
  expect(await wanted(cluster)).toEqual({ 'web:1': 0, 'web:2': 10 })
})

test('undoing brings the old set back under a new revision', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster)
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await complete(cluster, 4)
  await cluster.client.patch(Deployment, web, 'strategic', image('web:1'))
  await complete(cluster, 4)
  expect(await wanted(cluster)).toEqual({ 'web:1': 4, 'web:2': 0 })
  const { items } = await cluster.client.list(ReplicaSet)
  const [first] = items.filter(({ spec }) => spec.replicas === 4)
  expect(first?.metadata.annotations).toMatchObject({
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
  })
})

test('a paused deployment scales but does not roll', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster)
  await cluster.client.patch(Deployment, web, 'merge', { spec: { paused: true } })
  await cluster.eventually(async () => {
    expect(await condition(cluster, 'Progressing')).toBe('Unknown DeploymentPaused: Deployment is paused')
  })
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.client.patch(Deployment, web, 'merge', { spec: { replicas: 6 } })
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:1': 6 }))
  await cluster.advance(60_000)
  expect(await wanted(cluster)).toEqual({ 'web:1': 6 })
  await cluster.client.patch(Deployment, web, 'merge', { spec: { paused: false } })
  await complete(cluster, 6)
  expect(await wanted(cluster)).toEqual({ 'web:1': 0, 'web:2': 6 })
})

test('scaling in mid-rollout keeps the proportions', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, {
    replicas: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
  })
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:1': 8, 'web:2': 5 }))
  await cluster.client.patch(Deployment, web, 'merge', { spec: { replicas: 15 } })
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:1': 11, 'web:2': 7 }))
})

test('recreation waits until the last old pod has ended', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, { replicas: 2, strategy: { type: 'Recreate' } })
  const [held] = (await cluster.pods()) as [Pod]
  await cluster.client.patch(Pod, held.metadata, 'merge', { metadata: { finalizers: ['example.com/held'] } })
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(Pod)
    expect(items.map(({ metadata }) => metadata.uid)).toEqual([held.metadata.uid])
  })
  await cluster.advance(60_000)
  expect(await wanted(cluster)).toEqual({ 'web:1': 0 })
  await cluster.client.patch(Pod, held.metadata, 'merge', { metadata: { finalizers: null } })
  await complete(cluster, 2)
  expect(await wanted(cluster)).toEqual({ 'web:1': 0, 'web:2': 2 })
})

test('a rollout without progress is reported after its deadline, and goes on all the same', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, { progressDeadlineSeconds: 60 })
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.eventually(async () => expect(await condition(cluster, 'Progressing')).toMatch('True ReplicaSetUpdated'))
  await cluster.advance(58_000)
  expect(await condition(cluster, 'Progressing')).toMatch('True ReplicaSetUpdated')
  await cluster.advance(4_000)
  expect(await condition(cluster, 'Progressing')).toMatch(
    /^False ProgressDeadlineExceeded: ReplicaSet "web-\w+" has timed out progressing\.$/,
  )
  await complete(cluster, 4)
  await cluster.eventually(async () => expect(await condition(cluster, 'Progressing')).toMatch('True NewReplicaSetAvailable'))
})

test('no more old versions are kept than the history may hold', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, { revisionHistoryLimit: 2, replicas: 1 })
  for (const version of ['web:2', 'web:3', 'web:4', 'web:5']) {
    await cluster.client.patch(Deployment, web, 'strategic', image(version))
    await complete(cluster, 1)
  }
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:3': 0, 'web:4': 0, 'web:5': 1 }))
})

test('the history is kept short while paused, too', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, { replicas: 1 })
  for (const version of ['web:2', 'web:3']) {
    await cluster.client.patch(Deployment, web, 'strategic', image(version))
    await complete(cluster, 1)
  }
  await cluster.client.patch(Deployment, web, 'merge', { spec: { paused: true, revisionHistoryLimit: 0 } })
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:3': 1 }))
})

test('the new set follows minReadySeconds and the annotations', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, { replicas: 1 })
  const followed = async () => {
    const { items } = await cluster.client.list(ReplicaSet)
    return items.map(({ metadata, spec }) => ({ team: metadata.annotations?.team, minReadySeconds: spec.minReadySeconds }))
  }
  await cluster.client.patch(Deployment, web, 'merge', { spec: { minReadySeconds: 7 } })
  await cluster.eventually(async () => expect(await followed()).toEqual([{ minReadySeconds: 7 }]))
  await cluster.client.patch(Deployment, web, 'merge', { metadata: { annotations: { team: 'blue' } } })
  await cluster.eventually(async () => expect(await followed()).toEqual([{ team: 'blue', minReadySeconds: 7 }]))
})

test('a deployment on its way out starts nothing new', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  await rolledOut(cluster, { replicas: 1 })
  await cluster.client.delete(Deployment, web, { propagationPolicy: 'Foreground' })
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.advance(60_000)
  expect(await wanted(cluster)).toEqual({ 'web:1': 1 })
})

test('a deployment that selects everything is refused', async () => {
  const told: string[] = []
  const everything = Deployment.schema.parse({
    ...deploymentInput(),
    metadata: { name: 'web', namespace: 'default', generation: 3 },
  })
  const found = { ...everything, spec: { ...everything.spec, selector: {} } }
  const context = {
    lister: () => ({ get: () => found }),
    events: {
      record: (_about: unknown, type: string, reason: string, message: string) => told.push(`${type} ${reason} ${message}`),
    },
    client: {
      updateStatus: async (_kind: unknown, object: Deployment) => told.push(JSON.stringify(object.status)),
    },
  }
  await deployment.reconcile(context as never, 'default/web')
  expect(told).toEqual([
    'Warning SelectingAll This deployment is selecting all pods. A non-empty selector is required.',
    '{"observedGeneration":3}',
  ])
})

test('a name that another template has taken is avoided', async () => {
  await using cluster = await testCluster([deployment, replicaSet])
  const input = deploymentInput({ replicas: 1 })
  const { spec: defaulted } = await cluster.client.create(Deployment, input, { dryRun: true })
  const name = `web-${templateHash(defaulted.template)}`
  const { spec } = replicaSetInput({ name: 'foreign', replicas: 0 })
  await cluster.client.create(ReplicaSet, { metadata: { namespace: 'default', name }, spec })
  await cluster.client.create(Deployment, input)
  await complete(cluster, 1)
  expect((await cluster.client.get(Deployment, web)).status.collisionCount).toBe(1)
})

test('a failure to create pods shows in the set and in the deployment, until it is over', async () => {
  let isRefused = true
  await using cluster = await testCluster([deployment, replicaSet], {
    before(call) {
      if (isRefused && call.verb === 'create' && call.resource === 'pods') throw new ApiError('Forbidden', 'exceeded quota')
    },
  })
  await cluster.client.create(Deployment, deploymentInput())
  await cluster.eventually(async () =>
    expect(await condition(cluster, 'ReplicaFailure')).toBe('True FailedCreate: exceeded quota'),
  )
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(Event)
    expect(items.map(({ type, reason, message }) => `${type} ${reason} ${message}`)).toContain(
      'Warning FailedCreate Error creating: exceeded quota',
    )
  })
  isRefused = false
  await complete(cluster, 4)
  await cluster.eventually(async () => expect(await condition(cluster, 'ReplicaFailure')).toBeUndefined())
})

test('every write says which rule it follows and what woke the controller', async () => {
  const causes: string[] = []
  await using cluster = await testCluster([deployment, replicaSet], {
    before({ verb, resource, cause }) {
      if (cause?.note) causes.push(`${cause.actor} ${verb} ${resource}: ${cause.note.rule}${cause.wokenBy ? '' : ' (unwoken)'}`)
    },
  })
  await rolledOut(cluster, {
    replicas: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
  })
  causes.length = 0
  await cluster.client.patch(Deployment, web, 'strategic', image('web:2'))
  await cluster.eventually(async () => expect(await wanted(cluster)).toEqual({ 'web:1': 8, 'web:2': 5 }))
  expect([...new Set(causes)].sort()).toEqual([
    'deployment-controller create replicasets: deployment/new-set',
    'deployment-controller patch deployments: deployment/revision',
    'deployment-controller update deployments: deployment/condition',
    'deployment-controller update deployments: deployment/status',
    'deployment-controller update replicasets: deployment/rolling',
    'replicaset-controller create pods: replicaset/create',
    'replicaset-controller delete pods: replicaset/remove',
    'replicaset-controller update replicasets: replicaset/status',
  ])
})
