import { expect, test } from 'vitest'
import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { controllerOf } from '../../client/watches.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { statefulSet } from './controller.ts'
import { bind, letGo, picture, statefulSetInput, told } from './testing.ts'

const web = { namespace: 'default', name: 'web' }
const pod = (name: string) => ({ namespace: 'default', name })

/** Lets the pods become ready one after the other, until there are so many. */
async function readyUpTo(cluster: TestCluster, count: number): Promise<void> {
  await cluster.eventually(async () => {
    await cluster.ready()
    expect(await cluster.pods()).toHaveLength(count)
    const pods = await cluster.pods()
    expect(pods.every(({ status }) => status.phase === 'Running')).toBe(true)
  })
}

async function setImage({ client }: TestCluster, image: string): Promise<void> {
  const patch = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }
  await client.patch(StatefulSet, web, 'strategic', patch)
}

test('pods come one after the other, each when the one before is ready, with names of their own', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ serviceName: 'web-svc' }))
  for (const expected of [['web-0 web:1'], ['web-0 web:1', 'web-1 web:1'], ['web-0 web:1', 'web-1 web:1', 'web-2 web:1']]) {
    await cluster.eventually(async () => expect(await picture(cluster)).toEqual(expected))
    await cluster.advance(1_000)
    expect(await picture(cluster)).toEqual(expected)
    await cluster.ready()
  }
  const set = await cluster.client.get(StatefulSet, web)
  const last = await cluster.client.get(Pod, pod('web-2'))
  expect(last.spec).toMatchObject({ hostname: 'web-2', subdomain: 'web-svc' })
  expect(last.metadata.labels).toEqual({
    app: 'web',
    'statefulset.kubernetes.io/pod-name': 'web-2',
    'apps.kubernetes.io/pod-index': '2',
    'controller-revision-hash': set.status.updateRevision,
  })
  expect(controllerOf(last)).toMatchObject({ kind: 'StatefulSet', name: 'web', blockOwnerDeletion: true })
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(StatefulSet, web)
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      collisionCount: 0,
    })
    expect(status.currentRevision).toBe(status.updateRevision)
  })
  await cluster.eventually(async () =>
    expect(await told(cluster)).toEqual([0, 1, 2].map(i => `SuccessfulCreate create Pod web-${i} in StatefulSet web successful`)),
  )
})

test('parallel: all pods come at once and go at once', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 5, podManagementPolicy: 'Parallel' }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(5))
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 1 } })
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1']))
})

test('numbers begin where spec.ordinals.start says, and moving it moves the pods', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 2, ordinals: { start: 3 } }))
  await readyUpTo(cluster, 2)
  expect(await picture(cluster)).toEqual(['web-3 web:1', 'web-4 web:1'])
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { ordinals: { start: 4 } } })
  await cluster.eventually(async () => {
    await cluster.ready()
    expect(await picture(cluster)).toEqual(['web-4 web:1', 'web-5 web:1'])
  })
})

test('scaling down takes the highest number first and waits for each to be gone', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput())
  await readyUpTo(cluster, 3)
  for (const name of ['web-1', 'web-2']) await bind(cluster, name)
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 1 } })
  await cluster.eventually(async () =>
    expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:1 (ending)']),
  )
  await cluster.advance(5_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:1 (ending)'])
  await letGo(cluster, 'web-2')
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1 (ending)']))
})

test('StatefulSet waits for deletion to finish before recreating the same name', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  await readyUpTo(cluster, 1)
  await bind(cluster, 'web-0')
  const before = await cluster.client.get(Pod, pod('web-0'))
  await cluster.client.delete(Pod, pod('web-0'))
  await cluster.advance(10_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1 (ending)'])
  await letGo(cluster, 'web-0')
  await cluster.eventually(async () => {
    const after = await cluster.client.get(Pod, pod('web-0'))
    expect(after.metadata.uid).not.toBe(before.metadata.uid)
  })
})

test('a pod that has failed or succeeded is replaced under its name', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  for (const phase of ['Failed', 'Succeeded'] as const) {
    await readyUpTo(cluster, 1)
    const before = await cluster.client.get(Pod, pod('web-0'))
    await cluster.client.updateStatus(Pod, { ...before, status: { ...before.status, phase } })
    await cluster.eventually(async () => {
      const after = await cluster.client.get(Pod, pod('web-0'))
      expect(after.metadata.uid).not.toBe(before.metadata.uid)
    })
  }
  await cluster.eventually(async () =>
    expect(await told(cluster)).toContain('SuccessfulDelete delete Pod web-0 in StatefulSet web successful'),
  )
})

test('StatefulSet updates go from the highest ordinal, one by one, and an unready new pod stops them', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput())
  await readyUpTo(cluster, 3)
  await setImage(cluster, 'web:2')
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:2']))
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(StatefulSet, web)
    expect(status).toMatchObject({ replicas: 3, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 1 })
    expect(status.currentRevision).not.toBe(status.updateRevision)
  })
  await cluster.advance(60_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:2'])
  await cluster.ready()
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:2', 'web-2 web:2']))
  await cluster.eventually(async () => {
    await cluster.ready()
    expect(await picture(cluster)).toEqual(['web-0 web:2', 'web-1 web:2', 'web-2 web:2'])
  })
  await cluster.eventually(async () => {
    await cluster.ready()
    const { status } = await cluster.client.get(StatefulSet, web)
    expect(status).toMatchObject({ readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 })
    expect(status.currentRevision).toBe(status.updateRevision)
  })
})

test('Parallel still updates one by one', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ podManagementPolicy: 'Parallel' }))
  await readyUpTo(cluster, 3)
  await setImage(cluster, 'web:2')
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:2']))
  await cluster.advance(60_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:2'])
})

test('pods below the partition keep their revision, also when they are made anew', async () => {
  await using cluster = await testCluster([statefulSet])
  const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 2 } }
  await cluster.client.create(StatefulSet, statefulSetInput({ updateStrategy }))
  await readyUpTo(cluster, 3)
  await setImage(cluster, 'web:2')
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:2']))
  await readyUpTo(cluster, 3)
  await cluster.client.delete(Pod, pod('web-0'))
  await cluster.client.delete(Pod, pod('web-2'))
  await readyUpTo(cluster, 3)
  expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:2'])
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } })
  await cluster.eventually(async () => {
    await cluster.ready()
    expect(await picture(cluster)).toEqual(['web-0 web:2', 'web-1 web:2', 'web-2 web:2'])
  })
})

test('OnDelete: pods come to the new revision when somebody deletes them', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ updateStrategy: { type: 'OnDelete' } }))
  await readyUpTo(cluster, 3)
  await setImage(cluster, 'web:2')
  await cluster.advance(60_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1', 'web-2 web:1'])
  await cluster.client.delete(Pod, pod('web-1'))
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:2', 'web-2 web:1']))
})

test('minReadySeconds: the next pod waits until the one before has been ready for so long', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 2, minReadySeconds: 30 }))
  await readyUpTo(cluster, 1)
  await cluster.advance(29_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1'])
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(StatefulSet, web)
    expect(status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 })
  })
  await cluster.advance(2_000)
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1']))
})

test('going back to an earlier template renumbers its revision, and old revisions go beyond the limit', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1, revisionHistoryLimit: 1 }))
  const revisions = async () => {
    const { items } = await cluster.client.list(ControllerRevision)
    const imageOf = (data: unknown) =>
      (data as { spec: { template: { spec: { containers: { image: string }[] } } } }).spec.template.spec.containers[0]?.image
    return items.map(({ revision, data }) => `${revision} ${imageOf(data)}`).sort()
  }
  const rollTo = async (image: string) => {
    await setImage(cluster, image)
    await cluster.eventually(async () => {
      await cluster.ready()
      expect(await picture(cluster)).toEqual([`web-0 ${image}`])
      const { status } = await cluster.client.get(StatefulSet, web)
      expect(status.readyReplicas).toBe(1)
      expect(status.currentRevision).toBe(status.updateRevision)
    })
  }
  await readyUpTo(cluster, 1)
  await rollTo('web:2')
  await cluster.eventually(async () => expect(await revisions()).toEqual(['1 web:1', '2 web:2']))
  await rollTo('web:1')
  await cluster.eventually(async () => expect(await revisions()).toEqual(['2 web:2', '3 web:1']))
  await rollTo('web:3')
  await cluster.eventually(async () => expect(await revisions()).toEqual(['3 web:1', '4 web:3']))
})

test('a name that stands for another template is avoided by counting the collision', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  await readyUpTo(cluster, 1)
  const [first] = (await cluster.client.list(ControllerRevision)).items
  await cluster.client.delete(StatefulSet, web)
  for (const each of await cluster.pods()) await cluster.client.delete(Pod, each.metadata)
  await cluster.client.delete(ControllerRevision, first?.metadata as ControllerRevision['metadata'])
  await cluster.client.create(ControllerRevision, {
    metadata: { namespace: 'default', name: first?.metadata.name },
    data: { spec: {} },
    revision: 7,
  })
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(StatefulSet, web)
    expect(status.collisionCount).toBe(1)
    expect(status.updateRevision).not.toBe(first?.metadata.name)
  })
})

test('pods and revisions that were left behind are adopted; pods of other names are not', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  await readyUpTo(cluster, 1)
  await cluster.client.delete(StatefulSet, web, { propagationPolicy: 'Orphan' })
  const orphan = { metadata: { ownerReferences: null } }
  const [revision] = (await cluster.client.list(ControllerRevision)).items
  // There is no garbage collector here to cut the ties.
  await cluster.client.patch(Pod, pod('web-0'), 'merge', orphan)
  await cluster.client.patch(ControllerRevision, revision?.metadata as ControllerRevision['metadata'], 'merge', orphan)
  await cluster.client.patch(StatefulSet, web, 'merge', { metadata: { finalizers: null } })
  const { template } = statefulSetInput().spec
  await cluster.client.create(Pod, { metadata: { ...web, name: 'stranger', labels: { app: 'web' } }, spec: template.spec })
  const set = await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  await cluster.eventually(async () => {
    expect(controllerOf(await cluster.client.get(Pod, pod('web-0')))?.uid).toBe(set.metadata.uid)
    const { items } = await cluster.client.list(ControllerRevision)
    expect(items.map(item => controllerOf(item)?.uid)).toEqual([set.metadata.uid])
  })
  expect(controllerOf(await cluster.client.get(Pod, pod('stranger')))).toBeUndefined()
  await cluster.client.patch(Pod, pod('web-0'), 'merge', { metadata: { labels: { app: 'other' } } })
  await cluster.eventually(async () => expect(controllerOf(await cluster.client.get(Pod, pod('web-0')))).toBeUndefined())
})

test('a pod that cannot be made is told, and tried again', async () => {
  let refusals = 2
  await using cluster = await testCluster([statefulSet], {
    before: ({ verb, resource }) => {
      if (verb !== 'create' || resource !== 'pods' || refusals-- <= 0) return
      throw new ApiError('Forbidden', 'exceeded quota')
    },
  })
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1 }))
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1']))
  await cluster.eventually(async () =>
    expect(await told(cluster)).toContain('FailedCreate create Pod web-0 in StatefulSet web failed error: exceeded quota'),
  )
})

test('a set that is being deleted makes no pods and only counts', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ podManagementPolicy: 'Parallel' }))
  await readyUpTo(cluster, 3)
  await cluster.client.delete(StatefulSet, web, { propagationPolicy: 'Foreground' })
  await cluster.client.delete(Pod, pod('web-1'))
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(StatefulSet, web)
    expect(status).toMatchObject({ replicas: 2, readyReplicas: 2 })
  })
  expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-2 web:1'])
})

test('after a restart in the middle of an update it goes on where it was', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput())
  await readyUpTo(cluster, 3)
  await setImage(cluster, 'web:2')
  await cluster.eventually(async () => expect(await picture(cluster)).toContain('web-2 web:2'))
  await cluster.restart()
  await cluster.eventually(async () => {
    await cluster.ready()
    expect(await picture(cluster)).toEqual(['web-0 web:2', 'web-1 web:2', 'web-2 web:2'])
  })
})
