import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { nodeEnv, nodeFlags } from '../scripts/node-flags.mjs'
import type { Transport } from '../api/transport.ts'
import { httpTransport } from '../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../client/kubeconfig.ts'

/** The built program, as a user runs it. */
const program = resolve('dist', 'wherry.mjs')

export interface Running extends AsyncDisposable {
  readonly transport: Transport & { close(): void }
  /** From the start of the process until it said that it is ready. */
  readonly readyInMs: number
  readonly dataDir: string
  /** Megabytes that are resident now. */
  residentMegabytes(): Promise<number>
  /** Ends the process but keeps the data. */
  stop(): Promise<void>
}

/** Runs `wherry up` on a data dir of its own (or one given) until it is disposed of, which deletes everything. */
export async function runProgram(flags: readonly string[], dataDir?: string): Promise<Running> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'wherry-bench-')))
  const began = performance.now()
  const child = spawn(process.execPath, [...nodeFlags, program, 'up', '--data-dir', folder, '--port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...nodeEnv },
  })
  const exited = new Promise<void>(done => child.once('exit', () => done()))
  let output = ''
  const readyInMs = await new Promise<number>((ready, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('Ready in')) ready(performance.now() - began)
    })
    child.once('exit', code => reject(new Error(`wherry up ended with ${code}: ${output}`)))
  })
  const { transport: options } = await selectConnection(
    await parseKubeconfig(await readFile(join(folder, 'kubeconfig'), 'utf8')),
    folder,
  )
  const transport = httpTransport(options)
  const stop = async () => {
    transport.close()
    child.kill('SIGTERM')
    await exited
  }
  return {
    transport,
    readyInMs,
    dataDir: folder,
    async residentMegabytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      const down = spawn(process.execPath, [program, 'down', '--delete-data', '--data-dir', folder], { stdio: 'ignore' })
      await new Promise(done => down.once('exit', done))
      await rm(folder, { recursive: true, force: true })
    },
  }
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
