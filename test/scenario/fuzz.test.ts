import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'
import type { Store } from '../../storage/store.ts'
import { type TestCluster, testCertificates, testCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type Malformed, malformed, target } from '../support/malformed.ts'

/** `FUZZ_REQUESTS=100000` for a long run, `FUZZ_SEED` to see one again. */
const requests = Number(process.env.FUZZ_REQUESTS ?? 3_000)
const seed = Number(process.env.FUZZ_SEED ?? systemClock.now() % 1_000_000)
const atOnce = 8
/** For so long at most the server may think about what it should refuse. */
const patienceInMs = 10_000

let store: Store
let cluster: TestCluster

beforeAll(async () => {
  store = memoryStore({ clock: systemClock })
  cluster = await testCluster({ store, simulated: 0 })
  await cluster.client.create(ConfigMap, { metadata: { name: target, namespace: 'default' }, data: { a: 'b' } })
})
afterAll(async () => {
  await cluster.stop()
  await store.close()
})

/** Everything but what the components write on their own all the time. */
async function contents(): Promise<string[]> {
  const { entries } = await store.list('/registry/')
  const isOurs = (key: string) => !/^\/registry\/(coordination\.k8s\.io\/leases|core\/events)\//.test(key)
  return entries.filter(({ key }) => isOurs(key)).map(({ key, revision }) => `${key} ${revision}`)
}

const openSockets = () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length

test(
  `malformed requests are refused and leave nothing behind (seed ${seed})`,
  async () => {
    const before = await contents()
    const socketsBefore = openSockets()
    const random = seededRandom(seed)
    const faults: string[] = []
    let sent = 0
    const work = async () => {
      let line: Line | undefined
      let wasAnonymous = false
      while (sent < requests && faults.length < 20) {
        sent++
        const request = malformed(random)
        const { isAnonymous = false } = request
        if (isAnonymous !== wasAnonymous) line?.close()
        if (isAnonymous !== wasAnonymous || !line) line = await connectTo(cluster.port, isAnonymous)
        wasAnonymous = isAnonymous
        const answer = await line.ask(request)
        const fault = faultOf(answer)
        if (fault) faults.push(`${request.what}: ${fault}\n${JSON.stringify(request.bytes.toString('latin1').slice(0, 600))}`)
        if (request.breaksConnection || answer.closes) {
          line.close()
          line = undefined
        }
      }
      line?.close()
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    expect(faults).toEqual([])
    expect(sent).toBeGreaterThanOrEqual(requests)
    expect(await contents()).toEqual(before)
    await eventually(() => expect(openSockets()).toBeLessThanOrEqual(socketsBefore))
    expect(await cluster.https.raw('/healthz')).toBe('ok')
  },
  30_000 + requests * 20,
)

interface Answer {
  readonly code: number
  readonly contentType: string
  readonly body: string
  readonly closes: boolean
}

/** What is wrong with an answer to a malformed request; nothing: it is a refusal as it should be. */
function faultOf({ code, contentType, body }: Answer): string | undefined {
  if (code < 400 || code > 499) return `answered ${code} ${body.slice(0, 300)}`
  if (!contentType.startsWith('application/json'))
    return code === 404 || body === '' ? undefined : `${code} is ${contentType}: ${body.slice(0, 100)}`
  const status = JSON.parse(body) as { kind?: string; code?: number; status?: string }
  return status.kind === 'Status' && status.code === code && status.status === 'Failure'
    ? undefined
    : `not a Status: ${body.slice(0, 300)}`
}

/** A connection that sends bytes as they are. */
interface Line {
  ask(request: Malformed): Promise<Answer>
  close(): void
}

async function connectTo(port: number, isAnonymous: boolean): Promise<Line> {
  const { ca, clients } = await testCertificates()
  const { certificate, key } = clients.admin ?? {}
  const credentials = isAnonymous ? {} : { cert: certificate, key }
  const socket: TLSSocket = await new Promise((resolve, reject) => {
    const made = connect({ host: '127.0.0.1', port, ca, ...credentials }, () => resolve(made))
    made.once('error', reject)
  })
  socket.on('error', () => {})
  return {
    close: () => void socket.destroy(),
    ask: ({ bytes, breaksConnection = false }) =>
      new Promise(resolve => {
        let received = Buffer.alloc(0)
        const enough = new AbortController()
        const finish = (answer: Answer) => {
          enough.abort()
          socket.removeAllListeners('data')
          socket.removeAllListeners('close')
          resolve(answer)
        }
        const look = (isOver: boolean) => {
          const answer = parse(received, isOver)
          if (answer) finish(answer)
          else if (isOver)
            finish({ code: breaksConnection && received.length === 0 ? 400 : 0, contentType: '', body: 'hung up', closes: true })
        }
        socket.on('data', (chunk: Buffer) => {
          received = Buffer.concat([received, chunk])
          look(false)
        })
        socket.once('close', () => look(true))
        void systemClock.sleep(patienceInMs, enough.signal).then(() => {
          if (!enough.signal.aborted)
            finish({ code: 0, contentType: '', body: `no answer; so far ${received.toString().slice(0, 200)}`, closes: true })
        })
        socket.write(bytes)
      }),
  }
}

/** An HTTP answer, when all of it is there. */
function parse(bytes: Buffer, isOver: boolean): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? ''
  const code = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0)
  const rest = bytes.subarray(end + 4)
  const common = { code, contentType: header('content-type'), closes: isOver || header('connection').toLowerCase() === 'close' }
  if (header('transfer-encoding') === 'chunked') {
    const text = rest.toString()
    return text.endsWith('0\r\n\r\n') ? { ...common, body: text } : undefined
  }
  const length = Number(header('content-length') || 0)
  return rest.length >= length ? { ...common, body: rest.toString('utf8', 0, length) } : undefined
}
