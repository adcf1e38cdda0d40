import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../../../client/client.ts'
import { type HttpTransport, httpTransport } from '../../../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../../../client/kubeconfig.ts'
import { createClient } from '../../../client/typed-client.ts'
import { systemClock } from '../../../lib/clock.ts'
import { ensureBundle } from '../../../scripts/bootstrap.mjs'
import { eventually } from '../eventually.ts'
import type { OwnEngine } from './own-engine.ts'
import { mountsBelow } from './own-engine.ts'

const root = join(import.meta.dirname, '../../..')
const bundle = process.env.WHERRY_BUNDLE ?? join(root, 'dist', 'wherry.mjs')

export const nodeName = 'node-1'

/** A node on an engine of its own, whose agent can be killed. */
export interface KillableNode extends AsyncDisposable {
  /** Of the cluster as it was reached last. */
  readonly client: Client
  /** The node's part of its data dir. */
  readonly nodeDir: string
  readonly staticDir: string
  /** The mark of the cluster's containers. */
  clusterId(): Promise<string>
  /** What the agent has said since it was started last, and what it said before. */
  readonly output: string
  kill(): Promise<void>
  /** Resolves when it says that it is ready, or was killed again; throws what it said when it ended by itself. */
  start(): Promise<void>
}

export interface NodeOptions {
  readonly engine: OwnEngine
  /** Whether the API server and the kubelet are one process, and die together, or the agent is one of its own. */
  readonly isWhole: boolean
}

interface Program {
  readonly child: ChildProcess
  output: string
  readonly ended: Promise<unknown>
}

const readyInMs = 90_000

export async function killableNode({ engine, isWhole }: NodeOptions): Promise<KillableNode> {
  if (!process.env.WHERRY_BUNDLE) await ensureBundle()
  const folder = await mkdtemp(join(tmpdir(), 'wherry-chaos-'))
  const staticDir = join(folder, 'static')
  await mkdir(staticDir)
  const clusterDir = join(folder, 'cluster')
  const agentDir = isWhole ? clusterDir : join(folder, 'agent')
  const env = { ...process.env, WHERRY_HOME: join(folder, 'home'), DOCKER_HOST: `unix://${engine.socketPath}` }
  let https: HttpTransport | undefined
  let client: Client | undefined
  let agent: Program | undefined
  let before = ''

  const launch = (words: readonly string[]): Program => {
    const child = spawn(process.execPath, [bundle, ...words], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const program = { child, output: '', ended: new Promise(resolve => child.once('close', resolve)) }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (program.output += text))
    return program
  }
  const ready = (program: Program) =>
    eventually(
      () => {
        if (program.output.includes('Ready in')) return true
        if (program.child.signalCode === 'SIGKILL') return false
        if (program.child.exitCode !== null) throw new Error(`it ended with ${program.child.exitCode}: ${program.output}`)
        throw new Error(`it is not ready: ${program.output}`)
      },
      { timeoutInMs: readyInMs, everyMs: 20 },
    )
  const connect = async () => {
    https?.close()
    const kubeconfig = await parseKubeconfig(await readFile(join(clusterDir, 'kubeconfig'), 'utf8'))
    https = httpTransport((await selectConnection(kubeconfig, clusterDir)).transport)
    client = createClient(https)
  }
  const said = async (...words: readonly string[]) => {
    const program = launch(words)
    await program.ended
    if (program.child.exitCode !== 0) throw new Error(`wherry ${words.join(' ')}: ${program.output}`)
    return program.output.trim()
  }

  const ownFlags = ['--log-level', 'info', '--static-pod-path', staticDir]
  let words = ['up', '--data-dir', clusterDir, '--port', '0', ...ownFlags]
  let control: Program | undefined
  if (!isWhole) {
    control = launch([
      'server',
      '--data-dir',
      clusterDir,
      '--port',
      '0',
      '--bind-address',
      '127.0.0.1',
      '--advertise-address',
      '127.0.0.1',
    ])
    await ready(control)
    await connect()
    const server = /--server (https:\S+)/.exec(control.output)?.[1] ?? ''
    const token = await said('token', 'create', '--token-only', '--data-dir', clusterDir)
    words = [
      ...['agent', '--data-dir', agentDir, '--node-name', nodeName, '--server', server, '--token', token],
      ...['--address', '127.0.0.1', '--port', '0', '--network-mode', 'none', ...ownFlags],
    ]
  }

  const node: KillableNode = {
    get client() {
      if (!client) throw new Error('the node has not been started yet')
      return client
    },
    nodeDir: join(agentDir, 'nodes', nodeName),
    staticDir,
    clusterId: async () => (JSON.parse(await readFile(join(agentDir, 'cluster.json'), 'utf8')) as { id: string }).id,
    get output() {
      return before + (agent?.output ?? '')
    },
    async kill() {
      agent?.child.kill('SIGKILL')
      await agent?.ended
      before = `${node.output}--- killed\n`
      if (agent) agent.output = ''
    },
    async start() {
      const mine = launch(words)
      agent = mine
      if ((await ready(mine)) && isWhole) await connect()
    },
    async [Symbol.asyncDispose]() {
      https?.close()
      for (const program of [agent, control]) {
        program?.child.kill('SIGINT')
        const cancel = systemClock.after(15_000, () => void program?.child.kill('SIGKILL'))
        await program?.ended
        cancel()
      }
      for (const dir of new Set([agentDir, clusterDir])) await said('down', '--delete-data', '--data-dir', dir).catch(() => '')
      if (mountsBelow(folder).length === 0) await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await node.start()
    return node
  } catch (error) {
    await node[Symbol.asyncDispose]()
    throw error
  }
}
