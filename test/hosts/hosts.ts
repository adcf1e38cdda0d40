import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Client } from '../../client/client.ts'
import { type HttpTransport, httpTransport } from '../../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../../client/kubeconfig.ts'
import { createClient } from '../../client/typed-client.ts'
import { ensureBundle } from '../../scripts/bootstrap.mjs'
import { isReady } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { attempt, run } from './commands.ts'
import { type HostEngine, hostEngine } from './engine-of-host.ts'
import { type Links, makeLinks } from './links.ts'

const root = join(import.meta.dirname, '../..')
const bundle = process.env.WHERRY_BUNDLE ?? join(root, 'dist', 'wherry.mjs')

/** A program that runs, and what it has printed. */
export interface Running {
  readonly output: string
  readonly ended: Promise<number>
  readonly pid: number
  kill(signal: NodeJS.Signals): Promise<number>
}

/** A machine of its own as far as networks go: namespace, engine, agent. */
export interface Host {
  readonly name: string
  readonly address: string
  readonly engine: HostEngine
  readonly dataDir: string
  /** Starts `wherry agent`; resolves when it says that it is ready, throws what it said when it ends before. */
  agent(...flags: readonly string[]): Promise<void>
  /** Runs `wherry agent` until it ends; answers its exit code and what it said. */
  failingAgent(...flags: readonly string[]): Promise<{ code: number; output: string }>
  stopAgent(signal?: NodeJS.Signals): Promise<number>
  readonly output: string
  /** Runs a command on the host. */
  sh(...command: readonly string[]): Promise<string>
  cutOff(): Promise<void>
  connect(): Promise<void>
}

/** A control plane and hosts around it, on one machine. */
export interface Hosts extends AsyncDisposable {
  readonly folder: string
  readonly server: string
  readonly client: Client
  readonly https: HttpTransport
  /** What `wherry server` said. */
  readonly output: string
  /** Makes one, on the first link or the one beyond the router; its agent does not run yet. */
  host(name: string, link?: 0 | 1): Promise<Host>
  /** A new token to join with. */
  token(...flags: readonly string[]): Promise<string>
  wherry(...words: readonly string[]): Promise<{ code: number; output: string }>
  node(name: string): Promise<Node>
  pod(name: string): Promise<Pod>
  /** Creates a pod of busybox on a node. */
  createPod(name: string, node: string | undefined, spec?: object): Promise<void>
  ready(name: string): Promise<Pod>
  /** Runs a command in a pod; answers its exit code and what it printed. */
  exec(pod: string, ...command: readonly string[]): Promise<{ code: number; output: string }>
}

const readyInMs = 60_000
const stopInMs = 30_000

export interface HostsOptions {
  /** More flags of `wherry server`. */
  readonly flags?: readonly string[]
}

export async function hosts({ flags = [] }: HostsOptions = {}): Promise<Hosts> {
  if (!process.env.WHERRY_BUNDLE) await ensureBundle()
  await sweep()
  const number = process.pid % 254
  const id = `wt${process.pid.toString(36)}`
  const folder = await mkdtemp(join(tmpdir(), `wherry-hosts-${process.pid}-`))
  const env = { ...process.env, WHERRY_HOME: join(folder, 'home'), DOCKER_HOST: undefined }
  const running = new Set<Running>()
  const engines: HostEngine[] = []
  let links: Links | undefined
  let https: HttpTransport | undefined

  const start = (command: string, args: readonly string[]): Running => {
    const child: ChildProcess = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', chunk => (output += chunk))
    const self: Running = {
      get output() {
        return output
      },
      pid: child.pid ?? 0,
      ended: new Promise(resolve => child.once('close', code => resolve(code ?? -1))),
      async kill(signal) {
        child.kill(signal)
        const late = eventually(() => expectEnded(child), { timeoutInMs: stopInMs, everyMs: 50 })
        late.catch(() => child.kill('SIGKILL'))
        return self.ended
      },
    }
    running.add(self)
    void self.ended.then(() => running.delete(self))
    return self
  }
  const says = async (program: Running, what: string) => {
    let code: number | undefined
    void program.ended.then(ended => (code = ended))
    await eventually(
      () => {
        if (program.output.includes(what)) return
        if (code !== undefined) return
        throw new Error(`it did not say ${JSON.stringify(what)}: ${program.output}`)
      },
      { timeoutInMs: readyInMs, everyMs: 20 },
    )
    if (!program.output.includes(what)) throw new Error(`it ended with ${code}: ${program.output}`)
  }
  const wherry = (words: readonly string[]) => start(process.execPath, [bundle, ...words])
  const stop = async () => {
    await Promise.all([...running].map(each => each.kill('SIGTERM')))
    https?.close()
    await Promise.all(engines.map(engine => engine[Symbol.asyncDispose]()))
    await links?.[Symbol.asyncDispose]()
    await removeFolder(folder)
  }

  try {
    links = await makeLinks(id, number)
    const network = links
    const dataDir = join(folder, 'server')
    const control = wherry([
      ...['server', '--data-dir', dataDir, '--port', '0', '--store', 'memory'],
      ...['--advertise-address', network.address, '--cluster-cidr', `10.${20 + (process.pid % 80)}.0.0/16`, ...flags],
    ])
    await says(control, 'Ready in')
    const kubeconfig = join(dataDir, 'kubeconfig')
    const { transport } = await selectConnection(await parseKubeconfig(await readFile(kubeconfig, 'utf8')), dataDir)
    https = httpTransport(transport)
    const way = https
    const client = createClient(https)
    const server = /--server (https:\S+)/.exec(control.output)?.[1] ?? ''
    const token = async (...more: readonly string[]) => {
      const made = wherry(['token', 'create', '--token-only', '--data-dir', dataDir, ...more])
      if ((await made.ended) !== 0) throw new Error(made.output)
      return made.output.trim()
    }

    const self: Hosts = {
      folder,
      server,
      client,
      https: way,
      get output() {
        return control.output
      },
      token,
      async wherry(...words) {
        const program = wherry(words)
        const code = await program.ended
        return { code, output: program.output }
      },
      async host(name, link = 0) {
        const namespace = `${id}-${name}`
        const address = await network.attach(namespace, link)
        const engine = await hostEngine({ folder: join(folder, name), namespace, bip: '172.20.0.1/24' })
        engines.push(engine)
        let agent: Running | undefined
        const ownDir = join(folder, `${name}-data`)
        const inside = (words: readonly string[]) => start('nsenter', [`--net=/var/run/netns/${namespace}`, ...words])
        const agentWith = (more: readonly string[]) =>
          inside([
            ...[process.execPath, bundle, 'agent', '--node-name', name, '--data-dir', ownDir, '--log-level', 'info'],
            ...['--docker-host', `unix://${engine.socketPath}`, ...more],
          ])
        return {
          name,
          address,
          engine,
          dataDir: ownDir,
          get output() {
            return agent?.output ?? ''
          },
          async agent(...more) {
            agent = agentWith(more)
            await says(agent, 'Ready in')
          },
          async failingAgent(...more) {
            const program = agentWith(more)
            const code = await program.ended
            return { code, output: program.output }
          },
          stopAgent: async (signal = 'SIGTERM') => (await agent?.kill(signal)) ?? 0,
          sh: (...command) => run('nsenter', `--net=/var/run/netns/${namespace}`, ...command),
          cutOff: () => network.plug(namespace, false),
          connect: () => network.plug(namespace, true),
        }
      },
      node: name => client.get(Node, { name }),
      pod: name => client.get(Pod, { namespace: 'default', name }),
      async createPod(name, node, spec = {}) {
        const container = {
          name: 'main',
          image: 'busybox:1.36',
          command: ['sh', '-c', idle],
          imagePullPolicy: 'IfNotPresent' as const,
        }
        await client.create(Pod, {
          metadata: { namespace: 'default', name, labels: { app: name } },
          spec: {
            ...(node !== undefined && { nodeName: node }),
            containers: [container],
            terminationGracePeriodSeconds: 1,
            ...spec,
          },
        })
      },
      ready: name =>
        eventually(
          async () => {
            const pod = await self.pod(name)
            if (!isReady(pod)) throw new Error(`pod ${name} is not ready: ${JSON.stringify(pod.status)}`)
            return pod
          },
          { timeoutInMs: readyInMs, everyMs: 100 },
        ),
      async exec(pod, ...command) {
        const options = { command, stdin: false, stdout: true, stderr: true, tty: false }
        const session = await way.exec({ namespace: 'default', name: pod }, options)
        let output = ''
        const read = async (stream: AsyncIterable<Uint8Array>) => {
          for await (const chunk of stream) output += Buffer.from(chunk).toString()
        }
        const [{ exitCode, message = '' }] = await Promise.all([session.done, read(session.stdout), read(session.stderr)])
        return { code: exitCode, output: output + message }
      },
      [Symbol.asyncDispose]: stop,
    }
    return self
  } catch (error) {
    await stop()
    throw error
  }
}

/** Serves its own name on port 8080, and ends at once when it is told to. */
const idle = 'trap "exit 0" TERM; mkdir -p /www; hostname > /www/index.html; httpd -p 8080 -h /www; while :; do sleep 0.2; done'

function expectEnded(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) throw new Error('it has not ended')
}

async function removeFolder(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const inside = mounts
    .split('\n')
    .flatMap(line => line.split(' ')[1] ?? [])
    .filter(path => path.startsWith(`${folder}/`))
  for (const path of inside.reverse()) await attempt('umount', '-l', path)
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** What runs left behind that were killed: their engines by the ids that they wrote down, their namespaces, their folders. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^wherry-hosts-(\d+)-/.exec(name) ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    const folder = join(tmpdir(), name)
    for (const host of await readdir(folder).catch(() => [])) {
      const engine = Number(await readFile(join(folder, host, 'docker.pid'), 'utf8').catch(() => ''))
      const commandLine = engine > 0 ? await readFile(`/proc/${engine}/cmdline`, 'utf8').catch(() => '') : ''
      if (commandLine.includes(folder)) process.kill(engine, 'SIGTERM')
      await eventually(() => expectGone(commandLine ? engine : 0), { timeoutInMs: 30_000 }).catch(() => {})
    }
    const id = `wt${Number(pid).toString(36)}`
    await attempt('ip', 'link', 'delete', `${id}r`)
    const namespaces = (await attempt('ip', 'netns', 'list')).split('\n').map(line => line.split(' ')[0] ?? '')
    for (const namespace of namespaces) if (namespace.startsWith(`${id}-`)) await attempt('ip', 'netns', 'delete', namespace)
    await removeFolder(folder)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function expectGone(pid: number): void {
  if (pid > 0 && isAlive(pid)) throw new Error('it still runs')
}
