import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { systemClock } from '../lib/clock.ts'
import { nodeEnv, nodeFlags } from '../scripts/node-flags.mjs'
import { type DataDir, runningCluster } from './data-dir.ts'

const patienceInMs = 60_000

/** Starts `wherry up`, or another verb, in the background, its output in the data dir's log, and waits until it is ready. Answers the exit code. */
export async function detach(verb: string, args: readonly string[], dir: DataDir): Promise<number> {
  mkdirSync(dir.path, { recursive: true, mode: 0o700 })
  const log = openSync(dir.log, 'w')
  const own = args.filter(arg => arg !== '--detach' && arg !== '--detach=true')
  const child = spawn(process.execPath, [...nodeFlags, process.argv[1] ?? '', verb, ...own], {
    detached: true,
    env: { ...process.env, ...nodeEnv },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  const deadline = systemClock.monotonic() + patienceInMs
  while (!runningCluster(dir)?.readySince) {
    if (ended) {
      process.stderr.write(readFileSync(dir.log, 'utf8'))
      return 1
    }
    if (systemClock.monotonic() > deadline)
      throw new Error(`the cluster was not ready within ${patienceInMs / 1000} s; see ${dir.log}`)
    await systemClock.sleep(20)
  }
  child.unref()
  process.stdout.write(
    `${readFileSync(dir.log, 'utf8').trimEnd()}\n\nIt runs in the background, its log in ${dir.log}. Stop it with \`npx wherry down\`.\n`,
  )
  return 0
}
