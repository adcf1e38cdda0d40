// Bundles everything into dist/: one entry, one bundle for each verb, and libraries that are loaded only when somebody needs them.
import { mkdirSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './bootstrap.mjs'

/** What libraries bring along for uses that we do not have: a third of the bundle, and of the time it takes to start. */
const leftOut = ['ssh2', '@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request']

const leftOutPath = join(root, 'scripts', 'left-out.cjs')

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
    ...Object.fromEntries(leftOut.map(name => [name, leftOutPath])),
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

/** Each is loaded as a whole and at once (cmd/program.ts), and what V8 makes of it is kept for the next time. */
const programs = ['up', 'agent', 'token', 'down', 'status', 'kubectl']

/** What only some runs of a program need stays apart, so that the others need not read it. */
const apart = {
  yaml: 'yaml',
  ws: 'ws',
  jose: 'jose',
  dockerode: 'dockerode',
  protobufjs: 'protobufjs',
  'grpc-js': '@grpc/grpc-js',
  'yaml-worker': 'apiserver/http/yaml-worker.ts',
}

/** How all that the entry loads is bundled: what V8 has compiled of a script can be kept, of a module only since Node 22. */
const scriptOptions = {
  ...bundleOptions,
  splitting: false,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  entryNames: '[name]-[hash]',
  outdir: 'dist/chunks',
  metafile: true,
  write: false,
  supported: { 'dynamic-import': false }, // require() finds the same, without a module around it
  define: { 'import.meta.url': '__wherryUrl' },
  banner: { js: "const __wherryUrl=require('node:url').pathToFileURL(__filename).href;" },
}

/** Writes dist/wherry.mjs and what it loads, wherever that is to be. */
export async function build({ from = root, to = join(root, 'dist') } = {}) {
  const { build: bundle } = await import('esbuild')
  const chunks = resolve(to, 'chunks')
  mkdirSync(chunks, { recursive: true })
  const into = { absWorkingDir: from, outdir: chunks }
  const libraries = write(
    await bundle({
      ...scriptOptions,
      ...into,
      entryPoints: apart,
      plugins: [{ name: 'without gRPC', setup: leaveOutBuildKit }],
    }),
  )
  const verbs = write(
    await bundle({
      ...scriptOptions,
      ...into,
      banner: { js: `(function(exports,require,module,__filename,__dirname){${scriptOptions.banner.js}` },
      footer: { js: '})' },
      entryPoints: Object.fromEntries(programs.map(name => [name, `cmd/${name}.ts`])),
      external: ['classic-level/package.json', 'cpu-features', '*.node'],
      plugins: [
        { name: 'apart', setup: build => keepApart(build, libraries) },
        { name: 'light', setup: makeLight },
      ],
    }),
  )
  await bundle({
    ...bundleOptions,
    absWorkingDir: from,
    entryPoints: { wherry: 'cmd/wherry.ts' },
    outdir: resolve(to),
    define: Object.fromEntries(programs.map(name => [`programs.${name}`, JSON.stringify(`./chunks/${verbs[name]}`)])),
  })
  removeOld(chunks, [...Object.values(libraries), ...Object.values(verbs)])
}

/** Writes what was bundled. Answers the files' names by those of their entry points: `up-ABCD2345.cjs` for `up`. */
function write({ outputFiles }) {
  return Object.fromEntries(
    outputFiles.map(({ path, text }) => {
      writeFileSync(path, inAscii(text))
      const file = basename(path)
      return [file.replace(/-[^-]*$/, ''), file]
    }),
  )
}

/** One Greek letter in a regular expression, which esbuild leaves as it is, makes V8 keep the whole text with two bytes a letter. */
const inAscii = text => text.replace(/[^\0-\x7f]/g, letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Leads the imports of what is kept apart there. */
function keepApart({ onResolve }, files) {
  onResolve({ filter: /^[a-z]+$|^@grpc\/grpc-js$|\/yaml-worker\.ts$/ }, ({ path, kind }) => {
    const file = kind !== 'entry-point' && files[basename(path, '.ts')]
    return file ? { path: `./${file}`, external: true } : undefined
  })
}

/** Docker's client builds images over gRPC, which nobody here asks it to. */
function leaveOutBuildKit({ onResolve }) {
  onResolve({ filter: /^(@grpc\/.*|protobufjs)$/ }, ({ importer }) =>
    /[/\\]dockerode[/\\]/.test(importer) ? { path: leftOutPath } : undefined,
  )
}

/** Each of these takes some milliseconds of every start. */
function makeLight({ onResolve, onLoad }) {
  // Our server speaks HTTP/1.1 only.
  onResolve({ filter: /^node:http2$/ }, ({ importer }) =>
    /[/\\]fastify[/\\]/.test(importer) ? { path: leftOutPath } : undefined,
  )
  // Bundled like all else, instead of read from dozens of files; only the binary stays where it was installed.
  const folder = "require('node:path').dirname(require.resolve('classic-level/package.json'))"
  onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({
    contents: `module.exports = require('node-gyp-build')(${folder})`,
  }))
}

/** Those of former builds stay for a day: a cluster that runs from them loads some of them late. */
const keptInMs = 24 * 60 * 60 * 1000

function removeOld(folder, current) {
  for (const name of readdirSync(folder)) {
    const isCurrent = current.some(file => name.startsWith(file)) // what V8 made of it as well
    const path = join(folder, name)
    if (!isCurrent && Date.now() - statSync(path).mtimeMs > keptInMs) rmSync(path)
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await build()
