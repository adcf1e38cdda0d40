import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { systemClock } from '../../lib/clock.ts'
import { testCertificates } from './cluster.ts'

/** What the server said to one request. */
export interface RawAnswer {
  /** 0: it said nothing before the connection ended, or before patience did. */
  readonly code: number
  readonly contentType: string
  readonly body: string
  /** The connection is of no use any more. */
  readonly closes: boolean
  /** How many bytes of what was received it is. */
  readonly length: number
}

/** A connection that sends bytes as they are. */
export interface RawConnection {
  /** Sends, and resolves with as many answers as wanted: fewer when the connection ends before. */
  ask(bytes: Buffer, answers?: number): Promise<RawAnswer[]>
  /** Sends without waiting for anything. */
  say(bytes: Buffer): void
  /** Resolves when the server has hung up, or after so long. */
  closedWithin(milliseconds: number): Promise<void>
  close(): void
}

/** For so long at most the server may think about what it should refuse. */
const patienceInMs = 10_000

/** As the administrator unless said otherwise. */
export async function rawConnection(port: number, as: 'admin' | 'anonymous' | 'plain' = 'admin'): Promise<RawConnection> {
  const socket = await opened(port, as)
  socket.on('error', () => {})
  let received: Buffer = Buffer.alloc(0)
  let isOver = false
  let onNews = () => {}
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    onNews()
  })
  socket.once('close', () => {
    isOver = true
    onNews()
  })
  /** Resolves once `isEnough` says so, or after so long. */
  const until = async (isEnough: () => boolean, milliseconds: number) => {
    const enough = new AbortController()
    onNews = () => {
      if (isEnough()) enough.abort()
    }
    onNews()
    await systemClock.sleep(milliseconds, enough.signal)
    onNews = () => {}
  }
  return {
    async ask(bytes, answers = 1) {
      received = Buffer.alloc(0)
      socket.write(bytes)
      let all: RawAnswer[] = []
      await until(() => {
        all = parseAll(received, isOver)
        return isOver || all.length >= answers || all.at(-1)?.code === 101
      }, patienceInMs)
      if (all.length > 0 || isOver) return all
      throw new Error(`no answer; so far ${JSON.stringify(received.toString('latin1').slice(0, 200))}`)
    },
    say: bytes => void socket.write(bytes),
    closedWithin: milliseconds => until(() => isOver, milliseconds),
    close: () => void socket.destroy(),
  }
}

async function opened(port: number, as: 'admin' | 'anonymous' | 'plain'): Promise<Socket> {
  const { ca, clients } = await testCertificates()
  const { certificate, key } = clients.admin ?? {}
  return new Promise((resolve, reject) => {
    const onOpen = () => resolve(socket)
    const host = '127.0.0.1'
    const socket: Socket =
      as === 'plain'
        ? connectPlain({ host, port }, onOpen)
        : connectTls({ host, port, ca, ...(as === 'admin' && { cert: certificate, key }) }, onOpen)
    socket.once('error', reject)
  })
}

function parseAll(bytes: Buffer, isOver: boolean): RawAnswer[] {
  const answers: RawAnswer[] = []
  let rest = bytes
  for (let next = parse(rest, isOver); next; next = parse(rest, isOver)) {
    answers.push(next)
    rest = rest.subarray(next.length)
    if (next.code === 101) break
  }
  return answers
}

/** An HTTP answer, when all of it is there. */
function parse(bytes: Buffer, isOver: boolean): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? ''
  const code = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0)
  const rest = bytes.subarray(end + 4)
  const common = { code, contentType: header('content-type'), closes: isOver || header('connection').toLowerCase() === 'close' }
  if (header('transfer-encoding') === 'chunked') {
    const at = rest.indexOf('0\r\n\r\n')
    if (at < 0 && !isOver) return undefined
    return { ...common, body: rest.toString('utf8', 0, at < 0 ? rest.length : at), length: at < 0 ? bytes.length : end + 9 + at }
  }
  const length = Number(header('content-length') || 0)
  if (rest.length < length) return undefined
  return { ...common, body: rest.toString('utf8', 0, length), length: end + 4 + length }
}
