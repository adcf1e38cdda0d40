// npm start: sets up what is missing, then runs `wherry up` with the flags given after `--`.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureBundle, ensureDependencies, ensureEngine, root } from './bootstrap.mjs'
import { nodeEnv, nodeFlags } from './node-flags.mjs'

const flags = process.argv.slice(2)
const wantsSimulation = flags.some(
  (flag, i) => flag === '--runtime=simulated' || (flag === '--runtime' && flags[i + 1] === 'simulated'),
)

ensureDependencies()
await ensureBundle()
const runtime = []
if (!wantsSimulation) {
  const engine = await ensureEngine()
  if (!engine.found) {
    if (flags.some(flag => flag === '--runtime' || flag.startsWith('--runtime='))) {
      process.stderr.write(`${engine.why}\n`)
      process.exit(1)
    }
    process.stderr.write(
      [
        '',
        '  ┌─ SIMULATED ─────────────────────────────────────────────────────────────┐',
        '  │ There is no Docker engine, so pods are simulated: they are scheduled,    │',
        '  │ become Ready, roll and are evicted, but no container runs behind them.   │',
        '  └──────────────────────────────────────────────────────────────────────────┘',
        `  Why: ${engine.why}.`,
        '',
        '',
      ].join('\n'),
    )
    runtime.push('--runtime', 'simulated')
  }
}

const child = spawn(process.execPath, [...nodeFlags, join(root, 'dist', 'wherry.mjs'), 'up', ...flags, ...runtime], {
  stdio: 'inherit',
  env: { ...process.env, ...nodeEnv },
})
// The terminal sends Ctrl-C to both; the child decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 0)))
