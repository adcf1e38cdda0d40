import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Program, program } from '../support/program.ts'
import { type Binary, kubectlBinaries } from './kubectl/binaries.ts'
import { creating } from './kubectl/creating.ts'
import { custom } from './kubectl/custom.ts'
import { type Command, type Kubectl, kubectl } from './kubectl/kubectl.ts'
import { reading } from './kubectl/reading.ts'
import { running } from './kubectl/running.ts'
import { writing } from './kubectl/writing.ts'

/** Later commands use what earlier ones made. */
const commands: readonly Command[] = [...reading, ...creating, ...custom, ...writing, ...running]
/** `PEER_KUBECTLS=1.20,1.33` tries only these. */
const only = process.env.PEER_KUBECTLS?.split(',')
const binaries = kubectlBinaries().filter(({ version }) => !only || only.includes(version))
/** So many kubectls work at a time. */
const atOnce = 3

type Outcome = 'passed' | 'not there' | Error
const outcomes = new Map<Command, Map<Binary, Outcome>>(commands.map(command => [command, new Map()]))

let cluster: Program

async function tryAll(k: Kubectl): Promise<void> {
  const { binary } = k
  await k.ok(`create namespace ${k.namespace}`)
  for (const command of commands) {
    const { since = 0, until = Number.POSITIVE_INFINITY } = command
    const isThere = since <= binary.minor && binary.minor <= until
    const outcome = isThere ? await command.run(k).then(() => 'passed' as const, toError) : 'not there'
    outcomes.get(command)?.set(binary, outcome)
  }
  await k.ok(`delete namespace ${k.namespace} --wait=false`)
}

const toError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

beforeAll(async () => {
  cluster = await program({ flags: ['--simulated-nodes', '14'] })
  await cluster.up()
  const waiting = await Promise.all(binaries.map(binary => kubectl(binary, cluster.kubeconfig, cluster.folder)))
  // Pods belong on the node whose containers are real.
  const [newest] = waiting.slice(-1)
  for (let node = 1; node <= 14; node++) await newest?.ok(`taint node simulated-${node} simulated=true:NoSchedule`)
  const work = async () => {
    for (let k = waiting.pop(); k; k = waiting.pop()) await tryAll(k)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}, 900_000)

afterAll(async () => {
  console.log(matrix())
  await cluster[Symbol.asyncDispose]()
})

/** command x version: `.` passed, `-` that version has no such command, `X` failed. */
function matrix(): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const head = `${'kubectl'.padEnd(width)}  ${binaries.map(({ version }) => version.padStart(5)).join('')}`
  const mark = (outcome: Outcome | undefined) => (outcome === 'passed' ? '.' : outcome === 'not there' ? '-' : 'X')
  const rows = commands.map(command => {
    const cells = binaries.map(binary => mark(outcomes.get(command)?.get(binary)).padStart(5))
    return `${command.name.padEnd(width)}  ${cells.join('')}`
  })
  return [head, ...rows].join('\n')
}

test('Debian’s kubectl is among those that are here', () => {
  expect(kubectlBinaries().map(({ version }) => version)).toContain('1.20')
})

describe.each(binaries.map(binary => [binary.version, binary] as const))('kubectl %s', (_, binary) => {
  test.each(commands.map(command => [command.name, command] as const))('%s', (_, command) => {
    const outcome = outcomes.get(command)?.get(binary)
    if (outcome instanceof Error) throw outcome
    expect(['passed', 'not there']).toContain(outcome)
  })
})
