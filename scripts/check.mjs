// npm run check: types, lint, layers and unit tests; the first fault of each is enough to fail.
import { spawnSync } from 'node:child_process'
import { ensureDependencies, root } from './bootstrap.mjs'

ensureDependencies()

const steps = [
  ['format', 'npx', ['biome', 'format', '.']],
  ['types', 'npx', ['tsc', '-p', '.']],
  ['lint', 'npx', ['oxlint', '--type-aware', '--quiet']],
  ['layers', 'node', ['scripts/check-layers.mjs']],
  ['unit tests', 'npx', ['vitest', 'run', '--project', 'unit', '--reporter=default']],
]

const chosen = process.argv.includes('--no-tests') ? steps.slice(0, -1) : steps
for (const [name, command, args] of chosen) {
  const started = performance.now()
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (status !== 0) {
    console.error(`${name}: failed after ${seconds} s`)
    process.exit(1)
  }
  console.log(`${name}: fine, ${seconds} s`)
}
