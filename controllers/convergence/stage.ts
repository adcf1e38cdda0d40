import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { isReason } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Call } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import { timestamp, type VirtualClock } from '../../lib/clock.ts'
import { type Random, seededRandom } from '../../lib/random.ts'
import { aborted } from '../../lib/run.ts'
import { issueCertificate, type KeyPair } from '../../lib/x509/certificate.ts'
import { controllers } from '../controllers.ts'
import { localProvisionerName } from '../local-provisioner/plan.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { type Kubelets, kubelets } from './kubelets.ts'
import { type Machines, machines } from './machines.ts'
import { type Commit, livePicture, type Picture } from './picture.ts'
import { fairWeather, inWeather, type Weather, weatherOf } from './weather.ts'

/** Where a seed is played: all controllers, a server, nodes, kubelets, and somebody who looks on. */
export interface Stage {
  readonly cluster: TestCluster
  readonly client: Client
  readonly clock: VirtualClock
  readonly random: Random
  readonly machines: Machines
  readonly kubelets: Kubelets
  readonly picture: Picture
  /** The weather until it clears up. */
  readonly weather: Weather
  /** What each pod of an application uses, in thousandths of a CPU. */
  readonly uses: Map<string, number>
  /** From now on all goes well. */
  clearUp(): void
  /** Lets time pass, and has everything seen that was written. */
  pass(ms: number): Promise<void>
  /** How many things controllers have written, Events and what changed nothing apart. */
  readonly written: number
  /** The last of them, for those who wonder why it does not come to rest. */
  readonly lastWrites: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

/** Sees every commit in order; answers what is wrong with it. */
export type Onlooker = (commit: Commit, picture: Picture) => readonly string[]

let known: KeyPair | undefined
/** One for all seeds: making keys takes long, and is a matter of chance. */
function authority(): KeyPair {
  const [notBefore, notAfter] = [new Date(Date.UTC(2025, 0)), new Date(Date.UTC(2035, 0))]
  known ??= issueCertificate({ subject: { commonName: 'ca' }, purpose: 'authority', notBefore, notAfter } as never)
  return known
}

const allControllers = () =>
  controllers({
    kinds,
    authority: authority(),
    nodeRanges: [{ cidr: '10.0.0.0/16', nodeMaskSize: 24, isFor: () => true }],
    volumes: { create: async name => `/volumes/${name}`, remove: async () => {} },
  })

/** Sets the stage for a seed; `complain` hears of everything that should never be, as soon as it is. */
export async function stageFor(
  seed: number,
  { always, strict }: Readonly<Record<'always' | 'strict', readonly Onlooker[]>>,
  complain: (text: string) => void,
): Promise<Stage> {
  const random = seededRandom(seed)
  const weather = weatherOf(random)
  const isPunctual = weather.late === 0 && weather.cut === 0
  const onlookers = isPunctual ? [...always, ...strict] : always
  const chance = seededRandom(seed + 1_000_000)
  let current = fairWeather
  const uses = new Map<string, number>()
  const picture = livePicture()
  const cluster = await testCluster(allControllers, {
    between: (transport, clock) => inWeather(transport, clock, chance, () => current),
    answer: call => (call.group === 'metrics.k8s.io' ? metrics(call, cluster, uses) : undefined),
  })
  const { client, clock, store } = cluster

  let written = 0
  const lastWrites: string[] = []
  const stopping = new AbortController()
  let seen = 0
  const look = async () => {
    for await (const events of store.watch('', 0, stopping.signal)) {
      for (const event of events) {
        const commit = picture.apply(event)
        seen = event.entry.revision
        if (!commit) continue
        if (commit.actor.endsWith('-controller')) {
          written++
          lastWrites.push(`${commit.actor} ${commit.verb} ${event.entry.key}`)
          if (lastWrites.length > 20) lastWrites.shift()
        }
        for (const onlooker of onlookers) for (const complaint of onlooker(commit, picture)) complain(complaint)
      }
    }
  }
  const looking = look()
  const nodes = machines(cluster)

  const stage: Stage = {
    ...{ cluster, client, clock, random, weather, uses, picture, lastWrites },
    machines: nodes,
    kubelets: kubelets(cluster, nodes, random),
    clearUp: () => void (current = fairWeather),
    async pass(ms) {
      await cluster.advance(ms)
      for (const newest = await store.revision(); seen < newest; ) await cluster.advance(0)
      picture.now = clock.now()
    },
    get written() {
      return written
    },
    async [Symbol.asyncDispose]() {
      nodes.stop()
      await cluster[Symbol.asyncDispose]()
      stopping.abort()
      await Promise.race([looking, aborted(stopping.signal)])
    },
  }
  await client.create(StorageClass, {
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    ...{ provisioner: localProvisionerName, volumeBindingMode: 'WaitForFirstConsumer' },
  })
  await client.create(Namespace, { metadata: { name: 'blue' } })
  for (const name of nodes.names) await nodes.join(name)
  await stage.pass(1_000)
  current = weather
  return stage
}

/** What the metrics API says: every pod that runs uses what its application does. */
async function metrics(
  { namespace = 'default', options }: Call,
  { client, clock }: TestCluster,
  uses: ReadonlyMap<string, number>,
) {
  const { labelSelector } = options ?? {}
  const { items } = await client.list(Pod, { namespace, ...(labelSelector && { labelSelector }) })
  const running = items.filter(({ status, metadata }) => status.phase === 'Running' && uses.has(metadata.labels?.app ?? ''))
  return {
    items: running.map(({ metadata, spec }) => ({
      ...{ metadata: { name: metadata.name, namespace }, timestamp: timestamp(clock.now()), window: '10s' },
      containers: spec.containers.map(({ name }) => ({
        ...{ name, usage: { cpu: `${uses.get(metadata.labels?.app ?? '')}m`, memory: '1Mi' } },
      })),
    })),
  }
}

/** Whether somebody may be told so: what the test itself asks for may be impossible by now. */
export const isRefusal = (error: unknown) =>
  isReason(
    error,
    'NotFound',
    'Conflict',
    'AlreadyExists',
    'Forbidden',
    'Invalid',
    'TooManyRequests',
    'InternalError',
    'BadRequest',
  )
