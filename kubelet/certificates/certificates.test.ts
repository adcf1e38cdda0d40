import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { detachedSignature } from '../../api/bootstrap-tokens.ts'
import { type VirtualClock, virtualClock } from '../../lib/clock.ts'
import { silentLog as log } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import { issueCertificate, type KeyPair } from '../../lib/x509/certificate.ts'
import { believed, JoinError } from './discovery.ts'
import { isPinned, publicKeyPin } from './pins.ts'
import { rotatedCertificate, rotationAt } from './rotation.ts'
import { type CertificateStore, certificateFile } from './store.ts'

const hour = 3_600_000
const issue = (from: number, life: number): KeyPair =>
  issueCertificate({ subject: { commonName: 'x' }, purpose: 'client', notBefore: from, notAfter: from + life })

test.each([
  [0, 70],
  [0.5, 80],
  [1, 90],
])('by chance %d a certificate is replaced after %d percent of its life', (chance, percent) => {
  const dates = { validFrom: '2026-01-01T00:00:00Z', validTo: '2026-01-01T01:40:00Z' }
  expect(rotationAt(dates, chance)).toBe(Date.parse(dates.validFrom) + percent * 60_000)
})

function rotating(clock: VirtualClock, known: KeyPair | undefined, ask: () => Promise<KeyPair>, isGood?: () => boolean) {
  const written: KeyPair[] = []
  const store: CertificateStore = { read: async () => known, write: async pair => void written.push(pair) }
  const random = seededRandom(1)
  const rotated = rotatedCertificate({ name: 'test', store, known, ask, clock, random, log, ...(isGood && { isGood }) })
  const stop = new AbortController()
  const done = rotated.run(stop.signal)
  return { ...rotated, written, stop: async () => (stop.abort(), done) }
}

test('the old certificate is shown until there is a new one, which is kept', async () => {
  const clock = virtualClock()
  const old = issue(clock.now(), hour)
  const made: KeyPair[] = []
  const ask = async () => {
    made.push(issue(clock.now(), hour))
    return made.at(-1) as KeyPair
  }
  const rotated = rotating(clock, old, ask)
  await clock.advance(0.69 * hour)
  expect([rotated.current() === old, made.length]).toEqual([true, 0])
  await clock.advance(0.22 * hour)
  expect([rotated.current() === made[0], rotated.written.length, made.length]).toEqual([true, 1, 1])
  await clock.advance(hour)
  expect(made).toHaveLength(2)
  await rotated.stop()
})

test('what fails is tried again, more and more seldom', async () => {
  const clock = virtualClock()
  const tries: number[] = []
  const rotated = rotating(clock, undefined, () => {
    tries.push(Math.round(clock.monotonic() / 1000))
    return Promise.reject(new Error('nobody there'))
  })
  await clock.advance(300_000)
  expect(tries).toEqual([0, 2, 6, 14, 30, 62, 126, 254])
  await rotated.stop()
})

test('a certificate that does not say any more what it must is replaced when somebody says so', async () => {
  const clock = virtualClock()
  let isGood = true
  const rotated = rotating(
    clock,
    issue(clock.now(), hour),
    async () => ((isGood = true), issue(clock.now(), hour)),
    () => isGood,
  )
  await clock.advance(1000)
  expect(rotated.written).toHaveLength(0)
  isGood = false
  rotated.poke()
  await clock.advance(0)
  expect(rotated.written).toHaveLength(1)
  await rotated.stop()
})

test('certificate and key are in one file that nobody else may read; half a file is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-certificates-'))
  try {
    const store = certificateFile(join(folder, 'pki'), 'kubelet')
    expect(await store.read()).toBeUndefined()
    const pair = issue(Date.UTC(2026, 0, 1), hour)
    await store.write(pair)
    const path = join(folder, 'pki', 'kubelet.pem')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const read = await store.read()
    expect(new X509Certificate(read?.certificate ?? '').serialNumber).toBe(new X509Certificate(pair.certificate).serialNumber)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.slice(0, text.indexOf('PRIVATE KEY')))
    expect(await store.read()).toBeUndefined()
    await writeFile(path, pair.certificate + issue(0, hour).key)
    expect(await store.read()).toBeUndefined()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

const token = { id: 'abcdef', secret: '0123456789abcdef' }
const signed = (secret = token.secret) => ({
  kubeconfig: 'clusters: []',
  'jws-kubeconfig-abcdef': detachedSignature('clusters: []', { ...token, secret }),
})
const pins = [`sha256:${'0'.repeat(64)}`]

test.each([
  ['signed by the token', signed(), [], undefined],
  ['signed by the token, and pinned', signed(), pins, undefined],
  ['not signed, but pinned', { kubeconfig: 'clusters: []' }, pins, undefined],
  ['not signed', { kubeconfig: 'clusters: []' }, [], 'is not known to this cluster, or the token has expired'],
  ['signed by another secret', signed('fedcba9876543210'), [], 'is not the one that this cluster has'],
  ['signed by another secret, whatever is pinned', signed('fedcba9876543210'), pins, 'is not the one that this cluster has'],
  ['empty', {}, [], 'does not say how to reach the cluster'],
])('cluster-info that is %s', (_, data, pinned, fault) => {
  const believe = () => believed(data as Record<string, string>, token, pinned)
  if (fault === undefined) expect(believe()).toBe('clusters: []')
  else expect(believe).toThrow(fault)
  if (fault !== undefined) expect(believe).toThrow(JoinError)
})

test('an authority is known by the hash of its key', () => {
  const one = issue(0, hour).certificate
  const other = issue(0, hour).certificate
  expect(isPinned(one, [publicKeyPin(one)])).toBe(true)
  expect(isPinned(one + other, [publicKeyPin(other).toUpperCase().replace('SHA256', 'sha256')])).toBe(true)
  expect(isPinned(one, [publicKeyPin(other)])).toBe(false)
  expect(() => isPinned(one, ['abc'])).toThrow('invalid hash')
  expect(() => isPinned(one, ['md5:abc'])).toThrow('unknown hash format')
})
