import { expect, test } from 'vitest'
import type { ContainerStatus } from '../pod-types.ts'
import { samplePod } from '../samples.ts'
import { computePhase } from './phase.ts'

type Sketch = 'running' | 'unstarted' | 'waiting' | `exit ${number}` | `backoff ${number}`

function status(name: string, sketch: Sketch): ContainerStatus {
  const base = { name, image: '', imageID: '', ready: false, restartCount: 0, state: {}, lastState: {} }
  const exitCode = Number(sketch.split(' ')[1])
  if (sketch === 'running') return { ...base, started: true, state: { running: {} } }
  if (sketch === 'unstarted') return { ...base, started: false, state: { running: {} } }
  if (sketch === 'waiting') return { ...base, state: { waiting: {} } }
  if (sketch.startsWith('exit')) return { ...base, state: { terminated: { exitCode } } }
  return { ...base, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode } } }
}

const image = 'app:1'
const one = { containers: [{ name: 'a', image }] }
const two = {
  containers: [
    { name: 'a', image },
    { name: 'b', image },
  ],
}
const withInit = { ...one, initContainers: [{ name: 'i', image }] }
const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
const withOwnPolicies = { ...one, initContainers: [{ name: 'i', image, restartPolicy: 'Never', restartPolicyRules }] }
const withSidecar = { ...one, initContainers: [{ name: 's', image, restartPolicy: 'Always' }] }

test.each<[string, object, Record<string, Sketch>, string, boolean?]>([
  ['nothing known', one, {}, 'Pending'],
  ['being created', one, { a: 'waiting' }, 'Pending'],
  ['running', one, { a: 'running' }, 'Running'],
  ['one never created', two, { a: 'running', b: 'waiting' }, 'Pending'],
  ['crash loop', one, { a: 'backoff 1' }, 'Running'],
  ['Always and ended', one, { a: 'exit 0' }, 'Running'],
  ['OnFailure and succeeded', { ...one, restartPolicy: 'OnFailure' }, { a: 'exit 0' }, 'Succeeded'],
  ['OnFailure and failed', { ...one, restartPolicy: 'OnFailure' }, { a: 'exit 1' }, 'Running'],
  ['Never and succeeded', { ...two, restartPolicy: 'Never' }, { a: 'exit 0', b: 'exit 0' }, 'Succeeded'],
  ['Never and failed', { ...two, restartPolicy: 'Never' }, { a: 'exit 0', b: 'exit 1' }, 'Failed'],
  ['Never and half done', { ...two, restartPolicy: 'Never' }, { a: 'exit 1', b: 'running' }, 'Running'],
  ['stopped for good, failed', one, { a: 'exit 143' }, 'Failed', true],
  ['stopped for good, succeeded', one, { a: 'exit 0' }, 'Succeeded', true],
  ['initialising', withInit, { i: 'running', a: 'waiting' }, 'Pending'],
  ['init failed, tried again', withInit, { i: 'exit 1', a: 'waiting' }, 'Pending'],
  ['init failed, Never', { ...withInit, restartPolicy: 'Never' }, { i: 'exit 1', a: 'waiting' }, 'Failed'],
  ['initialised', withInit, { i: 'exit 0', a: 'running' }, 'Running'],
  ['initialising once more, in a new sandbox', withInit, { i: 'running', a: 'exit 1' }, 'Pending'],
  ['one init container gives up, by its own policy', withOwnPolicies, { i: 'exit 1', a: 'waiting' }, 'Failed'],
  ['one init container is tried again, by its own rule', withOwnPolicies, { i: 'exit 42', a: 'waiting' }, 'Pending'],
  ['sidecar starting up again', withSidecar, { s: 'unstarted', a: 'running' }, 'Running'],
  ['sidecar starting up', withSidecar, { s: 'unstarted', a: 'waiting' }, 'Pending'],
  ['sidecar and container running', withSidecar, { s: 'running', a: 'running' }, 'Running'],
  ['sidecar in back-off', withSidecar, { s: 'backoff 1', a: 'running' }, 'Running'],
  ['finished with its sidecar', { ...withSidecar, restartPolicy: 'Never' }, { s: 'exit 143', a: 'exit 0' }, 'Succeeded'],
])('%s', (_title, spec, sketches, phase, isTerminal = false) => {
  const statuses = Object.entries(sketches).map(([name, sketch]) => status(name, sketch))
  const hasInitialized = sketches.a === 'running'
  expect(computePhase(samplePod(spec).spec, statuses, { isTerminal, hasInitialized })).toBe(phase)
})
