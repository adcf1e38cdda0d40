import type { ContainerConfig, PodIdentity, SandboxConfig } from './runtime.ts'

let podsMade = 0

/** A pod that has not been before. */
export function podIdentity(name = 'web'): PodIdentity {
  const number = ++podsMade
  return { namespace: 'default', name: `${name}-${number}`, uid: `uid-${number}-${name}` }
}

/** A plain sandbox, for tests and benchmarks. */
export function sandboxConfig(overrides: Partial<SandboxConfig> = {}): SandboxConfig {
  const pod = overrides.pod ?? podIdentity()
  return {
    pod,
    attempt: 0,
    hostname: pod.name,
    labels: { app: 'web' },
    annotations: {},
    hostNetwork: false,
    hostIPC: false,
    hostPID: false,
    portMappings: [],
    sysctls: {},
    cgroupParent: '',
    ...overrides,
  }
}

/** A plain container that sleeps, for tests and benchmarks. */
export function containerConfig(overrides: Partial<ContainerConfig> & Pick<ContainerConfig, 'pod' | 'image'>): ContainerConfig {
  return {
    name: 'main',
    role: 'app',
    attempt: 0,
    command: ['sleep', '3600'],
    env: [],
    mounts: [],
    labels: {},
    annotations: {},
    stdin: false,
    stdinOnce: false,
    tty: false,
    sharePid: false,
    resources: {},
    security: {
      supplementalGroups: [],
      privileged: false,
      readOnlyRootFilesystem: false,
      allowPrivilegeEscalation: true,
      addCapabilities: [],
      dropCapabilities: [],
    },
    cgroupParent: '',
    ...overrides,
  }
}
