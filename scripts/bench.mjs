// npm run bench [-- NAME...]: bundles bench/ and runs it; prints one table, or JSON with --json. `npm run bench:scale` plays one long
// story at several sizes instead, and draws it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engineAddress, ensureBundle, ensureDependencies, ensureEngine, root } from './bootstrap.mjs'
import { bundleOptions } from './build.mjs'

ensureDependencies()
await ensureBundle()
const [, , first, ...others] = process.argv
const isScale = first === 'scale'
// What the scale is measured on is simulated.
const engine = isScale ? { found: false } : await ensureEngine()
if (engine.found) await import('./busybox-image.mjs').then(({ ensureBusyboxImage }) => ensureBusyboxImage(engineAddress()))
else if (!isScale) console.error(`Pod start times cannot be measured: ${engine.why}.`)

const { build } = await import('esbuild')
// Inside the clone, so that what is not bundled is found in node_modules.
const folder = mkdtempSync(join(root, 'node_modules', '.wherry-bench-'))
try {
  await build({
    ...bundleOptions,
    entryPoints: isScale
      ? { main: 'bench/scale-main.ts' }
      : { main: 'bench/main.ts', 'http-load': 'bench/http-load.ts', reader: 'bench/reader.ts' },
    outdir: folder,
  })
  const { status } = spawnSync(
    process.execPath,
    ['--expose-gc', join(folder, 'main.mjs'), ...(isScale ? others : process.argv.slice(2))],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, WHERRY_BENCH_TMP: tmpdir() },
    },
  )
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
