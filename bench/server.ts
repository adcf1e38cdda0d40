import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { users } from '../api/user.ts'
import { ensureCertificates } from '../apiserver/auth/certificates.ts'
import { apiServer } from '../cmd/api-server.ts'
import { pemMemory } from '../cmd/pki.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { levelStore } from '../storage/level/level.ts'
import { memoryStore } from '../storage/memory.ts'

/** A real API server in this process, over a store on disk, or in memory: what the rest costs. */
export async function startServer({ isVolatile = false } = {}) {
  const location = await mkdtemp(join(process.env.WHERRY_BENCH_TMP ?? tmpdir(), 'wherry-bench-'))
  const clock = systemClock
  const store = isVolatile ? memoryStore({ clock }) : await levelStore({ location, clock })
  const certificates = await ensureCertificates({ store: pemMemory(), clock, clients: { admin: users.admin } })
  const server = apiServer({
    store,
    certificates,
    host: '127.0.0.1',
    port: 0,
    nodeAgents: () => undefined,
    clock,
    random: systemRandom,
    log: silentLog,
  })
  const stop = new AbortController()
  const running = server.run(stop.signal)
  const { port } = await server.ready
  const transport = server.transport(users.admin)
  const admin = certificates.clients.admin
  const access = { port, ca: certificates.ca, certificate: admin?.certificate ?? '', key: admin?.key ?? '' }
  const serviceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
  await transport.call({
    verb: 'create',
    group: '',
    version: 'v1',
    resource: 'serviceaccounts',
    namespace: 'default',
    body: serviceAccount,
  })
  return {
    transport,
    access,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await store.close()
      await rm(location, { recursive: true })
    },
  }
}
