import { createPrivateKey, X509Certificate } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { users } from '../../api/user.ts'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import { ensureCertificates, type PemStore } from './certificates.ts'

const clients = { admin: users.admin, worker: users.node('n1') }
const day = 86_400_000

function pemStore(files = new Map<string, string>()): PemStore & { files: Map<string, string>; written: string[] } {
  const written: string[] = []
  return {
    files,
    written,
    read: async name => files.get(name),
    write: async (name, pem) => {
      written.push(name)
      files.set(name, pem)
    },
  }
}

test('makes an authority, a server and clients that it has signed', async () => {
  const clock = virtualClock()
  const {
    ca,
    server,
    clients: made,
  } = await ensureCertificates({ store: pemStore(), clock, clients, hosts: ['10.0.0.7', 'fe80::1', 'my.host'] })
  const authority = new X509Certificate(ca)
  expect(authority.ca).toBe(true)
  const leaf = new X509Certificate(server.certificate)
  expect(leaf.verify(authority.publicKey)).toBe(true)
  expect(leaf.checkIssued(authority)).toBe(true)
  expect(leaf.checkPrivateKey(createPrivateKey(server.key))).toBe(true)
  expect(leaf.checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc')
  expect(leaf.checkHost('my.host')).toBe('my.host')
  for (const address of ['127.0.0.1', '::1', '10.96.0.1', '10.0.0.7', 'fe80::1']) expect(leaf.checkIP(address)).toBe(address)
  expect(new X509Certificate(made.admin?.certificate ?? '').subject).toBe('O=system:masters\nCN=kubernetes-admin')
  expect(new X509Certificate(made.worker?.certificate ?? '').subject).toBe('O=system:nodes\nCN=system:node:n1')
})

test('keeps what is good, renews what ends soon, and replaces what another authority signed', async () => {
  const clock = virtualClock()
  const store = pemStore()
  const first = await ensureCertificates({ store, clock, clients })
  store.written.length = 0
  expect(await ensureCertificates({ store, clock, clients })).toEqual(first)
  expect(store.written).toEqual([])

  await clock.advance(340 * day)
  const later = await ensureCertificates({ store, clock, clients })
  expect(later.ca).toBe(first.ca)
  expect(later.serviceAccountKey).toBe(first.serviceAccountKey)
  expect(store.written.sort()).toEqual(['admin.crt', 'admin.key', 'server.crt', 'server.key', 'worker.crt', 'worker.key'])

  store.written.length = 0
  await ensureCertificates({ store, clock, clients, hosts: ['new.host'] })
  expect(store.written.sort()).toEqual(['server.crt', 'server.key'])

  store.files.delete('ca.key')
  store.written.length = 0
  await ensureCertificates({ store, clock, clients, hosts: ['new.host'] })
  expect(store.written).toHaveLength(8)
})

test('a damaged file is made anew', async () => {
  const clock = virtualClock()
  const store = pemStore()
  await ensureCertificates({ store, clock, clients })
  store.files.set('server.crt', 'nonsense')
  const { ca, server } = await ensureCertificates({ store, clock, clients })
  expect(new X509Certificate(server.certificate).verify(new X509Certificate(ca).publicKey)).toBe(true)
})

test('TLS believes them, both ways', async () => {
  const { ca, server: pair, clients: made } = await ensureCertificates({ store: pemStore(), clock: systemClock, clients })
  const seen = new Promise<TLSSocket>(resolve => {
    const options = { ca, cert: pair.certificate, key: pair.key, requestCert: true, rejectUnauthorized: false }
    const server = createServer(options, socket => {
      resolve(socket)
      server.close()
    }).listen(0, () => {
      const { port } = server.address() as { port: number }
      const mine = connect({ port, host: '127.0.0.1', ca, cert: made.worker?.certificate, key: made.worker?.key }, () => {
        expect(mine.authorized).toBe(true)
        mine.end()
      })
    })
  })
  const socket = await seen
  expect(socket.authorized).toBe(true)
  expect(socket.getPeerCertificate().subject).toMatchObject({ CN: 'system:node:n1', O: 'system:nodes' })
  socket.end()
})
