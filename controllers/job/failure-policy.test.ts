import { describe, expect, test } from 'vitest'
import { Job } from '../../api/batch/job.ts'
import type { Pod } from '../../api/core/pod.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { job } from './controller.ts'
import { type Ruling, ruleOn } from './failure-policy.ts'
import { indexOf } from './pod-index.ts'
import { activePods, ends, jobInput, jobPod, told } from './testing.ts'

type Policy = NonNullable<Parameters<typeof ruleOn>[0]>
type Rule = Policy['rules'][number]

const onExit = (action: Rule['action'], operator: 'In' | 'NotIn', values: number[], containerName?: string): Rule => ({
  action,
  onExitCodes: { operator, values, ...(containerName !== undefined && { containerName }) },
})
const onCondition = (action: Rule['action'], type: string, status: 'True' | 'False' = 'True'): Rule => ({
  action,
  onPodConditions: [{ type, status }],
})
const exited = (exitCode: number) => jobPod('Failed', { name: 'p', exitCode })
const withInit = (exitCode: number): Pod => {
  const pod = jobPod('Failed', { name: 'p', exitCode: 0 })
  const state = { terminated: { exitCode } }
  const initContainerStatuses = [{ name: 'init', restartCount: 0, state, image: '', imageID: '', ready: false }]
  return { ...pod, status: { ...pod.status, initContainerStatuses } } as Pod
}
const exitMessage = 'Container main for pod default/p failed with exit code 5 matching FailJob rule at index 0'

describe('the first rule that fits a failed pod decides', () => {
  test.each<[string, Rule[], Pod, Ruling | undefined]>([
    [
      'an exit code that is in the list',
      [onExit('FailJob', 'In', [2, 5])],
      exited(5),
      { action: 'FailJob', message: exitMessage },
    ],
    ['one that is not', [onExit('FailJob', 'In', [2, 6])], exited(5), undefined],
    [
      'one that is not, where that is meant',
      [onExit('FailJob', 'NotIn', [6])],
      exited(5),
      { action: 'FailJob', message: exitMessage },
    ],
    ['one that is, where it must not', [onExit('FailJob', 'NotIn', [5])], exited(5), undefined],
    ['exit code 0 is no failure, even where NotIn has it', [onExit('FailJob', 'NotIn', [5])], exited(0), undefined],
    ['the container meant', [onExit('Ignore', 'In', [5], 'main')], exited(5), { action: 'Ignore' }],
    ['another container', [onExit('Ignore', 'In', [5], 'other')], exited(5), undefined],
    ['a container that still runs', [onExit('Ignore', 'NotIn', [1])], jobPod('Failed'), undefined],
    [
      'an init container',
      [onExit('FailJob', 'In', [7])],
      withInit(7),
      { action: 'FailJob', message: 'Container init for pod default/p failed with exit code 7 matching FailJob rule at index 0' },
    ],
    [
      'a condition',
      [onExit('Count', 'In', [9]), onCondition('FailJob', 'DisruptionTarget')],
      jobPod('Failed', { name: 'p', condition: 'DisruptionTarget' }),
      { action: 'FailJob', message: 'Pod default/p has condition DisruptionTarget matching FailJob rule at index 1' },
    ],
    [
      'a condition that is True where False is meant',
      [onCondition('Ignore', 'A', 'False')],
      jobPod('Failed', { condition: 'A' }),
      undefined,
    ],
    ['no condition', [onCondition('Ignore', 'A')], jobPod('Failed'), undefined],
    ['two that fit', [onExit('Ignore', 'In', [5]), onExit('FailJob', 'In', [5])], exited(5), { action: 'Ignore' }],
    ['count', [onExit('Count', 'In', [5]), onExit('Ignore', 'In', [5])], exited(5), { action: 'Count' }],
    ['fail index', [onExit('FailIndex', 'In', [5])], exited(5), { action: 'FailIndex' }],
    ['no rules', [], exited(5), undefined],
  ])('%s', (_name, rules, pod, expected) => {
    expect(ruleOn({ rules }, pod)).toEqual(expected)
  })
})

const pi = { namespace: 'default', name: 'pi' }
const statusOf = async ({ client }: TestCluster) => (await client.get(Job, pi)).status
const conditionsOf = async (cluster: TestCluster) =>
  ((await statusOf(cluster)).conditions ?? []).map(({ type, reason }) => `${type} ${reason}`)
const failed = async (cluster: TestCluster, reason: string) =>
  cluster.eventually(async () => expect(await conditionsOf(cluster)).toEqual([`FailureTarget ${reason}`, `Failed ${reason}`]))

test('FailJob ends the job at once, and says which pod did it', async () => {
  await using cluster = await testCluster([job()])
  const podFailurePolicy = { rules: [onExit('FailJob', 'In', [42])] }
  await cluster.client.create(Job, jobInput({ parallelism: 3, completions: 3, podFailurePolicy }))
  await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(3))
  const [pod] = await activePods(cluster)
  await ends(cluster, pod, 42)
  await failed(cluster, 'PodFailurePolicy')
  const message = `Container main for pod default/${pod?.metadata.name} failed with exit code 42 matching FailJob rule at index 0`
  expect((await statusOf(cluster)).conditions?.map(each => each.message)).toEqual([message, message])
  expect(await statusOf(cluster)).toMatchObject({ failed: 3 })
  await cluster.eventually(async () => expect(await told(cluster)).toContain(`Warning PodFailurePolicy ${message}`))
})

test('Ignore replaces a pod without counting its failure, but not at once', async () => {
  await using cluster = await testCluster([job()])
  const podFailurePolicy = { rules: [onCondition('Ignore', 'DisruptionTarget')] }
  await cluster.client.create(Job, jobInput({ backoffLimit: 0, podFailurePolicy }))
  for (let i = 0; i < 3; i++) {
    await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(1))
    await ends(cluster, (await activePods(cluster))[0], 137, [{ type: 'DisruptionTarget', status: 'True' }])
    await cluster.advance(5_000)
    expect(await activePods(cluster)).toHaveLength(0)
    await cluster.advance(60_000)
  }
  const { failed: count = 0, conditions } = await statusOf(cluster)
  expect({ count, conditions }).toEqual({ count: 0, conditions: undefined })
  await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(1))
  await ends(cluster, (await activePods(cluster))[0], 1)
  await failed(cluster, 'BackoffLimitExceeded')
})

test('FailIndex gives up an index whatever its limit', async () => {
  await using cluster = await testCluster([job()])
  const podFailurePolicy = { rules: [onExit('FailIndex', 'In', [42])] }
  const spec = { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 5, podFailurePolicy } as const
  await cluster.client.create(Job, jobInput(spec))
  await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(2))
  const pods = await activePods(cluster)
  await ends(
    cluster,
    pods.find(pod => indexOf(pod) === 0),
    42,
  )
  await cluster.eventually(async () => expect(await statusOf(cluster)).toMatchObject({ failedIndexes: '0', failed: 1 }))
  await ends(
    cluster,
    pods.find(pod => indexOf(pod) === 1),
  )
  await failed(cluster, 'FailedIndexes')
})

test('an ignored failure of an index is carried on apart from those that count', async () => {
  await using cluster = await testCluster([job()])
  const podFailurePolicy = { rules: [onExit('Ignore', 'In', [42])] }
  const spec = { completionMode: 'Indexed', completions: 1, parallelism: 1, backoffLimitPerIndex: 1, podFailurePolicy } as const
  await cluster.client.create(Job, jobInput(spec))
  for (const code of [42, 1]) {
    await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(1))
    await ends(cluster, (await activePods(cluster))[0], code)
    await cluster.advance(30_000)
  }
  await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(1))
  const [pod] = await activePods(cluster)
  expect(pod?.metadata.annotations).toMatchObject({
    'batch.kubernetes.io/job-index-failure-count': '1',
    'batch.kubernetes.io/job-index-ignored-failure-count': '1',
  })
  await ends(cluster, pod, 1)
  await failed(cluster, 'FailedIndexes')
})
