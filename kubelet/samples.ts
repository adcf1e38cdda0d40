import { Pod } from '../api/core/pod.ts'
import type { ContainerState, Sandbox } from './runtime/runtime.ts'
import { containerHash, labels } from './sync/labels.ts'

/** A pod as the API server would store it, for tests. */
export function samplePod(spec: object = {}, metadata: object = {}, status: object = {}): Pod {
  return Pod.schema.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-1', ...metadata },
    spec: { containers: [{ name: 'app', image: 'app:1' }], ...spec },
    status,
  })
}

/** A container as the runtime would list it, for tests. */
export function sampleContainer(name: string, overrides: Partial<ContainerState> = {}): ContainerState {
  return {
    id: `${name}-${overrides.attempt ?? 0}`,
    sandboxId: 'sandbox',
    pod: { namespace: 'default', name: 'web', uid: 'uid-1' },
    name,
    role: 'app',
    attempt: 0,
    state: 'running',
    image: 'app:1',
    imageId: 'sha256:app',
    createdAt: 1000 + (overrides.attempt ?? 0),
    startedAt: 2000,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    labels: {},
    annotations: { [labels.hash]: containerHash({ name, image: 'app:1' }) },
    ...overrides,
  }
}

/** One that has ended. */
export function deadContainer(name: string, exitCode: number, overrides: Partial<ContainerState> = {}): ContainerState {
  const reason = exitCode === 0 ? 'Completed' : 'Error'
  return sampleContainer(name, { state: 'exited', exitCode, finishedAt: 3000, reason, ...overrides })
}

/** A ready sandbox with an address. */
export function sampleSandbox(overrides: Partial<Sandbox> = {}): Sandbox {
  return {
    id: 'sandbox',
    pod: { namespace: 'default', name: 'web', uid: 'uid-1' },
    attempt: 0,
    state: 'ready',
    ip: '10.244.0.2',
    createdAt: 1000,
    labels: {},
    annotations: {},
    ...overrides,
  }
}
