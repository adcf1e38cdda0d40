import { bodyKinds, kinds } from '../api/kinds.ts'
import type { Transport } from '../api/transport.ts'
import { type UserInfo, users } from '../api/user.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { pace } from '../lib/pace.ts'
import { type Random, systemRandom } from '../lib/random.ts'
import { memoryStore } from '../storage/memory.ts'
import type { Store } from '../storage/store.ts'
import { admissionSteps } from './admission-steps.ts'
import { bootstrap } from './bootstrap.ts'
import { localTransport } from './local-transport.ts'
import { createPipeline, type Pipeline, type PipelineOptions } from './pipeline.ts'

/** A whole API server over memory in which everybody may do everything, for tests. */
export interface TestServer {
  /** Talks to the server as somebody; as the administrator by default. */
  transport(user?: UserInfo): Transport
  readonly pipeline: Pipeline
  readonly store: Store
  /** Stops it and resolves when it has stopped. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestServerOptions extends Partial<Omit<PipelineOptions, 'clock' | 'random'>> {
  readonly clock?: Clock
  readonly random?: Random
}

/** Without the steps that wait for controllers, which do not run here: a service account would never come, a taint never go. */
const testAdmission = admissionSteps.filter(({ name }) => name !== 'ServiceAccount' && name !== 'TaintNodesByCondition')

/** Starts one; ready for requests, with the system namespaces in place. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { clock = systemClock, random = systemRandom } = options
  const store = options.store ?? memoryStore({ clock })
  const pipeline = createPipeline({
    kinds,
    bodyKinds,
    authorize: () => {},
    admission: testAdmission,
    log: silentLog,
    ...options,
    store,
    clock,
    random,
  })
  const stopping = new AbortController()
  const running = pipeline.run(stopping.signal)
  await bootstrap({ pipeline, signal: stopping.signal })
  const stop = async () => {
    stopping.abort()
    await running
  }
  const paced = pace(clock)
  return {
    transport: (user = users.admin) => localTransport({ pipeline, user, clock, pace: paced }),
    pipeline,
    store,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
