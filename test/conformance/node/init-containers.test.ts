import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { conformancePods } from '../../support/conformance.ts'
import { busybox, type PodSpec } from '../../support/real-pods.ts'

/** test/e2e/common/node/init_container.go: init containers run one after the other, and before all others. */
const pods = conformancePods('init-container')

const runs = (name: string, command: string) => ({ name, image: busybox, command: [command] })
const staying = { name: 'run1', command: ['sleep', '600'], resources: { limits: { cpu: '100m' } } }

/** Creates a pod and follows it until it is so; answers it as it was in each of its states. */
async function follow(name: string, spec: PodSpec, isDone: (pod: Pod) => boolean): Promise<Pod[]> {
  const { client } = pods().cluster
  const created = await pods().pod(name, spec)
  const stop = new AbortController()
  const { namespace } = pods()
  const options = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion: created.metadata.resourceVersion }
  const seen: Pod[] = []
  for await (const events of client.watch(Pod, options, stop.signal)) {
    for (const { type, object } of events) {
      if (type === 'BOOKMARK') continue
      seen.push(object)
      invariant(object)
      if (isDone(object)) {
        stop.abort()
        return seen
      }
    }
  }
  throw new Error(`the watch of ${name} ended`)
}

const conditionOf = ({ status }: Pod) => status.conditions?.find(({ type }) => type === 'Initialized')

/** Holds in every state of a pod with init containers. */
function invariant(pod: Pod): void {
  const { initContainerStatuses: inits = [], containerStatuses: regular = [] } = pod.status
  if (inits.length === 0) return
  const allInit = inits.every(({ state }) => state.terminated?.exitCode === 0)
  const firstOpen = inits.findIndex(({ state }) => state.terminated?.exitCode !== 0)
  if (firstOpen >= 0)
    for (const { state, name } of inits.slice(firstOpen + 1)) expect(state.waiting, `${name} has to wait`).toBeDefined()
  if (!allInit) for (const { state, name } of regular) expect(state.waiting?.reason, name).toBe('PodInitializing')
  expect(conditionOf(pod)?.status).toBe(allInit ? 'True' : 'False')
}

function expectAllInitialized(pod: Pod | undefined): void {
  expect(pod && conditionOf(pod)?.status).toBe('True')
  const statuses = pod?.status.initContainerStatuses ?? []
  expect(statuses.map(({ name, ready, state }) => [name, ready, state.terminated?.exitCode])).toEqual([
    ['init1', true, 0],
    ['init2', true, 0],
  ])
}

describe.concurrent('InitContainer', () => {
  test('should invoke init containers on a RestartNever pod', async () => {
    const initContainers = [runs('init1', '/bin/true'), runs('init2', '/bin/true')]
    const spec = { restartPolicy: 'Never', initContainers, containers: [runs('run1', '/bin/true')] }
    const isOver = ({ status }: Pod) => status.phase === 'Succeeded' || status.phase === 'Failed'
    const end = (await follow('never', spec, isOver)).at(-1)
    expect(end?.status.phase).toBe('Succeeded')
    expectAllInitialized(end)
  })

  test('should invoke init containers on a RestartAlways pod', async () => {
    const initContainers = [runs('init1', '/bin/true'), runs('init2', '/bin/true')]
    const end = (
      await follow('always', { initContainers, containers: [staying] }, ({ status }) => status.phase === 'Running')
    ).at(-1)
    expectAllInitialized(end)
  })

  test('should not start app containers if init containers fail on a RestartAlways pod', async () => {
    const initContainers = [runs('init1', '/bin/false'), runs('init2', '/bin/true')]
    const restarts = ({ status }: Pod) => status.initContainerStatuses?.[0]?.restartCount ?? 0
    const seen = await follow('failing', { initContainers, containers: [staying] }, pod => restarts(pod) >= 3)
    for (const { status } of seen)
      expect(status.initContainerStatuses?.[0]?.state.terminated?.exitCode ?? 1, 'init1 fails each time').not.toBe(0)
    expect(seen.some(({ status }) => status.initContainerStatuses?.[0]?.lastState.terminated)).toBe(true)
    const end = seen.at(-1) as Pod
    expect(end.status.phase).toBe('Pending')
    expect(conditionOf(end)).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [init1 init2]',
    })
    expect(end.status.initContainerStatuses).toHaveLength(2)
  })

  test('should not start app containers and fail the pod if init containers fail on a RestartNever pod', async () => {
    const initContainers = [runs('init1', '/bin/true'), runs('init2', '/bin/false')]
    const containers = [{ ...runs('run1', '/bin/true'), resources: { limits: { cpu: '100m' } } }]
    const isOver = ({ status }: Pod) => status.phase === 'Succeeded' || status.phase === 'Failed'
    const end = (await follow('failed', { restartPolicy: 'Never', initContainers, containers }, isOver)).at(-1) as Pod
    expect(end.status.phase).toBe('Failed')
    expect(conditionOf(end)).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [init2]',
    })
    expect(end.status.initContainerStatuses?.map(({ state }) => state.terminated?.exitCode)).toEqual([0, 1])
    expect(end.status.containerStatuses?.[0]?.state.waiting).toBeDefined()
  })
})
