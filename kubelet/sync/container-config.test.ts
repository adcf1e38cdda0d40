import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import { defaultKubeletConfig } from '../config.ts'
import type { KubeletContext } from '../context.ts'
import type { Objects } from '../objects.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { deadContainer, sampleContainer, samplePod } from '../samples.ts'
import { effectiveGrace, newWorker } from '../workers/worker.ts'
import { type ContainerConfigInput, containerConfig } from './container-config.ts'
import { containerHash, labels, terminationOf } from './labels.ts'
import { joinMessages, terminationMessage } from './termination-message.ts'

let rootDir = ''
beforeAll(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'wherry-config-'))
})
afterAll(() => rm(rootDir, { recursive: true }))

const context = (): KubeletContext => ({
  nodeName: 'node-a',
  config: defaultKubeletConfig,
  runtime: {} as ContainerRuntime,
  clock: virtualClock(),
  random: seededRandom(1),
  log: silentLog,
  events: { record: () => {} },
  objects: { configMapText: async () => ({ color: 'red' }), secret: async () => undefined } as unknown as Objects,
  rootDir,
  node: () => undefined,
  services: () => [],
  nodeIps: ['192.168.0.10'],
  memoryInBytes: () => 16 * 2 ** 30,
  nodeFiles: { hosts: () => '', resolvConf: () => '' },
})

function config(container: object, spec: object = {}, overrides: Partial<ContainerConfigInput> = {}) {
  const pod = samplePod({ containers: [{ name: 'app', image: 'app:1', ...container }], ...spec })
  return containerConfig(context(), {
    pod,
    container: pod.spec.containers[0]!,
    role: 'app',
    attempt: 2,
    image: { id: 'i', tags: [], digests: [], sizeInBytes: 1, user: '' },
    podIp: '10.244.0.2',
    volumes: new Map([
      ['files', { path: '/vol/files', readOnly: true }],
      ['data', { path: '/vol/data', readOnly: false }],
    ]),
    ...overrides,
  })
}

test('everything of a container that the runtime must know', async () => {
  const made = await config(
    {
      command: ['run', '$(COLOR)'],
      args: ['$(IP)'],
      workingDir: '/w',
      tty: true,
      env: [
        { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'c', key: 'color' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
      resources: { requests: { cpu: '100m', memory: '1Gi' }, limits: { memory: '2Gi' } },
      volumeMounts: [
        { name: 'files', mountPath: '/files' },
        { name: 'data', mountPath: '/data', mountPropagation: 'HostToContainer' },
        { name: 'data', mountPath: '/same', readOnly: true },
      ],
    },
    { shareProcessNamespace: true },
  )
  expect(made).toMatchObject({
    name: 'app',
    role: 'app',
    attempt: 2,
    command: ['run', 'red'],
    args: ['10.244.0.2'],
    workingDir: '/w',
    tty: true,
    stdin: false,
    sharePid: true,
    resources: { cpuShares: 102, memoryLimitInBytes: 2 * 2 ** 30, oomScoreAdj: 938 },
    labels: { [labels.containerName]: 'app', [labels.podUid]: 'uid-1' },
    annotations: { [labels.restartCount]: '2', [labels.podTerminationGracePeriod]: '30' },
  })
  const [files, data, same, hosts, words] = made.mounts
  expect([files, data, same]).toEqual([
    { hostPath: '/vol/files', containerPath: '/files', readOnly: true },
    { hostPath: '/vol/data', containerPath: '/data', readOnly: false, propagation: 'rslave' },
    { hostPath: '/vol/data', containerPath: '/same', readOnly: true },
  ])
  expect(hosts).toMatchObject({ containerPath: '/etc/hosts' })
  expect(await readFile(hosts!.hostPath, 'utf8')).toContain('10.244.0.2\tweb\n')
  expect(words).toEqual({
    hostPath: join(rootDir, 'pods/uid-1/containers/app/2'),
    containerPath: '/dev/termination-log',
    readOnly: false,
  })
})

test('a container that brings its own hosts file keeps it', async () => {
  const { mounts } = await config({ volumeMounts: [{ name: 'data', mountPath: '/etc/hosts' }] })
  expect(mounts.filter(mount => mount.containerPath === '/etc/hosts')).toHaveLength(1)
})

test('a volume that is not there is named', async () => {
  await expect(config({ volumeMounts: [{ name: 'none', mountPath: '/x' }] })).rejects.toThrow(
    'cannot find volume "none" to mount into container "app"',
  )
})

const logs = (text: string) =>
  ({
    async *logs() {
      yield Buffer.from(text)
    },
  }) as unknown as ContainerRuntime
const ended = (policy: string, more: object = {}) =>
  deadContainer('app', 1, { annotations: { [labels.terminationMessagePolicy]: policy }, ...more })

test.each([
  ['File: nothing was written', ended('File'), ''],
  ['FallbackToLogsOnError: the end of the log', ended('FallbackToLogsOnError'), 'x'.repeat(2048)],
  ['a success has no need of the log', ended('FallbackToLogsOnError', { exitCode: 0 }), ''],
  [
    'it could not even run',
    ended('FallbackToLogsOnError', { reason: 'ContainerCannotRun', message: 'no such file' }),
    'no such file',
  ],
])('last words: %s', async (_title, container, expected) => {
  expect(await terminationMessage(logs('x'.repeat(3000)), container, 1)).toBe(expected)
})

test('last words are the end of the file, after those of the runtime, within the share of the container', async () => {
  const { mounts } = await config({})
  const path = mounts.at(-1)!.hostPath
  const { writeFile } = await import('node:fs/promises')
  await writeFile(path, `${'a'.repeat(4000)}${'b'.repeat(4096)}`)
  const container = ended('File', { annotations: { [labels.terminationMessageFile]: path } })
  expect(await terminationMessage(logs(''), container, 1)).toBe('b'.repeat(4096))
  expect(joinMessages('oops', 'words', 1)).toBe('oops: words')
  expect(joinMessages('', 'x'.repeat(9000), 3)).toHaveLength(4096)
})

test('a container tells how to end it even when its pod is forgotten', () => {
  const preStop = { exec: { command: ['true'] } }
  const annotations = { [labels.podTerminationGracePeriod]: '7', [labels.preStopHandler]: JSON.stringify(preStop) }
  expect(terminationOf(sampleContainer('app', { annotations }))).toEqual({ graceInSeconds: 7, preStop })
  expect(containerHash({ name: 'a', image: 'x' })).not.toBe(containerHash({ name: 'a', image: 'y' }))
})

test.each([
  ['its spec', {}, {}, 30],
  ['its deletion', { deletionGracePeriodSeconds: 5 }, {}, 5],
  ['an override, if shorter', { deletionGracePeriodSeconds: 5 }, { graceOverride: 9 }, 5],
  ['an override that is shorter', {}, { graceOverride: 9 }, 9],
  ['one second at least', { deletionGracePeriodSeconds: 0 }, { graceOverride: 0 }, 1],
  ['hardly any when its object is gone', {}, { isGone: true }, 1],
])('a pod gets the grace of %s', (_title, metadata, worker, expected) => {
  expect(effectiveGrace({ ...newWorker(samplePod({}, metadata), 0), ...worker })).toBe(expected)
})
