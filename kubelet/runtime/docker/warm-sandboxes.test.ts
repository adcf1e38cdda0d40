import { expect, test } from 'vitest'
import { sandboxConfig } from '../pod-configs.ts'
import type { SandboxConfig } from '../runtime.ts'
import { dockerName, isWarmName, labelsFromName, warmName } from './labels.ts'
import { couldBeWarm } from './warm-sandboxes.ts'

const pool = { size: 1, hostname: 'warm' }

test.each<[string, Partial<SandboxConfig>, boolean]>([
  ['nothing special', {}, true],
  ['name servers of its own', { dns: { servers: ['1.1.1.1'], searches: [], options: [] } }, true],
  ['a later attempt', { attempt: 2 }, true],
  ['a cgroup for its containers', { cgroupParent: '/pods/one' }, true],
  ['another host name', { hostname: 'web-1' }, false],
  ["the host's network", { hostNetwork: true }, false],
  ["the host's processes", { hostPID: true }, false],
  ["the host's IPC", { hostIPC: true }, false],
  ['a port', { portMappings: [{ protocol: 'TCP', containerPort: 80, hostPort: 80, hostIP: '' }] }, false],
  ['kernel parameters', { sysctls: { 'net.core.somaxconn': '1024' } }, false],
  ['a handler', { runtimeHandler: 'kata' }, false],
])('a pod with %s', (_what, overrides, expected) =>
  expect(couldBeWarm(pool, sandboxConfig({ hostname: 'warm', ...overrides }))).toBe(expected),
)

test("the name of a sandbox tells whose it is, or that it is nobody's", () => {
  const owner = { cluster: 'c', node: 'n' }
  const pod = { namespace: 'team-a', name: 'web.one-1', uid: '1-2' }
  const taken = dockerName(owner, pod, 'POD', 3)
  expect(labelsFromName(taken)).toEqual({
    'io.kubernetes.pod.name': 'web.one-1',
    'io.kubernetes.pod.namespace': 'team-a',
    'io.kubernetes.pod.uid': '1-2',
    'wherry.dev/attempt': '3',
  })
  const waiting = warmName(owner, 'abc-1')
  expect([labelsFromName(waiting), labelsFromName(dockerName(owner, pod, 'app', 0))]).toEqual([undefined, undefined])
  expect([isWarmName(owner, waiting), isWarmName(owner, taken)]).toEqual([true, false])
  expect(isWarmName({ ...owner, node: 'other' }, waiting)).toBe(false)
})
