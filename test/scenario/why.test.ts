import { expect, test } from 'vitest'
import type { WhyStep } from '../../apiserver/why.ts'
import { isReady, testCluster } from '../support/cluster.ts'
import { deploymentNamed, podNamed } from '../support/objects.ts'

const told = (steps: readonly WhyStep[]) =>
  steps.map(({ verb, resource, subresource, cause }) =>
    [verb, subresource ? `${resource}/${subresource}` : resource, cause?.note?.rule].filter(Boolean).join(' '),
  )

test('the way from a Deployment to its running pod: every step has a revision, a reason and the step that led to it', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  const [deployment] = await cluster.apply(deploymentNamed('web', 1))
  const pod = await cluster.eventually(async () => {
    const [found] = (await cluster.pods('app=web')).filter(isReady)
    expect(found).toBeDefined()
    return found!
  })
  const steps = await cluster.eventually(async () => {
    const found = await cluster.why('pods', pod.metadata.name)
    expect(told(found)).toContain('patch pods/status kubelet/started')
    return found
  })

  const story = told(steps)
  expect(story[0]).toBe('create deployments')
  expect(story).toEqual(expect.arrayContaining(['create replicasets deployment/new-set', 'create pods replicaset/create']))
  const [first, ...later] = steps
  expect(first).toMatchObject({
    user: 'kubernetes-admin',
    name: 'web',
    elapsedInMs: 0,
    revision: Number(deployment?.metadata.resourceVersion),
  })
  const revisions = new Set(steps.map(step => step.revision))
  for (const step of later) {
    expect({ step: step.revision, because: revisions.has(step.because ?? -1) }).toEqual({ step: step.revision, because: true })
    expect(step.because).toBeLessThan(step.revision)
    expect(step.cause?.actor).toBeTruthy()
  }
  const bound = steps.find(step => step.subresource === 'binding')
  expect(bound).toMatchObject({
    user: 'system:kube-scheduler',
    cause: { actor: 'scheduler', note: { text: expect.any(String) } },
  })
  const kubelet = steps.filter(step => step.cause?.actor === 'kubelet')
  expect(kubelet.map(step => step.user)).toContain('system:node:simulated-1')
})

test('a pod that waits for a node says which nodes refused it, why, and what would help', async () => {
  await using cluster = await testCluster({ simulated: 2 })
  await cluster.apply(podNamed('huge', { cpu: '64' }))
  const refusal = '0/2 nodes are available: 2 Insufficient cpu.'
  await cluster.eventually(async () => {
    const condition = (await cluster.pod('huge')).status.conditions?.find(({ type }) => type === 'PodScheduled')
    expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable', message: expect.stringContaining(refusal) })
  })
  const verdict = (await cluster.why('pods', 'huge')).at(-1)
  expect(verdict?.cause?.note).toMatchObject({
    rule: 'scheduler/unschedulable',
    text: expect.stringContaining(refusal),
    data: {
      nodes: [{ count: 2, nodes: ['simulated-1', 'simulated-2'], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' }],
      fits: [expect.stringMatching(/^62(000m)? cpu more on simulated-1$/)],
    },
  })
})

test('a pod that waits is woken when room appears', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply([podNamed('first', { cpu: '1500m' })])
  await cluster.eventually(async () => expect(isReady(await cluster.pod('first'))).toBe(true))
  await cluster.apply(podNamed('second', { cpu: '1500m' }))
  await cluster.eventually(async () =>
    expect((await cluster.pod('second')).status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False' }]),
  )
  const { Pod } = await import('../../api/core/pod.ts')
  await cluster.client.delete(Pod, { namespace: 'default', name: 'first' })
  await cluster.eventually(async () => expect(isReady(await cluster.pod('second'))).toBe(true))
})

test('who may not see an object may not ask why it is so, and of what never was nothing is told', async () => {
  await using cluster = await testCluster({ simulated: 0 })
  expect(await cluster.why('pods', 'never-was')).toEqual([])
  const answer = await cluster.https.request({ method: 'GET', path: '/wherry/v1/why?resource=pods' })
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('resource and name') })
})
