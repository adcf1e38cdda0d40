import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isReason } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import type { NodeAgent } from '../../api/node-agent.ts'
import type { KubeObject, Transport } from '../../api/transport.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { type Certificates, ensureCertificates } from '../../apiserver/auth/certificates.ts'
import type { Controller } from '../../client/controller.ts'
import { formatKubeconfig, kubeconfigFor } from '../../client/kubeconfig.ts'
import { apiServer } from '../../cmd/api-server.ts'
import { controllerManager } from '../../cmd/control-plane.ts'
import { pemMemory } from '../../cmd/pki.ts'
import { namespace } from '../../controllers/namespace/controller.ts'
import { serviceAccount } from '../../controllers/service-account/service-account.ts'
import type { Io } from '../../kubectl/io.ts'
import { main } from '../../kubectl/main.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { runAll } from '../../lib/run.ts'
import { memoryStore } from '../../storage/memory.ts'

/** What a command line said and how it ended. */
export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CommandOptions {
  /** The administrator unless said otherwise. */
  readonly as?: string
  readonly stdin?: string
  readonly env?: Record<string, string>
  /** What Ctrl-C does. */
  readonly signal?: AbortSignal
  readonly io?: Partial<Io>
}

/** An API server over memory, behind HTTPS as clients meet it, and the command line in front of it. */
export interface TestServer extends AsyncDisposable {
  /** A scratch folder: each user's kubeconfig is in it under the user's name, and tests put manifests there. */
  readonly folder: string
  readonly address: string
  /** As somebody, past HTTPS. */
  transport(user?: UserInfo): Transport
  /** Runs our own command line in this process: `wherry('get pods -o wide')`, or words one by one. */
  wherry(line: string | readonly string[], options?: CommandOptions): Promise<Said>
  /** Runs the real kubectl; see `hasKubectl`. */
  kubectl(line: string | readonly string[], options?: Pick<CommandOptions, 'as' | 'stdin'>): Promise<Said>
  /** Writes a file into the folder and answers its path. */
  file(name: string, text: string): Promise<string>
}

export interface TestServerOptions {
  readonly nodeAgents?: (nodeName: string) => NodeAgent | undefined
  /** Those that every cluster needs to be usable, unless said otherwise: service accounts appear and namespaces go. */
  readonly controllers?: readonly Controller[]
  /** Who gets a kubeconfig, beside the administrator. */
  readonly users?: Readonly<Record<string, UserInfo>>
}

export const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0

let made: Promise<Certificates> | undefined

/** Starts one on a free port; the namespace `default` is ready for pods. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { nodeAgents = () => undefined, controllers = [serviceAccount, namespace(kinds)] } = options
  const people = { admin: users.admin, ...options.users }
  // Making certificates takes a while and is not what these tests are about.
  const certificates = options.users
    ? await ensureCertificates({ store: pemMemory(), clock: systemClock, clients: people })
    : await (made ??= ensureCertificates({ store: pemMemory(), clock: systemClock, clients: people }))
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  const store = memoryStore(common)
  const server = apiServer({ ...common, store, certificates, host: '127.0.0.1', port: 0, nodeAgents })
  const manager = controllerManager({ ...common, transport: server.transport, identity: 'test', controllers })
  const stopping = new AbortController()
  const afterServer = async (signal: AbortSignal) => {
    await server.ready
    if (!signal.aborted) await manager(signal)
  }
  const running = runAll(
    [
      ['API server', server.run],
      ['controllers', afterServer],
    ],
    stopping.signal,
  )
  const { port } = await server.ready
  const address = `https://127.0.0.1:${port}`
  const folder = await mkdtemp(join(tmpdir(), 'wherry-test-'))
  for (const name of Object.keys(people)) {
    const { certificate: cert = '', key = '' } = certificates.clients[name] ?? {}
    const config = kubeconfigFor('test', { server: address, ca: certificates.ca, cert, key })
    await writeFile(join(folder, name), await formatKubeconfig(config), { mode: 0o600 })
  }
  const admin = server.transport(users.admin)
  if (controllers.includes(serviceAccount)) await defaultAccount(admin)

  return {
    folder,
    address,
    transport: (user = users.admin) => server.transport(user),
    async file(name, text) {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    },
    async wherry(line, { as = 'admin', stdin = '', env = {}, signal = new AbortController().signal, io = {} } = {}) {
      let out = ''
      let err = ''
      const screen: Io = {
        out: text => void (out += text),
        err: text => void (err += text),
        isTerminal: false,
        columns: 80,
        rows: 24,
        env: { KUBECONFIG: join(folder, as), ...env },
        readStdin: async () => stdin,
        stdin: undefined,
        runningKubeconfig: () => undefined,
        homeDir: folder,
        now: systemClock.now,
        sleep: systemClock.sleep,
        ...io,
      }
      const code = await main(wordsOf(line), screen, signal)
      return { code, out, err }
    },
    kubectl(line, { as = 'admin', stdin = '' } = {}) {
      const args = [`--kubeconfig=${join(folder, as)}`, `--cache-dir=${join(folder, 'cache')}`, ...wordsOf(line)]
      return new Promise(resolve => {
        const child = execFile('kubectl', args, (error, out, err) => {
          resolve({ code: error ? Number(error.code ?? 1) : 0, out, err })
        })
        child.stdin?.end(stdin)
      })
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Words at blanks; what is in single or double quotes stays together. */
function wordsOf(line: string | readonly string[]): readonly string[] {
  if (typeof line !== 'string') return line
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  )
}

async function defaultAccount(transport: Transport): Promise<KubeObject> {
  const accounts = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default' }
  for (;;) {
    try {
      return (await transport.call({ ...accounts, verb: 'get', name: 'default' })) as KubeObject
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
      await systemClock.sleep(5)
    }
  }
}
