import type { Random } from '../../../lib/random.ts'

/** Bytes for the API server that no client in its right mind would send, and what may come of them. */
export interface Malformed {
  readonly what: string
  readonly bytes: Buffer
  /** The framing itself is broken, so that nothing can be sent on the connection after it and it may end without an answer. */
  readonly breaksConnection?: boolean
  /** What is wrong are the credentials, so that it must come without a certificate. */
  readonly isAnonymous?: boolean
  /** It is a rehearsal of something that may happen to be in order. */
  readonly mayPass?: boolean
  /** So many requests in one go. Each gets an answer, unless one of them ends the connection. */
  readonly pipelined?: number
  /** The protocol may be switched; then these follow, and the client hangs up if the server does not. */
  readonly frames?: readonly Buffer[]
  /** The client hangs up right after this, whatever the answer. */
  readonly vanishes?: boolean
  /** It comes instead of a TLS handshake. */
  readonly isPlain?: boolean
}

export interface Parts extends Omit<Malformed, 'bytes'> {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** One of many ways to be wrong, filled in at random. */
export type Family = (random: Random) => Parts | Malformed

export const maps = '/api/v1/namespaces/default/configmaps'
/** An object that is there, for patches and deletes to fail on; also a service account, a deployment and a pod that runs. */
export const target = 'target'
export const json = { 'content-type': 'application/json' }

export function bytesOf({ method = 'GET', path = maps, headers = {}, body = '' }: Omit<Parts, 'what'>): Buffer {
  const content = Buffer.from(body)
  const lines = Object.entries({ host: 'localhost', 'content-length': String(content.length), ...headers })
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), content])
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)] as T
export const chance = (random: Random, oneIn: number) => random.below(oneIn) === 0
/** So many of what `make` makes, at most. */
export const some = <T>(random: Random, most: number, make: () => T): T[] => Array.from({ length: random.below(most + 1) }, make)

/** Text in which everything may occur that fits into a line. */
export const noise = (random: Random, most: number) =>
  Array.from({ length: 1 + random.below(most) }, () => pick(random, alphabet)).join('')
const alphabet = [...'abcXYZ019-._~/%?&=+,;:!@$()*{}[]"\'\\|^`<>é\u0001\u007fÿ']
/** Text that may stand in a header. */
export const printable = (random: Random, most: number) => noise(random, most).replaceAll(/[^\x21-\x7e]/g, 'x')
export const escaped = (random: Random, most: number) => encodeURIComponent(noise(random, most))
export const bytes = (random: Random, most: number) =>
  Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)))

/** A value that is hardly ever of the right type. Never null, which stands for nothing at all. */
export const wrong = (random: Random) => pick(random, [1, 'x', [], [1], true, -1.5, [[]], 1e300])

/** Changes, removes or repeats some of the bytes. */
export function damaged(random: Random, whole: Buffer): Buffer {
  if (whole.length === 0) return bytes(random, 20)
  const at = random.below(whole.length)
  return pick(random, [
    () => whole.subarray(0, at),
    () => {
      const flipped = Buffer.from(whole)
      for (let flips = 1 + random.below(4); flips > 0; flips--) flipped[random.below(flipped.length)] = random.below(256)
      return flipped
    },
    () => Buffer.concat([whole.subarray(0, at), bytes(random, 30), whole.subarray(at)]),
    () => Buffer.concat([whole.subarray(0, at), whole.subarray(Math.min(whole.length, at + 1 + random.below(20)))]),
    () => Buffer.concat([whole, whole.subarray(at)]),
  ])()
}
