import type { Deployment } from '../api/apps/deployment.ts'
import type { ReplicaSet } from '../api/apps/replica-set.ts'
import { Pod } from '../api/core/pod.ts'
import { ignore } from '../api/errors.ts'
import type { InputOf } from '../api/kind.ts'
import type { Call, Transport } from '../api/transport.ts'
import { testServer } from '../apiserver/testing.ts'
import type { Client } from '../client/client.ts'
import type { Controller } from '../client/controller.ts'
import { createEvents } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { runControllers } from '../client/runtime.ts'
import { createClient } from '../client/typed-client.ts'
import { type Clock, timestamp, type VirtualClock, virtualClock } from '../lib/clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import type { Store } from '../storage/store.ts'

/** Controllers over a whole API server in memory, in virtual time; without nodes, so the test says which pods are ready. */
export interface TestCluster {
  readonly clock: VirtualClock
  readonly client: Client
  /** What the server keeps, with all that was ever in it. */
  readonly store: Store
  /** The pods that have not been told to end, oldest first. */
  pods(): Promise<Pod[]>
  /** Says that pods run and are ready, as a kubelet would; all that are not, by default. */
  ready(pods?: readonly Pod[]): Promise<void>
  /** Lets everything happen that is due within some milliseconds. */
  advance(ms: number): Promise<void>
  /**
   * Stops the controllers and runs them anew, as when another process takes over: the one that has this number (0 was first). Each process has
   * informers of its own, which follow the server from its first turn on, whoever leads.
   */
  restart(process?: number): Promise<void>
  /** Lets things happen until the assertion holds, and fails with its error when it does not come to hold. */
  eventually(assertion: () => Promise<void> | void): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface TestClusterOptions {
  log?: Log
  /** Sees every call before the server does; what it throws, the caller gets. */
  before?: (call: Call) => void
  /** Answers a call in the server's place, which does where this says undefined. */
  answer?: (call: Call) => unknown
  /** A resource whose news come a second late. */
  delayWatchOf?: string
  /** What stands between the controllers, but not the test, and the server. */
  between?: (transport: Transport, clock: Clock) => Transport
}

export async function testCluster(
  controllers: readonly Controller[] | (() => readonly Controller[]),
  { log = silentLog, before = () => {}, answer = () => undefined, delayWatchOf, between = own => own }: TestClusterOptions = {},
): Promise<TestCluster> {
  const clock = virtualClock()
  const random = seededRandom(1)
  const server = await testServer({ clock, random })
  const transport = server.transport()
  const call: Transport['call'] = async (call, signal) => {
    before(call)
    return answer(call) ?? transport.call(call, signal)
  }
  const watch: Transport['watch'] = async function* (call, signal) {
    for await (const events of transport.watch(call, signal)) {
      if (call.resource === delayWatchOf) await clock.sleep(1_000, signal)
      yield events
    }
  }
  const own: Transport = { ...transport, call, watch }
  const client = createClient(own, { defaultCause: { actor: 'test' } })
  const stopping = new AbortController()
  const following: Promise<void>[] = []
  const processes = new Map<number, Run>()
  const processOf = (number: number): Run => {
    const known = processes.get(number)
    if (known) return known
    const client = createClient(between(own, clock), { defaultCause: { actor: 'test' } })
    const informers = createInformers({ client, clock, log })
    const events = createEvents({ client, clock, log })
    const values = typeof controllers === 'function' ? controllers() : controllers
    const run = runControllers({ controllers: values, client, informers, clock, random, log, events })
    const parts = [
      ['informers', informers.run],
      ['events', events.run],
    ] as const
    following.push(runAll(parts, stopping.signal))
    processes.set(number, run)
    return run
  }
  const start = (number: number) => {
    const own = new AbortController()
    const done = processOf(number)(own.signal)
    return async () => {
      own.abort()
      await done
    }
  }
  let stopControllers = start(0)

  const cluster: TestCluster = {
    clock,
    client,
    store: server.store,
    async pods() {
      const { items } = await client.list(Pod)
      const alive = items.filter(pod => !pod.metadata.deletionTimestamp)
      return alive.sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    },
    async ready(pods) {
      for (const pod of pods ?? (await cluster.pods())) {
        if (pod.status.phase !== 'Pending') continue
        const now = timestamp(clock.now())
        const conditions = [{ type: 'Ready', status: 'True' as const, lastTransitionTime: now }]
        const status = { ...pod.status, phase: 'Running' as const, conditions }
        // A pod that has gone or changed meanwhile will not be ready.
        await client.updateStatus(Pod, { ...pod, status }).catch(ignore('NotFound', 'Conflict'))
      }
    },
    advance: ms => clock.advance(ms),
    async eventually(assertion) {
      for (let attempt = 0; ; attempt++) {
        await clock.advance(attempt < 20 ? 0 : 100)
        try {
          return await assertion()
        } catch (error) {
          if (attempt >= 100) throw error
        }
      }
    },
    async restart(process = 0) {
      await stopControllers()
      stopControllers = start(process)
    },
    async [Symbol.asyncDispose]() {
      await stopControllers()
      stopping.abort()
      await Promise.all(following)
      await server.stop()
    },
  }
  return cluster
}

const podTemplate = (app: string, image: string) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image }] },
})

export function replicaSetInput({
  name = 'web',
  replicas = 2,
  ...spec
}: Partial<InputOf<typeof ReplicaSet>['spec']> & { name?: string } = {}) {
  return {
    metadata: { namespace: 'default', name },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate(name, 'web:1'), ...spec },
  } satisfies InputOf<typeof ReplicaSet>
}

export function deploymentInput({
  name = 'web',
  image = 'web:1',
  replicas = 4,
  ...spec
}: Partial<InputOf<typeof Deployment>['spec']> & { name?: string; image?: string } = {}) {
  return {
    metadata: { namespace: 'default', name },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate(name, image), ...spec },
  } satisfies InputOf<typeof Deployment>
}
