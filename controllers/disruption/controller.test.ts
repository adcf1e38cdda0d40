import { expect, test } from 'vitest'
import { clientKinds } from '../../api/apiextensions/client-kinds.ts'
import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Job } from '../../api/batch/job.ts'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { ApiError } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { kinds } from '../../api/kinds.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import type { KubeObject } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { deployment } from '../deployment/controller.ts'
import { replicaSet } from '../replicaset/controller.ts'
import { deploymentInput, replicaSetInput, type TestCluster, testCluster } from '../testing.ts'
import { disruption } from './controller.ts'

const web = { namespace: 'default', name: 'web' }
const selector = { matchLabels: { app: 'web' } }
const budget = (spec: object, name = 'web') => ({ metadata: { namespace: 'default', name }, spec: { selector, ...spec } })

/** `allowed of healthy/desired/expected reason message` of a budget. */
async function shown({ client }: TestCluster, name = 'web'): Promise<string> {
  const { status } = await client.get(PodDisruptionBudget, { namespace: 'default', name })
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions = [] } = status
  const [{ reason, message } = { reason: '', message: '' }] = conditions
  return `${disruptionsAllowed} of ${currentHealthy}/${desiredHealthy}/${expectedPods} ${reason} ${message}`.trim()
}
const eventTexts = async ({ client }: TestCluster) =>
  (await client.list(Event)).items.map(({ source, type, reason, message }) => `${source?.component} ${type} ${reason} ${message}`)

/** A pod that runs and is ready, of some controller. */
async function readyPod(cluster: TestCluster, name: string, owner?: KubeObject, labels: Record<string, string> = { app: 'web' }) {
  const reference = owner && {
    ...{ apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid },
    ...{ controller: true, blockOwnerDeletion: true },
  }
  const pod = await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name, labels, ...(reference && { ownerReferences: [reference] }) },
    spec: { containers: [{ name: 'main', image: 'web:1' }] },
  })
  await cluster.ready([pod])
  return pod
}

test('a budget counts the pods of a deployment as they come, go, and are to be more', async () => {
  await using cluster = await testCluster([deployment, replicaSet, disruption(kinds)])
  const { client } = cluster
  await client.create(PodDisruptionBudget, budget({ maxUnavailable: '25%' }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 0/0/0 InsufficientPods'))
  expect(await eventTexts(cluster)).toContain('controllermanager Normal NoPods No matching pods found')
  await client.create(Deployment, deploymentInput({ replicas: 4 }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 0/3/4 InsufficientPods'))
  await cluster.ready()
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('1 of 4/3/4 SufficientPods'))
  const [pod] = (await cluster.pods()) as [Pod]
  await client.createSubresource(Pod, pod.metadata, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: pod.metadata,
  })
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 3/3/4 InsufficientPods'))
  await cluster.ready()
  await cluster.eventually(async () => {
    expect(await shown(cluster)).toBe('1 of 4/3/4 SufficientPods')
    expect((await client.get(PodDisruptionBudget, web)).status.disruptedPods).toBeUndefined()
  })
  await client.patch(Deployment, web, 'merge', { spec: { replicas: 8 } })
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 4/6/8 InsufficientPods'))
})

test('a controller that wants more is counted even before it has them', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  const set = await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1 }))
  await readyPod(cluster, 'a', set)
  await cluster.client.create(PodDisruptionBudget, budget({ minAvailable: '50%' }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 1/1/1 InsufficientPods'))
  await cluster.client.patch(ReplicaSet, web, 'merge', { spec: { replicas: 10 } })
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 1/5/10 InsufficientPods'))
})

test('pods of several controllers: each is counted once', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  const { client } = cluster
  const set = await client.create(ReplicaSet, replicaSetInput({ replicas: 3 }))
  const { template } = replicaSetInput().spec
  const controller = await client.create(ReplicationController, { metadata: web, spec: { replicas: 2, template } })
  for (const name of ['a', 'b']) await readyPod(cluster, name, set)
  await readyPod(cluster, 'c', controller)
  await client.create(PodDisruptionBudget, budget({ maxUnavailable: 3 }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('1 of 3/2/5 SufficientPods'))
})

const widgets = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced' as const,
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
      },
    ],
  },
}

test('a custom controller is asked for its scale', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  const { client } = cluster
  await client.create(CustomResourceDefinition, widgets as never)
  let widget: AnyKind | undefined
  await cluster.eventually(async () => {
    const { items } = await client.list(CustomResourceDefinition)
    widget = clientKinds(items as never)[0]
    expect(widget).toBeDefined()
  })
  const owner = await client.create(widget as AnyKind, { metadata: web, spec: { replicas: 4 } } as never)
  await readyPod(cluster, 'a', owner as KubeObject)
  await client.create(PodDisruptionBudget, budget({ maxUnavailable: '75%' }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 1/1/4 InsufficientPods'))
})

test.each<[string, (cluster: TestCluster) => Promise<unknown>, string]>([
  [
    'a controller without a scale',
    async cluster => {
      const template = { spec: { containers: [{ name: 'a', image: 'a' }], restartPolicy: 'Never' as const } }
      return readyPod(cluster, 'a', await cluster.client.create(Job, { metadata: web, spec: { template } }))
    },
    'jobs.batch does not implement the scale subresource',
  ],
  [
    'a controller that is gone',
    cluster =>
      readyPod(cluster, 'a', { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'x', uid: 'x' } } as KubeObject),
    'found no controllers for pod "a"',
  ],
  [
    'a controller that nobody knows',
    cluster => readyPod(cluster, 'a', { apiVersion: 'odd.io/v2', kind: 'Odd', metadata: { name: 'x', uid: 'x' } } as KubeObject),
    'no matches for kind "Odd" in version "odd.io/v2"',
  ],
])('a budget that cannot be counted allows nothing: %s', async (_, prepare, message) => {
  await using cluster = await testCluster([disruption(kinds)])
  await prepare(cluster)
  await cluster.client.create(PodDisruptionBudget, budget({ maxUnavailable: 1 }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe(`0 of 0/0/0 SyncFailed ${message}`))
  expect(await eventTexts(cluster)).toEqual([
    `controllermanager Warning CalculateExpectedPodCountFailed Failed to calculate the number of expected pods: ${message}`,
  ])
})

test('pods without a controller do for a number that must stay, and are told of for a share', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  const { client } = cluster
  for (const name of ['a', 'b']) await readyPod(cluster, name)
  await client.create(PodDisruptionBudget, budget({ minAvailable: 1 }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('1 of 2/1/2 SufficientPods'))
  expect(await eventTexts(cluster)).toEqual([])
  await client.delete(PodDisruptionBudget, web)
  await client.create(PodDisruptionBudget, budget({ minAvailable: '50%' }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 2/0/0 InsufficientPods'))
  expect(await eventTexts(cluster)).toEqual([
    'controllermanager Warning UnmanagedPods Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.',
  ])
})

test('an eviction that never happens is forgotten after two minutes, and told on the pod', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  const { client, clock } = cluster
  for (const name of ['a', 'b']) await readyPod(cluster, name)
  await client.create(PodDisruptionBudget, budget({ minAvailable: 1 }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('1 of 2/1/2 SufficientPods'))
  const { status } = await client.get(PodDisruptionBudget, web)
  const disrupted = { ...status, disruptionsAllowed: 0, disruptedPods: { a: timestamp(clock.now()) } }
  await client.patch(PodDisruptionBudget, web, 'merge', { status: disrupted }, { subresource: 'status' })
  await cluster.advance(119_000)
  expect(await shown(cluster)).toBe('0 of 1/1/2 InsufficientPods')
  await cluster.advance(3_000)
  expect(await shown(cluster)).toBe('1 of 2/1/2 SufficientPods')
  await cluster.advance(0)
  expect(await eventTexts(cluster)).toEqual([
    "controllermanager Warning NotDeleted Pod was expected by PDB default/web to be deleted but it wasn't",
  ])
})

test('a pod that says it is disrupted and is not takes it back after two minutes', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  const { client, clock } = cluster
  const ref = { namespace: 'default', name: 'a' }
  await readyPod(cluster, 'a')
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'x' }
  const conditions = [{ ...condition, lastTransitionTime: timestamp(clock.now()) }]
  await client.patch(Pod, ref, 'strategic', { status: { conditions } }, { subresource: 'status' })
  const target = async () => (await client.get(Pod, ref)).status.conditions?.find(({ type }) => type === 'DisruptionTarget')
  await cluster.advance(119_000)
  expect(await target()).toMatchObject({ status: 'True' })
  await cluster.advance(2_000)
  expect(await target()).toEqual({ type: 'DisruptionTarget', status: 'False', lastTransitionTime: '2026-01-01T00:02:00Z' })
  expect((await client.get(Pod, ref)).status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
})

test('a pod with two budgets counts for both, and is told of', async () => {
  await using cluster = await testCluster([disruption(kinds)])
  await cluster.client.create(PodDisruptionBudget, budget({ minAvailable: 1 }, 'one'))
  await cluster.client.create(PodDisruptionBudget, budget({ minAvailable: 1, selector: {} }, 'two'))
  await readyPod(cluster, 'a')
  await cluster.eventually(async () => {
    expect([await shown(cluster, 'one'), await shown(cluster, 'two')]).toEqual(Array(2).fill('0 of 1/1/1 InsufficientPods'))
  })
  await cluster.advance(0)
  expect((await eventTexts(cluster)).filter(text => text.includes('Multiple'))).toEqual([
    expect.stringMatching(
      /^controllermanager Warning MultiplePodDisruptionBudgets Pod "default"\/"a" matches multiple PodDisruptionBudgets\. {2}Chose "(one|two)" arbitrarily\.$/,
    ),
  ])
})

test('a server that fails for a while does not leave a budget uncounted', async () => {
  let failures = 6
  await using cluster = await testCluster([disruption(kinds)], {
    before: ({ verb, resource, subresource, body }) => {
      if (verb !== 'update' || resource !== 'poddisruptionbudgets' || subresource !== 'status') return
      // It can say that it failed, but nothing else.
      const { status } = body as PodDisruptionBudget
      const tellsOfFailure = status.conditions?.some(({ reason }) => reason === 'SyncFailed')
      if (!tellsOfFailure && failures-- > 0) throw new ApiError('InternalError', 'no luck')
    },
  })
  await cluster.client.create(PodDisruptionBudget, budget({ minAvailable: 0 }))
  await cluster.eventually(async () => expect(await shown(cluster)).toBe('0 of 0/0/0 SyncFailed no luck'))
  await cluster.advance(10_000)
  expect(await shown(cluster)).toBe('0 of 0/0/0 InsufficientPods')
})
