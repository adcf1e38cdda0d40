// Bundles everything into dist/: one entry, and chunks that are loaded only when a verb needs them.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './bootstrap.mjs'

/** What libraries bring along for uses that we do not have: a third of the bundle, and of the time it takes to start. */
const leftOut = [
  'ssh2',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'protobufjs',
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  'light-my-request',
]

/** How everything of ours is bundled for Node. */
export const bundleOptions = {
  absWorkingDir: root,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['classic-level', 'cpu-features', '*.node'],
  alias: {
    // The module form: of the CommonJS one, a chunk that is loaded on demand would have no names but `default`.
    yaml: join(root, 'node_modules', 'yaml', 'browser', 'index.js'),
    ...Object.fromEntries(leftOut.map(name => [name, join(root, 'scripts', 'left-out.cjs')])),
  },
  // Less to read and compile at start; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  // Bundled CommonJS libraries ask for require and __dirname, which a module does not have.
  banner: {
    js: "import{createRequire as __wherryRequire}from'node:module';import{dirname as __wherryDir}from'node:path';import{fileURLToPath as __wherryPath}from'node:url';const require=__wherryRequire(import.meta.url);const __filename=__wherryPath(import.meta.url);const __dirname=__wherryDir(__filename);",
  },
  legalComments: 'none',
  logLevel: 'warning',
}

/** Writes dist/wherry.mjs and its chunks. */
export async function build() {
  const { build: bundle } = await import('esbuild')
  const { metafile } = await bundle({
    ...bundleOptions,
    entryPoints: { wherry: 'cmd/wherry.ts' },
    outdir: 'dist',
    metafile: true,
  })
  removeOld(new Set(Object.keys(metafile.outputs)))
}

/** Chunks of former builds stay for a day: a cluster that runs from them loads some of them late. */
const keptInMs = 24 * 60 * 60 * 1000

function removeOld(current) {
  for (const name of readdirSync(join(root, 'dist', 'chunks'))) {
    const path = join('dist', 'chunks', name)
    if (!current.has(path) && Date.now() - statSync(join(root, path)).mtimeMs > keptInMs) rmSync(join(root, path))
  }
}

if (process.argv[1]?.endsWith('build.mjs')) await build()
