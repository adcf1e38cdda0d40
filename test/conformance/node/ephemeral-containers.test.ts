import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { busybox } from '../../support/real-pods.ts'

const pods = conformancePods('ephemeral')
const debuggerSpec = {
  name: 'debugger',
  image: busybox,
  command: ['sh', '-c', 'while true; do echo polo; sleep 1; done'],
  stdin: true,
  tty: true,
}

const isRunning = (name: string, container: string) =>
  eventually(
    async () => {
      const { status } = await pods().get(name)
      const state = status.ephemeralContainerStatuses?.find(one => one.name === container)?.state
      expect(state?.running, JSON.stringify(status)).toBeDefined()
    },
    { timeoutInMs: 60_000 },
  )

/** A pod of generation 1, into which a container is put that answers and speaks. */
async function withDebugger(name: string): Promise<void> {
  const { client } = pods().cluster
  await pods().pod(name, { containers: [{ name: 'test-container-1', command: ['/bin/sleep'], args: ['10000'] }] })
  expect((await pods().ready(name)).metadata.generation).toBe(1)
  const spec = { ephemeralContainers: [debuggerSpec] }
  await client.patch(Pod, { namespace: pods().namespace, name }, 'strategic', { spec }, { subresource: 'ephemeralcontainers' })
  await isRunning(name, 'debugger')
  expect((await pods().get(name)).metadata.generation).toBe(2)
  expect((await pods().exec(name, ['/bin/echo', 'marco'], 'debugger')).stdout).toContain('marco')
  await eventually(async () => expect(await pods().logs(name, 'debugger')).toContain('polo'))
}

/** What the subresource shows. */
async function seen(name: string): Promise<string[]> {
  const call = { group: '', version: 'v1', resource: 'pods', namespace: pods().namespace, name, verb: 'get' } as const
  const pod = (await pods().cluster.https.call({ ...call, subresource: 'ephemeralcontainers' })) as Pod
  return pod.spec.ephemeralContainers?.map(one => one.name) ?? []
}

describe.concurrent('Ephemeral Containers', () => {
  test('will start an ephemeral container in an existing pod', async () => {
    await withDebugger('one')
  })

  test('should update the ephemeral containers in an existing pod', async () => {
    await withDebugger('two')
    expect(await seen('two')).toEqual(['debugger'])
    const another = { name: 'debugger2', image: busybox, command: ['sleep', '600'], terminationMessagePolicy: 'File' }
    await eventually(async () => {
      const pod = await pods().get('two')
      const ephemeralContainers = [...(pod.spec.ephemeralContainers ?? []), another]
      const next = { ...pod, spec: { ...pod.spec, ephemeralContainers } } as Pod
      await pods().cluster.client.update(Pod, next, { subresource: 'ephemeralcontainers' })
    })
    expect(await seen('two')).toEqual(['debugger', 'debugger2'])
    await isRunning('two', 'debugger2')
    await isRunning('two', 'debugger')
  })
})
