import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { Service } from '../../../api/core/service.ts'
import { isReason } from '../../../api/errors.ts'
import { isReady } from '../../support/cluster.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { makeImage, shell } from '../../support/images.ts'
import { busybox, type RealPods } from '../../support/real-pods.ts'
import { watching } from '../../support/watching.ts'

/** The second image of pods that change theirs. */
const otherImage = 'wherry/conformance-other:1'
const sleeper = { command: ['sleep', '600'] }
const ready = conformancePods('pods')
let removeImage: (() => Promise<unknown>) | undefined
beforeAll(async () => {
  removeImage = await makeImage(otherImage, { config: shell, files: [{ path: 'other', content: 'yes' }] })
})
afterAll(() => removeImage?.())

const listed = async ({ cluster, namespace }: RealPods, labelSelector: string) =>
  (await cluster.client.list(Pod, { namespace, labelSelector })).items.map(({ metadata }) => metadata.name)
const conditionOf = ({ status }: Pod, type: string) => status.conditions?.find(one => one.type === type)?.status

describe.concurrent('Pods', () => {
  test('should get a host IP', async () => {
    const pods = ready()
    await pods.pod('host-ip', { container: sleeper })
    const { status } = await pods.ready('host-ip')
    expect(status.hostIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    expect(status.hostIPs?.[0]?.ip).toBe(status.hostIP)
    expect(status.podIP).not.toBe(status.hostIP)
  })

  test('should be submitted and removed', async () => {
    const pods = ready()
    const { client } = pods.cluster
    const own = { namespace: pods.namespace, labelSelector: 'time=submitted' }
    await using watch = await watching(client, Pod, own)
    expect(watch.items).toEqual([])
    await pods.pod('submitted', { container: sleeper }, { labels: { name: 'foo', time: 'submitted' } })
    expect(await listed(pods, 'time=submitted')).toEqual(['submitted'])
    expect((await watch.seen(() => true)).type).toBe('ADDED')
    await pods.phase('submitted', 'Running')

    await client.delete(Pod, { namespace: pods.namespace, name: 'submitted' }, { gracePeriodSeconds: 3 })
    const { object: leaving } = await watch.seen(({ object }) => object.metadata.deletionTimestamp !== undefined)
    expect(leaving.metadata.deletionGracePeriodSeconds).toBe(3)
    const { object: last } = await watch.seen(({ type }) => type === 'DELETED')
    expect(last.metadata.deletionTimestamp).toBeDefined()
    expect(last.spec.terminationGracePeriodSeconds).not.toBe(0)
    expect(watch.events.filter(({ type }) => type !== 'MODIFIED').map(({ type }) => type)).toEqual(['ADDED', 'DELETED'])
    expect(await listed(pods, 'time=submitted')).toEqual([])
  })

  test('should be updated', async () => {
    const pods = ready()
    await pods.pod('updated', { container: sleeper }, { labels: { name: 'foo', time: 'before' } })
    const started = await pods.ready('updated')
    expect(await listed(pods, 'time=before')).toEqual(['updated'])
    await eventually(async () => {
      const pod = await pods.get('updated')
      const metadata = { ...pod.metadata, labels: { ...pod.metadata.labels, time: 'after' } }
      await pods.cluster.client.update(Pod, { ...pod, metadata })
    })
    expect(await listed(pods, 'time=after')).toEqual(['updated'])
    expect(await listed(pods, 'time=before')).toEqual([])
    const { status } = await pods.phase('updated', 'Running')
    expect(status.containerStatuses?.[0]?.containerID).toBe(started.status.containerStatuses?.[0]?.containerID)
  })

  test('should allow activeDeadlineSeconds to be updated', async () => {
    const pods = ready()
    await pods.pod('deadline', { container: sleeper })
    await pods.ready('deadline')
    await eventually(async () => {
      const pod = await pods.get('deadline')
      await pods.cluster.client.update(Pod, { ...pod, spec: { ...pod.spec, activeDeadlineSeconds: 3 } })
    })
    const { status } = await pods.phase('deadline', 'Failed')
    expect(status.reason).toBe('DeadlineExceeded')
    expect(status.containerStatuses?.[0]?.state.terminated).toBeDefined()
  })

  test('should contain environment variables for services', async () => {
    const pods = ready()
    await pods.pod('server', { container: { ...sleeper, ports: [{ containerPort: 9376 }] } }, { labels: { name: 'server' } })
    await pods.ready('server')
    const spec = { ports: [{ port: 8765, targetPort: 8080 }], selector: { name: 'server' } }
    await pods.create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'fooservice' }, spec })
    const service = await pods.cluster.client.get(Service, { namespace: pods.namespace, name: 'fooservice' })
    const ip = service.spec.clusterIP
    expect(ip).toBeDefined()
    let nth = 0
    // The kubelet may hear of the service after it has heard of the pod.
    await eventually(async () => {
      const printed = await pods.output(`client-${++nth}`, { container: { command: ['env'] } })
      expect(printed.split('\n')).toEqual(
        expect.arrayContaining([
          `FOOSERVICE_SERVICE_HOST=${ip}`,
          'FOOSERVICE_SERVICE_PORT=8765',
          `FOOSERVICE_PORT=tcp://${ip}:8765`,
          'FOOSERVICE_PORT_8765_TCP_PORT=8765',
          'FOOSERVICE_PORT_8765_TCP_PROTO=tcp',
          `FOOSERVICE_PORT_8765_TCP=tcp://${ip}:8765`,
          `FOOSERVICE_PORT_8765_TCP_ADDR=${ip}`,
        ]),
      )
    })
  })

  test('should delete a collection of pods', async () => {
    const pods = ready()
    const names = ['collected-1', 'collected-2', 'collected-3']
    for (const name of names)
      await pods.pod(name, { restartPolicy: 'Never', container: sleeper }, { labels: { type: 'Testing' } })
    await Promise.all(names.map(name => pods.ready(name)))
    const { client } = pods.cluster
    await client.deleteCollection(Pod, { namespace: pods.namespace, labelSelector: 'type=Testing', gracePeriodSeconds: 1 })
    await eventually(async () => expect(await listed(pods, 'type=Testing')).toEqual([]), { timeoutInMs: 60_000 })
  })

  test('should run through the lifecycle of Pods and PodStatus', async () => {
    const pods = ready()
    const { client, https } = pods.cluster
    const ref = { namespace: pods.namespace, name: 'lifecycle' }
    const own = { namespace: pods.namespace, labelSelector: 'test-pod-static=true' }
    await using watch = await watching(client, Pod, own)
    const labels = { 'test-pod-static': 'true' }
    await pods.pod('lifecycle', { containers: [{ name: 'lifecycle', ...sleeper }] }, { labels })
    await watch.seen(({ object }) => object.status.phase === 'Running' && object.metadata.labels?.['test-pod-static'] === 'true')
    const before = await pods.get('lifecycle')
    expect(before.status.phase).toBe('Running')

    const spec = { terminationGracePeriodSeconds: 1, containers: [{ name: 'lifecycle', image: otherImage }] }
    await client.patch(Pod, ref, 'strategic', { metadata: { labels: { 'test-pod': 'patched' } }, spec })
    await watch.seen(({ type, object }) => type === 'MODIFIED' && object.metadata.labels?.['test-pod'] === 'patched')
    const patched = await pods.get('lifecycle')
    expect(patched.metadata.labels).toEqual({ ...labels, 'test-pod': 'patched' })
    expect(patched.spec.containers[0]?.image).toBe(otherImage)
    expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion))

    // The container is replaced by one of the new image.
    await eventually(
      async () => {
        const pod = await pods.get('lifecycle')
        expect(isReady(pod)).toBe(true)
        expect(pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, image: otherImage })
      },
      { timeoutInMs: 60_000 },
    )
    expect((await pods.exec('lifecycle', ['cat', '/other'], 'lifecycle')).stdout).toBe('yes')

    const replaced = await eventually(async () => {
      const call = { group: '', version: 'v1', resource: 'pods', ...ref, subresource: 'status', verb: 'get' } as const
      const { apiVersion: _version, kind: _kind, ...read } = (await https.call(call)) as Pod
      const isOne = (type: string) => ['Ready', 'ContainersReady'].includes(type)
      const conditions = read.status.conditions?.map(one => (isOne(one.type) ? { ...one, status: 'False' as const } : one))
      return client.updateStatus(Pod, { ...read, status: { ...read.status, conditions } } as Pod)
    })
    expect([conditionOf(replaced, 'Ready'), conditionOf(replaced, 'ContainersReady')]).toEqual(['False', 'False'])
    // It is the kubelet's to say; it puts right what others have written.
    await eventually(async () => expect(conditionOf(await pods.get('lifecycle'), 'Ready')).toBe('True'), { timeoutInMs: 60_000 })

    await client.deleteCollection(Pod, { ...own, gracePeriodSeconds: 1 })
    await watch.seen(({ type }) => type === 'DELETED')
    await expect(pods.get('lifecycle')).rejects.toSatisfy(error => isReason(error, 'NotFound'))
  })

  test('should patch a pod status', async () => {
    const pods = ready()
    await pods.pod('patched', { container: { ...sleeper, image: busybox } }, { labels: { e2e: 'patched' } })
    await pods.phase('patched', 'Running')
    const ref = { namespace: pods.namespace, name: 'patched' }
    const patch = {
      metadata: { annotations: { patchedstatus: 'true' } },
      status: { message: 'Patched by a test', reason: 'E2E' },
    }
    const answer = await pods.cluster.client.patch(Pod, ref, 'merge', patch, { subresource: 'status' })
    expect(answer.status).toMatchObject({ message: 'Patched by a test', reason: 'E2E', phase: 'Running' })
    expect(answer.metadata.annotations?.patchedstatus).toBe('true')
  })
})
