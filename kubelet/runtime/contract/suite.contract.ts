import { afterAll, afterEach, beforeAll } from 'vitest'
import type { ExecSession } from '../../../api/node-agent.ts'
import { containerConfig, sandboxConfig } from '../pod-configs.ts'
import type { ContainerConfig, ContainerRuntime, ContainerState, Sandbox, SandboxConfig } from '../runtime.ts'

/** One kind of runtime as the suite needs it. */
export interface RuntimeUnderTest {
  /** A runtime of this node; given twice for the same node, the second is what a restarted kubelet gets. */
  runtime(node: string, cluster?: string, logLimits?: { maxBytes: number; maxFiles: number }): ContainerRuntime
  /** What pods are like unless a test says otherwise; default on the host's network, which is quicker to make. */
  sandbox?: Partial<SandboxConfig>
  image: string
  missingImage: string
  /** Lets time pass: really, or on a virtual clock. */
  passTime(ms: number): Promise<void>
  now(): number
  /** Runs until it is stopped, and then ends politely with the exit code. */
  polite: { config: Partial<ContainerConfig>; exitCode: number }
  /** Takes no notice of the stop signal. */
  stubborn: Partial<ContainerConfig>
  /** Cannot be started. */
  unstartable: Partial<ContainerConfig>
  /** Uses more than 16 MiB of memory. */
  greedy: Partial<ContainerConfig>
  /** Ends by a signal. */
  crashing: { config: Partial<ContainerConfig>; exitCode: number }
  /** Takes no notice of any signal but this one, and then ends with the exit code. */
  heeding(signal: string): { config: Partial<ContainerConfig>; exitCode: number }
  /** Listens there, and answers what it is told, until the other side has ended. */
  echo: { config: Partial<ContainerConfig>; port: number }
}

/** What each part of the contract works with. `given` and `runtime` are there once tests run. */
export interface ContractSuite {
  readonly given: RuntimeUnderTest
  /** Of node-a. */
  readonly runtime: ContainerRuntime
  /** Removed after the test. */
  runPod(overrides?: Partial<SandboxConfig>, on?: ContainerRuntime): Promise<Sandbox>
  create(sandbox: Sandbox, overrides?: Partial<ContainerConfig>): Promise<string>
  runContainer(sandbox: Sandbox, overrides?: Partial<ContainerConfig>): Promise<string>
  whenExited(id: string): Promise<ContainerState>
  outcome(id: string): Promise<Pick<ContainerState, 'exitCode' | 'reason'>>
  /** Drives something that takes time, while letting time pass. */
  during<T>(work: Promise<T>): Promise<T>
  shell(script: string): Partial<ContainerConfig>
}

/** To be called within a `describe`. */
export function contractSuite(make: () => Promise<RuntimeUnderTest>): ContractSuite {
  let given: RuntimeUnderTest
  let runtime: ContainerRuntime
  let made: { runtime: ContainerRuntime; id: string }[] = []
  beforeAll(async () => {
    given = await make()
    runtime = given.runtime('node-a')
  })
  afterEach(async () => {
    await Promise.all(made.map(each => each.runtime.removeSandbox(each.id)))
    made = []
  })
  afterAll(async () => {
    await runtime.cleanUp()
  })
  const suite: ContractSuite = {
    get given() {
      return given
    },
    get runtime() {
      return runtime
    },
    async runPod(overrides = {}, on = runtime) {
      const sandbox = await on.runSandbox(sandboxConfig({ hostNetwork: true, ...given.sandbox, ...overrides }))
      made.push({ runtime: on, id: sandbox.id })
      return sandbox
    },
    create: (sandbox, overrides = {}) =>
      runtime.createContainer(sandbox.id, containerConfig({ pod: sandbox.pod, image: given.image, ...overrides })),
    async runContainer(sandbox, overrides = {}) {
      const id = await suite.create(sandbox, overrides)
      await runtime.startContainer(id)
      return id
    },
    async whenExited(id) {
      for (let tries = 0; tries < 400; tries++) {
        const container = await runtime.inspect(id)
        if (container?.state === 'exited') return container
        await given.passTime(25)
      }
      throw new Error(`container ${id} did not end`)
    },
    async outcome(id) {
      const { exitCode, reason } = await suite.whenExited(id)
      return { exitCode, reason }
    },
    async during(work) {
      let isDone = false
      const settled = work.finally(() => {
        isDone = true
      })
      settled.catch(() => undefined)
      while (!isDone) await given.passTime(25)
      return settled
    },
    shell: script => ({ command: ['sh', '-c', script] }),
  }
  return suite
}

/** Everything that a stream carries, as text. */
export async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Everything a session printed, and how it ended. */
export async function finished(session: ExecSession) {
  const [stdout, stderr, end] = await Promise.all([textOf(session.stdout), textOf(session.stderr), session.done])
  return { stdout, stderr, ...end }
}
