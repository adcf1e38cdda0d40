import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import type { KubeObject } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'
import type { Store } from '../../storage/store.ts'
import { isReady, type TestCluster, testCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { boat, boats } from '../support/malformed/custom.ts'
import { type Sample, samplesOf } from '../support/malformed/kinds.ts'
import { type Malformed, target } from '../support/malformed/request.ts'
import { malformedRequests } from '../support/malformed.ts'
import { manifest, manifestsDir, type Written } from '../support/manifests.ts'
import { type RawAnswer, type RawConnection, rawConnection } from '../support/raw-connection.ts'

/** `FUZZ_REQUESTS=100000` for a long run, `FUZZ_SEED` to see one again, `FUZZ_ONLY=SPDY` for some ways of being wrong. */
const requests = Number(process.env.FUZZ_REQUESTS ?? 2_000)
const seed = Number(process.env.FUZZ_SEED ?? systemClock.now() % 1_000_000)
const only = new RegExp(process.env.FUZZ_ONLY ?? '')
const atOnce = 8
/** After so many the run is given up. */
const mostFaults = 25

let store: Store
let isStoreBroken = false
let cluster: TestCluster
let samples: readonly Sample[]

beforeAll(async () => {
  const memory = memoryStore({ clock: systemClock })
  const brokenKey = '/registry/core/configmaps/default/unlucky'
  store = {
    ...memory,
    put: async (key, ...rest) => {
      if (isStoreBroken && key === brokenKey) throw new TypeError('the disk has come off')
      return memory.put(key, ...rest)
    },
  }
  cluster = await testCluster({ store, simulated: 1 })
  const kept = await objectsIn(join(manifestsDir, 'kinds'))
  await cluster.apply([...own, ...kept])
  samples = [...samplesOf([...own, ...kept], true), ...samplesOf(await objectsIn(manifestsDir), false)]
  await cluster.client.create(CustomResourceDefinition, boats as never)
  const asAdmin = cluster.transport(users.admin)
  const inBoats = { group: 'fuzz.test', version: 'v1', resource: 'boats', namespace: 'default' }
  await eventually(() => asAdmin.call({ ...inBoats, verb: 'create', body: boat }))
  await eventually(async () => expect(isReady(await cluster.pod(target))).toBe(true))
  // The last thing that a server writes down is which groups it has.
  await eventually(async () => expect((await contents()).join()).toContain('/apiservices/v1.fuzz.test '))
  await settled()
})
afterAll(async () => {
  await cluster.stop()
  await store.close()
})

/** Things to fail on, none of which changes on its own. */
const own: readonly Written[] = [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: target }, data: { a: 'b' } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: target } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: target }, stringData: { a: 'b' } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: target }, spec: { ports: [{ name: 'http', port: 80 }] } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: target },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: target } },
      template: { metadata: { labels: { app: target } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
    },
  },
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: target }, spec: { containers: [{ name: 'a', image: 'b' }] } },
]

async function objectsIn(folder: string): Promise<Written[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.yaml')).sort()
  return (await Promise.all(files.map(file => manifest(join(folder, file).slice(manifestsDir.length + 1))))).flat()
}

/** Everything but what the components write on their own all the time: leases, events, and that a node is still there. */
async function contents(): Promise<string[]> {
  const { entries } = await store.list('/registry/')
  const isOurs = (key: string) => !/^\/registry\/(coordination\.k8s\.io\/leases|core\/events|events\.k8s\.io\/events)\//.test(key)
  return entries
    .filter(({ key }) => isOurs(key))
    .map(({ key, revision, value }) => `${key} ${isNode(key) ? specOf(value) : revision}`)
}
const isNode = (key: string) => key.startsWith('/registry/core/nodes/')
const specOf = (value: Uint8Array) => {
  const { metadata, spec } = JSON.parse(Buffer.from(value).toString()) as { metadata: KubeObject['metadata']; spec: unknown }
  return JSON.stringify([metadata.labels, spec])
}

/** Resolves when nobody has written anything for half a second. */
async function settled(): Promise<void> {
  for (let before: string | undefined, now = (await contents()).join('\n'); now !== before; ) {
    await systemClock.sleep(500)
    before = now
    now = (await contents()).join('\n')
  }
}

/** What is open in this process, which is the server's and the test's. */
function openResources(): { sockets: number; timers: number } {
  const all = process.getActiveResourcesInfo()
  const count = (name: RegExp) => all.filter(each => name.test(each)).length
  return { sockets: count(/^(TCPSocketWrap|TLSWrap)$/), timers: count(/^Timeout$/) }
}

describe(`malformed requests (seed ${seed})`, () => {
  test(
    'are refused and leave nothing behind',
    async () => {
      const before = await contents()
      const resourcesBefore = openResources()
      const startedAt = systemClock.monotonic()
      const next = malformedRequests(seededRandom(seed), samples)
      const faults: string[] = []
      const codes = new Map<string, number>()
      let sent = 0
      const work = async () => {
        await using lines = connections()
        while (sent < requests && faults.length < mostFaults) {
          sent++
          let request = next()
          while (!only.test(request.what)) request = next()
          const { fault, outcome } = await send(request, lines)
          codes.set(outcome, (codes.get(outcome) ?? 0) + 1)
          if (fault) faults.push(`${request.what}: ${fault}\n${request.bytes.toString('latin1').slice(0, 900)}`)
        }
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      const seconds = (systemClock.monotonic() - startedAt) / 1000
      const figures = [...codes].sort().map(([code, count]) => `${code}: ${count}`)
      console.log(`${sent} malformed requests in ${seconds.toFixed(1)} s, ${faults.length} faults (${figures.join(', ')})`)
      expect(faults).toEqual([])
      expect(sent).toBeGreaterThanOrEqual(requests)
      // A client that is not read from is missed when the next ping fails, which comes twice a minute.
      await eventually(() => expect(openResources().sockets).toBeLessThanOrEqual(resourcesBefore.sockets), {
        timeoutInMs: 40_000,
      })
      // Clients and controllers have timers of their own; what is left of requests would be many more.
      await eventually(() => expect(openResources().timers).toBeLessThanOrEqual(resourcesBefore.timers + 10))
      expect(await contents()).toEqual(before)
      expect(await cluster.https.raw('/healthz')).toBe('ok')
    },
    60_000 + requests * 20,
  )
})

interface Outcome {
  /** For the statistics. */
  readonly outcome: string
  readonly fault?: string | undefined
}

/** Connections of one worker, which are used again as long as they last. */
interface Connections extends AsyncDisposable {
  get(request: Malformed): Promise<RawConnection>
  drop(): void
}

function connections(): Connections {
  let line: RawConnection | undefined
  let kind: string | undefined
  const drop = () => {
    line?.close()
    line = undefined
  }
  return {
    async get({ isAnonymous, isPlain }) {
      const wanted = isPlain ? 'plain' : isAnonymous ? 'anonymous' : 'admin'
      if (wanted !== kind) drop()
      kind = wanted
      line ??= await rawConnection(cluster.port, wanted)
      return line
    },
    drop,
    [Symbol.asyncDispose]: async () => drop(),
  }
}

async function send(request: Malformed, lines: Connections): Promise<Outcome> {
  const { bytes, frames, vanishes, pipelined = 1, breaksConnection = false } = request
  const line = await lines.get(request)
  if (vanishes) {
    line.say(bytes)
    await line.closedWithin(bytes.length % 4)
    lines.drop()
    return { outcome: 'left' }
  }
  let answers: RawAnswer[]
  try {
    answers = await line.ask(bytes, pipelined)
  } catch (error) {
    lines.drop()
    return { outcome: 'hung', fault: (error as Error).message }
  }
  const last = answers.at(-1)
  if (last?.code === 101 && frames) {
    for (const frame of frames) line.say(frame)
    await line.closedWithin(20)
    lines.drop()
    return { outcome: '101' }
  }
  if (breaksConnection || !last || last.closes) lines.drop()
  if (!last) return { outcome: 'closed', ...(!breaksConnection && { fault: 'hung up' }) }
  return { outcome: String(last.code), fault: answers.map(answer => faultOf(answer, request)).find(Boolean) }
}

/** What is wrong with an answer to a malformed request; nothing: it is a refusal as it should be. */
function faultOf({ code, contentType, body }: RawAnswer, { mayPass }: Malformed): string | undefined {
  if (mayPass && code >= 200 && code < 300) return undefined
  if (code < 400 || code > 499) return `answered ${code} ${body.slice(0, 500)}`
  // Paths that are no resources are answered in plain text, as upstream does.
  if (!contentType.startsWith('application/json'))
    return code === 404 ? undefined : `${code} is ${contentType}: ${body.slice(0, 100)}`
  const status = JSON.parse(body) as { kind?: string; code?: number; status?: string }
  return status.kind === 'Status' && status.code === code && status.status === 'Failure'
    ? undefined
    : `not a Status: ${body.slice(0, 300)}`
}

test('a bug in one request is an internal error of that request, and of no other', async () => {
  const line = await rawConnection(cluster.port)
  const create = (name: string) => {
    const body = JSON.stringify({ metadata: { name } })
    const head = `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    return line.ask(Buffer.from(`${head}\r\n\r\n${body}`))
  }
  isStoreBroken = true
  const [failure] = await create('unlucky')
  const [success] = await create('lucky')
  isStoreBroken = false
  line.close()
  expect(failure?.code).toBe(500)
  expect(JSON.parse(failure?.body ?? '')).toMatchObject({
    kind: 'Status',
    status: 'Failure',
    reason: 'InternalError',
    message: 'Internal error occurred: the disk has come off',
  })
  expect(success?.code).toBe(201)
  await cluster.client.create(ConfigMap, { metadata: { name: 'unlucky', namespace: 'default' } })
})
