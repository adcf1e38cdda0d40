import { expect, test } from 'vitest'
import { containerName, loggedContainer, nodeAgent } from './agent.ts'
import type { ContainerRuntime, ContainerState } from './runtime/runtime.ts'
import { deadContainer, sampleContainer, samplePod } from './samples.ts'
import type { RuntimeView } from './workers/relist.ts'

const waiting = (reason: string) =>
  samplePod({}, {}, { containerStatuses: [{ name: 'app', state: { waiting: { reason } } }] }).status
const none = samplePod().status
const running = sampleContainer('app', { attempt: 2 })
const last = deadContainer('app', 1, { attempt: 1 })
const older = deadContainer('app', 1)

test.each<[string, ContainerState[], typeof none, boolean, string]>([
  ['the running one', [running, last], none, false, 'app-2'],
  ['the one before it', [running, last, older], none, true, 'app-1'],
  ['the one that ended last', [last, older], none, false, 'app-1'],
  ['the one before that', [last, older], none, true, 'app-0'],
  ['in back-off: the one that ended last', [last, older], waiting('CrashLoopBackOff'), false, 'app-1'],
  ['in back-off: previous is that one too', [last, older], waiting('CrashLoopBackOff'), true, 'app-1'],
  ['no previous one', [running], none, true, 'previous terminated container "app" in pod "web" not found'],
  ['nothing at all', [], none, false, 'container "app" in pod "web" is not available'],
  [
    'being created',
    [],
    waiting('ContainerCreating'),
    false,
    'container "app" in pod "web" is waiting to start: ContainerCreating',
  ],
  ['no image', [], waiting('ErrImagePull'), false, 'container "app" in pod "web" is waiting to start: image can\'t be pulled'],
  [
    'still none',
    [],
    waiting('ImagePullBackOff'),
    false,
    'container "app" in pod "web" is waiting to start: trying and failing to pull image',
  ],
])('the log of %s', (_title, containers, status, previous, expected) => {
  const find = () => loggedContainer(samplePod(), 'app', { sandboxes: [], containers }, status, previous).id
  if (expected.startsWith('app-')) expect(find()).toBe(expected)
  else expect(find).toThrow(expected)
})

test('a container without a name is the only one, or has to be named', () => {
  const image = 'app:1'
  const two = samplePod({
    containers: [
      { name: 'a', image },
      { name: 'b', image },
    ],
    initContainers: [{ name: 'i', image }],
  })
  expect(containerName(samplePod(), '')).toBe('app')
  expect(containerName(two, 'i')).toBe('i')
  expect(() => containerName(two, '')).toThrow('a container name must be specified for pod web, choose one of: [a b]')
  expect(() => containerName(two, 'c')).toThrow('container c is not valid for pod web')
})

test.each([
  ['goes on when he has said all who attached', {}, 0],
  ['ends with him if it is to be read once', { stdinOnce: true }, 1],
])('input %s', async (_what, input, closed) => {
  let ends = 0
  const pod = samplePod({ containers: [{ name: 'app', image: 'app:1', stdin: true, ...input }] })
  const agent = nodeAgent({
    runtime: { attach: async () => ({ closeStdin: () => void ends++ }) } as unknown as ContainerRuntime,
    view: { get: () => ({ sandboxes: [], containers: [running] }) } as unknown as RuntimeView,
    find: () => pod,
    statusOf: () => undefined,
  })
  const target = { namespace: 'default', name: 'web', uid: '', container: '' }
  const session = await agent.attach(target, { stdin: true, stdout: true, stderr: true, tty: false })
  session.closeStdin()
  expect(ends).toBe(closed)
})
