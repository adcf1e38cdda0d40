import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Transport } from '../api/transport.ts'
import { httpTransport } from '../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../client/kubeconfig.ts'
import { nodeEnv, nodeFlags } from '../scripts/node-flags.mjs'

/** The built program, as a user runs it. */
const program = resolve('dist', 'wherry.mjs')

export interface Running extends AsyncDisposable {
  readonly transport: Transport & { close(): void }
  /** From the start of the process until it said that it is ready. */
  readonly readyInMs: number
  readonly dataDir: string
  readonly pid: number
  /** Megabytes that are resident now. */
  residentMegabytes(): Promise<number>
  /** Ends the process but keeps the data. */
  stop(): Promise<void>
}

/** Runs `wherry up` on a data dir of its own (or one given) until it is disposed of, which deletes everything. */
export async function runProgram(flags: readonly string[], dataDir?: string): Promise<Running> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'wherry-bench-')))
  const { pid, readyInMs, end } = await launch(['up', '--data-dir', folder, '--port', '0', ...flags])
  const transport = await transportTo(folder)
  const stop = async () => {
    transport.close()
    await end()
  }
  return {
    transport,
    readyInMs,
    dataDir: folder,
    pid,
    async residentMegabytes() {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      await takeDown(folder)
    },
  }
}

/** A node with an agent of its own, beside a control plane. */
export interface RunningAgent extends AsyncDisposable {
  readonly transport: Transport
  readonly agentPid: number
}

/** Runs `wherry server` and `wherry agent` on data dirs of their own until it is disposed of, which deletes everything. */
export async function runAgent(): Promise<RunningAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-bench-'))
  const [cluster, node] = [join(folder, 'cluster'), join(folder, 'node')]
  const local = '127.0.0.1'
  const server = await launch([
    'server',
    '--data-dir',
    cluster,
    '--port',
    '0',
    '--bind-address',
    local,
    '--advertise-address',
    local,
  ])
  const [, url = '', token = ''] = /--server (https:\S+)[\s\\]+--token (\S+)/.exec(server.output) ?? []
  const agent = await launch([
    ...['agent', '--server', url, '--token', token, '--data-dir', node, '--node-name', 'node-1'],
    ...['--address', local, '--port', '0', '--network-mode', 'none'],
  ])
  const transport = await transportTo(cluster)
  return {
    transport,
    agentPid: agent.pid,
    async [Symbol.asyncDispose]() {
      transport.close()
      await agent.end()
      await server.end()
      await takeDown(node)
      await takeDown(cluster)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Starts the program; resolves once it says that it is ready. */
async function launch(args: readonly string[]) {
  const began = performance.now()
  const child = spawn(process.execPath, [...nodeFlags, program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...nodeEnv },
  })
  const exited = new Promise<void>(done => child.once('exit', () => done()))
  let output = ''
  const readyInMs = await new Promise<number>((ready, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (/Ready in .*\n/.test(output)) ready(performance.now() - began)
    })
    child.once('exit', code => reject(new Error(`wherry ${args[0]} ended with ${code}: ${output}`)))
  })
  const end = async () => {
    child.kill('SIGTERM')
    await exited
  }
  return { pid: child.pid ?? 0, readyInMs, output, end }
}

async function transportTo(dataDir: string) {
  const kubeconfig = await parseKubeconfig(await readFile(join(dataDir, 'kubeconfig'), 'utf8'))
  const { transport: options } = await selectConnection(kubeconfig, dataDir)
  return httpTransport(options)
}

async function takeDown(dataDir: string): Promise<void> {
  const down = spawn(process.execPath, [program, 'down', '--delete-data', '--data-dir', dataDir], { stdio: 'ignore' })
  await new Promise(done => down.once('exit', done))
  await rm(dataDir, { recursive: true, force: true })
}

/** Waits until a check holds, looking ten times a second. */
export async function until(check: () => Promise<boolean>, seconds = 120): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain`)
    await new Promise(done => setTimeout(done, 100))
  }
}

export const sleep = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms))
