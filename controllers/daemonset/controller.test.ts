import { expect, test } from 'vitest'
import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { DaemonSet } from '../../api/apps/daemon-set.ts'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import type { InputOf } from '../../api/kind.ts'
import { controllerOf } from '../../client/watches.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { daemonSet } from './controller.ts'
import { targetNode } from './placement.ts'

const agent = { namespace: 'default', name: 'agent' }
type Spec = InputOf<typeof DaemonSet>['spec']

function input({ image = 'agent:1', ...spec }: Partial<Spec> & { image?: string } = {}) {
  return {
    metadata: agent,
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'main', image }] } },
      ...spec,
    },
  } satisfies InputOf<typeof DaemonSet>
}

async function clusterOf(...nodes: string[]): Promise<TestCluster> {
  const cluster = await testCluster([daemonSet()])
  for (const name of nodes) await addNode(cluster, name)
  return cluster
}

const addNode = ({ client }: TestCluster, name: string) => client.create(Node, { metadata: { name, labels: { zone: 'a' } } })

/** The pods by node: `a agent:1`, those told to end in brackets. */
async function picture({ client }: TestCluster): Promise<string[]> {
  const { items } = await client.list(Pod)
  return items
    .map(pod => {
      const text = `${targetNode(pod)} ${pod.spec.containers[0]?.image}`
      return pod.metadata.deletionTimestamp ? `(${text})` : text
    })
    .sort()
}

const shows = (cluster: TestCluster, ...expected: string[]) =>
  cluster.eventually(async () => expect(await picture(cluster)).toEqual(expected))

const isRolledOut = (cluster: TestCluster, ...expected: string[]) =>
  cluster.eventually(async () => {
    await cluster.ready()
    expect(await picture(cluster)).toEqual(expected)
    expect((await cluster.pods()).every(({ status }) => status.phase === 'Running')).toBe(true)
  })

const has = (cluster: TestCluster, status: object) =>
  cluster.eventually(async () => expect((await cluster.client.get(DaemonSet, agent)).status).toMatchObject(status))

const setImage = ({ client }: TestCluster, image: string) =>
  client.patch(DaemonSet, agent, 'strategic', { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } })

async function podOn(cluster: TestCluster, node: string): Promise<Pod> {
  const pod = (await cluster.pods()).find(each => targetNode(each) === node)
  if (!pod) throw new Error(`no pod on ${node}`)
  return pod
}

async function told({ client }: TestCluster): Promise<string[]> {
  const { items } = await client.list(Event)
  return items.map(({ reason, message }) => `${reason} ${message}`)
}

test('every node gets a pod that only the scheduler can bind, and only there', async () => {
  await using cluster = await clusterOf('a', 'b', 'c')
  const set = await cluster.client.create(DaemonSet, input())
  await shows(cluster, 'a agent:1', 'b agent:1', 'c agent:1')
  const pod = await podOn(cluster, 'b')
  const [revision] = (await cluster.client.list(ControllerRevision)).items
  const hash = revision?.metadata.labels?.['controller-revision-hash']
  expect(revision?.metadata.name).toBe(`agent-${hash}`)
  expect(pod.metadata).toMatchObject({
    generateName: 'agent-',
    labels: { app: 'agent', 'controller-revision-hash': hash, 'pod-template-generation': '1' },
  })
  expect(controllerOf(pod)?.uid).toBe(set.metadata.uid)
  expect(pod.spec.nodeName).toBeUndefined()
  expect(pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
    { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] },
  ])
  const unscheduled = { desiredNumberScheduled: 3, currentNumberScheduled: 3, numberReady: 0, numberUnavailable: 3 }
  await has(cluster, { ...unscheduled, observedGeneration: 1, updatedNumberScheduled: 3 })
  await cluster.ready()
  await has(cluster, { numberReady: 3, numberAvailable: 3, numberMisscheduled: 0 })
  expect((await cluster.client.get(DaemonSet, agent)).status.numberUnavailable).toBeUndefined()
  await cluster.eventually(async () =>
    expect((await told(cluster)).sort()).toEqual(
      (await cluster.pods()).map(({ metadata }) => `SuccessfulCreate Created pod: ${metadata.name}`).sort(),
    ),
  )
})

test('a new node gets a pod, a node that no longer fits loses it, a node that is gone is forgotten', async () => {
  await using cluster = await clusterOf('a', 'b')
  const nodeSelector = { zone: 'a' }
  const { template } = input().spec
  await cluster.client.create(DaemonSet, input({ template: { ...template, spec: { ...template.spec, nodeSelector } } }))
  await shows(cluster, 'a agent:1', 'b agent:1')
  await addNode(cluster, 'c')
  await shows(cluster, 'a agent:1', 'b agent:1', 'c agent:1')
  await cluster.client.patch(Node, { name: 'b' }, 'merge', { metadata: { labels: { zone: 'b' } } })
  await shows(cluster, 'a agent:1', 'c agent:1')
  await has(cluster, { desiredNumberScheduled: 2, numberMisscheduled: 0 })
  await cluster.client.patch(Node, { name: 'b' }, 'merge', { metadata: { labels: { zone: 'a' } } })
  await shows(cluster, 'a agent:1', 'b agent:1', 'c agent:1')
  await cluster.client.delete(Node, { name: 'c' })
  await shows(cluster, 'a agent:1', 'b agent:1')
  await has(cluster, { desiredNumberScheduled: 2 })
})

test('taints: NoSchedule lets the pod stay and counts it as misscheduled, NoExecute takes it away', async () => {
  await using cluster = await clusterOf('a', 'b')
  await cluster.client.create(DaemonSet, input())
  await isRolledOut(cluster, 'a agent:1', 'b agent:1')
  const taint = (effect: string) => ({ spec: { taints: [{ key: 'k', effect }] } })
  await cluster.client.patch(Node, { name: 'b' }, 'merge', taint('NoSchedule'))
  await has(cluster, { desiredNumberScheduled: 1, numberMisscheduled: 1 })
  expect(await picture(cluster)).toEqual(['a agent:1', 'b agent:1'])
  await cluster.client.patch(Node, { name: 'b' }, 'merge', taint('NoExecute'))
  await shows(cluster, 'a agent:1')
  await has(cluster, { numberMisscheduled: 0 })
  await cluster.client.patch(Node, { name: 'b' }, 'merge', { spec: { taints: null } })
  await shows(cluster, 'a agent:1', 'b agent:1')
})

test('heartbeats of nodes wake nobody', async () => {
  let writes = 0
  const cluster = await testCluster([daemonSet()], {
    before: ({ resource, verb }) => {
      if (resource === 'daemonsets' && verb !== 'watch') writes++
    },
  })
  await using _ = cluster
  await addNode(cluster, 'a')
  await cluster.client.create(DaemonSet, input())
  await isRolledOut(cluster, 'a agent:1')
  await has(cluster, { numberReady: 1 })
  const before = writes
  const node = await cluster.client.get(Node, { name: 'a' })
  await cluster.client.updateStatus(Node, { ...node, status: { ...node.status, phase: 'Running' } } as never)
  await cluster.advance(1_000)
  expect(writes).toBe(before)
})

test('an update replaces one pod after the other', async () => {
  await using cluster = await clusterOf('a', 'b', 'c')
  await cluster.client.create(DaemonSet, input())
  await isRolledOut(cluster, 'a agent:1', 'b agent:1', 'c agent:1')
  await setImage(cluster, 'agent:2')
  await cluster.eventually(async () => expect((await picture(cluster)).filter(line => line.endsWith('agent:2'))).toHaveLength(1))
  await cluster.advance(60_000)
  expect((await picture(cluster)).filter(line => line.endsWith('agent:1'))).toHaveLength(2)
  await has(cluster, { updatedNumberScheduled: 1, numberAvailable: 2, numberUnavailable: 1, observedGeneration: 2 })
  await isRolledOut(cluster, 'a agent:2', 'b agent:2', 'c agent:2')
  await has(cluster, { updatedNumberScheduled: 3, numberAvailable: 3 })
})

test('with surge the old pod stays until the new one has been ready for minReadySeconds', async () => {
  await using cluster = await clusterOf('a')
  const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  await cluster.client.create(DaemonSet, input({ updateStrategy, minReadySeconds: 10 }))
  await isRolledOut(cluster, 'a agent:1')
  await cluster.advance(11_000)
  await has(cluster, { numberAvailable: 1 })
  await setImage(cluster, 'agent:2')
  await shows(cluster, 'a agent:1', 'a agent:2')
  await cluster.ready()
  await cluster.advance(9_000)
  expect(await picture(cluster)).toEqual(['a agent:1', 'a agent:2'])
  await cluster.advance(2_000)
  await shows(cluster, 'a agent:2')
})

test('OnDelete: a pod of the new template comes where somebody deletes the old one', async () => {
  await using cluster = await clusterOf('a', 'b')
  await cluster.client.create(DaemonSet, input({ updateStrategy: { type: 'OnDelete' } }))
  await isRolledOut(cluster, 'a agent:1', 'b agent:1')
  await setImage(cluster, 'agent:2')
  await cluster.advance(60_000)
  await has(cluster, { observedGeneration: 2 })
  expect((await cluster.client.get(DaemonSet, agent)).status.updatedNumberScheduled).toBeUndefined()
  await cluster.client.delete(Pod, (await podOn(cluster, 'a')).metadata)
  await shows(cluster, 'a agent:2', 'b agent:1')
})

test('failed daemon pods are deleted, ever more slowly, and succeeded ones at once', async () => {
  await using cluster = await clusterOf('a')
  await cluster.client.create(DaemonSet, input())
  const end = async (phase: 'Failed' | 'Succeeded') => {
    await shows(cluster, 'a agent:1')
    const pod = await podOn(cluster, 'a')
    await cluster.client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase } })
    return pod.metadata
  }
  const isGone = ({ name, namespace }: Pod['metadata']) =>
    cluster.client.get(Pod, { name, namespace }).then(
      () => false,
      () => true,
    )
  await has(cluster, { observedGeneration: 1 })
  const first = await end('Failed')
  await cluster.eventually(async () => expect(await isGone(first)).toBe(true))
  const second = await end('Failed')
  await cluster.advance(800)
  expect(await isGone(second)).toBe(false)
  await cluster.advance(300)
  expect(await isGone(second)).toBe(true)
  const third = await end('Failed')
  await cluster.advance(1_500)
  expect(await isGone(third)).toBe(false)
  await cluster.advance(1_000)
  expect(await isGone(third)).toBe(true)
  const last = await end('Succeeded')
  await cluster.eventually(async () => expect(await isGone(last)).toBe(true))
  await cluster.eventually(async () => {
    const events = await told(cluster)
    expect(events).toContain(`FailedDaemonPod Found failed daemon pod default/${first.name} on node a, will try to kill it`)
    expect(events).toContain(
      `SucceededDaemonPod Found succeeded daemon pod default/${last.name} on node a, will try to delete it`,
    )
    expect(events).toContain(`SuccessfulDelete Deleted pod: ${last.name}`)
  })
})

test('revisions: a template that comes back is renumbered, old ones go beyond the limit, those of pods stay', async () => {
  await using cluster = await clusterOf('a')
  await cluster.client.create(DaemonSet, input({ revisionHistoryLimit: 1, updateStrategy: { type: 'OnDelete' } }))
  await isRolledOut(cluster, 'a agent:1')
  const revisions = async () => {
    const { items } = await cluster.client.list(ControllerRevision)
    return items
      .map(({ revision, data }) => {
        const { spec } = data as { spec: { template: { spec: { containers: { image: string }[] } } } }
        return `${revision} ${spec.template.spec.containers[0]?.image}`
      })
      .sort()
  }
  const becomes = (...expected: string[]) => cluster.eventually(async () => expect(await revisions()).toEqual(expected))
  await setImage(cluster, 'agent:2')
  await becomes('1 agent:1', '2 agent:2')
  await setImage(cluster, 'agent:1')
  await becomes('2 agent:2', '3 agent:1')
  await setImage(cluster, 'agent:3')
  // Two old ones are one too many, and the pod is of the newer.
  await becomes('3 agent:1', '4 agent:3')
})

test('two revisions of one template become one, and pods of the other are relabelled', async () => {
  await using cluster = await clusterOf('a')
  await cluster.client.create(DaemonSet, input())
  await isRolledOut(cluster, 'a agent:1')
  const [first] = (await cluster.client.list(ControllerRevision)).items as [ControllerRevision]
  const before = await podOn(cluster, 'a')
  const { data } = first
  const { ownerReferences } = first.metadata
  await cluster.client.create(ControllerRevision, {
    metadata: {
      ...agent,
      name: 'agent-twin',
      labels: { app: 'agent', 'controller-revision-hash': 'twin' },
      ownerReferences,
    },
    data,
    revision: 5,
  })
  await setImage(cluster, 'agent:1')
  await cluster.client.patch(DaemonSet, agent, 'merge', { metadata: { labels: { woken: 'yes' } } })
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(ControllerRevision)
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['agent-twin'])
    const pod = await podOn(cluster, 'a')
    expect(pod.metadata.uid).toBe(before.metadata.uid)
    expect(pod.metadata.labels?.['controller-revision-hash']).toBe('twin')
  })
})

test('a name that stands for another template is avoided by counting the collision', async () => {
  await using cluster = await clusterOf('a')
  await cluster.client.create(DaemonSet, input())
  await shows(cluster, 'a agent:1')
  const [first] = (await cluster.client.list(ControllerRevision)).items as [ControllerRevision]
  const { metadata } = first
  await cluster.client.delete(DaemonSet, agent)
  for (const pod of await cluster.pods()) await cluster.client.delete(Pod, pod.metadata)
  await cluster.client.delete(ControllerRevision, metadata)
  await cluster.client.create(ControllerRevision, {
    metadata: { ...agent, name: metadata.name },
    data: { spec: {} },
    revision: 7,
  })
  await cluster.client.create(DaemonSet, input())
  await has(cluster, { collisionCount: 1, desiredNumberScheduled: 1 })
  await shows(cluster, 'a agent:1')
  const labels = (await podOn(cluster, 'a')).metadata.labels
  expect(`agent-${labels?.['controller-revision-hash']}`).not.toBe(metadata.name)
})

test('orphans are adopted, and what no longer matches is released', async () => {
  await using cluster = await clusterOf('a')
  const { template } = input().spec
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['a'] }] }],
      },
    },
  }
  const orphan = { ...agent, name: 'orphan' }
  await cluster.client.create(Pod, { metadata: { ...orphan, labels: { app: 'agent' } }, spec: { ...template.spec, affinity } })
  const set = await cluster.client.create(DaemonSet, input({ updateStrategy: { type: 'OnDelete' } }))
  await cluster.eventually(async () => expect(controllerOf(await cluster.client.get(Pod, orphan))?.uid).toBe(set.metadata.uid))
  expect(await picture(cluster)).toEqual(['a agent:1'])
  await cluster.client.patch(Pod, orphan, 'merge', { metadata: { labels: { app: 'other' } } })
  await shows(cluster, 'a agent:1', 'a agent:1')
  expect(controllerOf(await cluster.client.get(Pod, orphan))).toBeUndefined()
})

test('more nodes than one go allows: all get their pods in the end', async () => {
  await using cluster = await clusterOf(...Array.from({ length: 300 }, (_, index) => `n${index}`))
  await cluster.client.create(DaemonSet, input())
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(300))
  expect(new Set(await picture(cluster)).size).toBe(300)
  await has(cluster, { desiredNumberScheduled: 300, currentNumberScheduled: 300 })
})

test('pods that cannot be made are told of, counted as missing, and tried again', async () => {
  let refusals = 3
  await using cluster = await testCluster([daemonSet()], {
    before: ({ verb, resource }) => {
      if (verb === 'create' && resource === 'pods' && refusals-- > 0) throw new ApiError('Forbidden', 'exceeded quota')
    },
  })
  await addNode(cluster, 'a')
  await cluster.client.create(DaemonSet, input())
  await shows(cluster, 'a agent:1')
  await cluster.eventually(async () => expect(await told(cluster)).toContain('FailedCreate Error creating: exceeded quota'))
})

test('a set that is being deleted is left alone', async () => {
  await using cluster = await clusterOf('a', 'b')
  await cluster.client.create(DaemonSet, input())
  await isRolledOut(cluster, 'a agent:1', 'b agent:1')
  await cluster.client.delete(DaemonSet, agent, { propagationPolicy: 'Foreground' })
  await cluster.client.delete(Pod, (await podOn(cluster, 'a')).metadata)
  await cluster.advance(10_000)
  expect(await picture(cluster)).toEqual(['b agent:1'])
})

test('after a restart in the middle of an update it goes on where it was', async () => {
  await using cluster = await clusterOf('a', 'b', 'c')
  await cluster.client.create(DaemonSet, input())
  await isRolledOut(cluster, 'a agent:1', 'b agent:1', 'c agent:1')
  await setImage(cluster, 'agent:2')
  await cluster.eventually(async () => expect((await picture(cluster)).join()).toContain('agent:2'))
  await cluster.restart()
  await isRolledOut(cluster, 'a agent:2', 'b agent:2', 'c agent:2')
  expect(await cluster.pods()).toHaveLength(3)
})
