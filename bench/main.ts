import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { nodeEnv, nodeFlags } from '../scripts/node-flags.mjs'
import { type Figure, meetsGoal, table } from './report.ts'
import type { SchedulerBenchOptions, SchedulerFigures } from './scheduler.ts'

/** A bundled module that runs in a worker. */
const module = (name: string) => new URL(`./${name}.mjs`, import.meta.url)

/** Every measurement, in the order of the table. Each runs in a process of its own, so that none leaves its memory to the next. */
const benches: Readonly<Record<string, () => Promise<Figure[]>>> = {
  'cold-start': async () => {
    const { coldStart } = await import('./whole-program.ts')
    return [...(await coldStart('docker')), ...(await coldStart('simulated'))]
  },
  memory: async () => (await import('./whole-program.ts')).memory(),
  creates: async () => {
    const { benchCreates } = await import('./http-creates.ts')
    const loadModule = module('http-load')
    const { createsPerSecond, p50InMs, p99InMs, failures, longestBlockInMs } = await benchCreates({ loadModule })
    const remark = `64 connections, TLS, 1.5 KB, fsync${failures ? `, ${failures} FAILED` : ''}`
    return [
      { name: 'durable creates', value: createsPerSecond, unit: '/s', goal: { atLeast: 5000 }, remark },
      { name: 'durable creates, p50', value: p50InMs, unit: 'ms' },
      {
        name: 'durable creates, p99',
        value: p99InMs,
        unit: 'ms',
        goal: { atMost: 30 },
        remark: `event loop blocked at most ${longestBlockInMs.toFixed(0)} ms`,
      },
    ]
  },
  'protobuf-creates': async () => {
    const { benchCreates } = await import('./http-creates.ts')
    const { createsPerSecond, p99InMs, failures } = await benchCreates({ loadModule: module('http-load'), isProtobuf: true })
    const remark = `the same pods as client-go sends them; p99 ${p99InMs.toFixed(1)} ms${failures ? `, ${failures} FAILED` : ''}`
    return [{ name: 'durable creates, protobuf', value: createsPerSecond, unit: '/s', remark }]
  },
  list: async () => (await import('./reads.ts')).bigList(module('reader')),
  watch: async () => (await import('./reads.ts')).watchFanOut(module('reader')),
  scheduler: async () => {
    const { benchScheduler, workloads } = await import('./scheduler.ts')
    const goals = { plain: 5000, spread: 2000, 'anti-affinity': 2000, preemption: 500 }
    const figures: Figure[] = []
    for (const workload of workloads) {
      const { pods, podsPerSecond, cpuInUsPerPod, readP99InMs } = await benchScheduler({ workload })
      const remark = `${pods} pods bound durably, ${cpuInUsPerPod} µs of CPU each; GET p99 meanwhile ${readP99InMs.toFixed(1)} ms`
      const name = `scheduled and bound, 5000 nodes, ${workload}`
      figures.push({ name, value: podsPerSecond, unit: 'pods/s', goal: { atLeast: goals[workload] }, remark })
    }
    return [...figures, await verdictCost(benchScheduler)]
  },
  deployment: async () => (await import('./whole-program.ts')).bigDeployment(),
  'pod-start': async () => (await import('./docker-pods.ts')).podStart(),
  'pods-at-once': async () => (await import('./docker-pods.ts')).podsAtOnce(),
  'pool-start': async () => (await import('./docker-pods.ts')).poolStart(),
  'idle-node': async () => (await import('./docker-pods.ts')).idleNode(),
  store: async () => {
    const { benchStore } = await import('./store.ts')
    const all = await benchStore()
    return all
      .filter(({ store, writers }) => store === 'level' && (writers === 1 || writers === 64))
      .map(({ writers, putsPerSecond, p99InMs }) => ({
        name: `store, ${writers} ${writers === 1 ? 'writer' : 'writers'}`,
        value: putsPerSecond,
        unit: 'puts/s',
        remark: `level, synced, p99 ${p99InMs.toFixed(1)} ms`,
      }))
  },
}

type Measured = (options?: SchedulerBenchOptions) => Promise<SchedulerFigures>

/** What it costs that every decision says why: processor time, which stays comparable on a busy machine, in runs that take turns. */
async function verdictCost(benchScheduler: Measured): Promise<Figure> {
  const cpu = { with: 0, without: 0 }
  for (let i = 0; i < 3; i++) {
    cpu.with += (await benchScheduler()).cpuInUsPerPod
    cpu.without += (await benchScheduler({ recordsVerdicts: false })).cpuInUsPerPod
  }
  const remark = `CPU of a plain pod: ${Math.round(cpu.with / 3)} µs with its verdict, ${Math.round(cpu.without / 3)} µs without`
  return {
    name: 'cost of recording verdicts',
    value: (100 * (cpu.with - cpu.without)) / cpu.without,
    unit: '%',
    goal: { atMost: 10 },
    remark,
  }
}

const marker = '\u0001figures\u0001'

/** `main [--json] [NAME...]`, or `main --only NAME` for the process that does one of them. */
async function main(args: string[]): Promise<number> {
  const only = args.indexOf('--only')
  if (only >= 0) {
    const figures = await benches[args[only + 1] ?? '']?.()
    process.stdout.write(`${marker}${JSON.stringify(figures)}\n`)
    return 0
  }
  const asJson = args.includes('--json')
  const names = args.filter(arg => !arg.startsWith('--'))
  const unknown = names.filter(name => !(name in benches))
  if (unknown.length > 0) {
    console.error(`There is no measurement called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
    return 1
  }
  const figures: Figure[] = []
  let failed = false
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    process.stderr.write(`${name} ...\n`)
    const { stdout, status } = spawnSync(process.execPath, [...nodeFlags, fileURLToPath(import.meta.url), '--only', name], {
      env: { ...process.env, ...nodeEnv },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 2 ** 26,
    })
    const found = stdout.split(marker)[1]
    if (status === 0 && found) figures.push(...(JSON.parse(found) as Figure[]))
    else failed = true
  }
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`
  if (asJson) process.stdout.write(`${JSON.stringify({ machine, figures }, undefined, 2)}\n`)
  else process.stdout.write(`${machine}\n\n${table(figures)}\n`)
  const short = figures.filter(figure => meetsGoal(figure) === false)
  if (short.length > 0) process.stderr.write(`\n${short.length} figures fall short of their goal.\n`)
  return failed ? 1 : 0
}

process.exit(await main(process.argv.slice(2)))
