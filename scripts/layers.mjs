/**
 * The one table of who may import whom: `npm run check` enforces it and `docs/architecture.md` shows the picture made from it.
 * A folder may always import itself. Tests (`*.test.ts`, `*.contract.ts`, `testing.ts`) may import anything.
 */
export const layers = {
  lib: [],
  api: ['lib'],
  storage: ['lib'],
  streaming: ['api', 'lib'],
  apiserver: ['storage', 'streaming', 'api', 'lib'],
  client: ['streaming', 'api', 'lib'],
  scheduler: ['client', 'api', 'lib'],
  controllers: ['client', 'api', 'lib'],
  kubelet: ['client', 'streaming', 'api', 'lib'],
  proxy: ['client', 'api', 'lib'],
  kubectl: ['client', 'api', 'lib'],
  cmd: '*',
  sim: '*',
  test: '*',
  bench: '*',
}

/** Libraries that only one place may know. */
export const fences = {
  fastify: ['apiserver/http/'],
  ws: ['apiserver/http/', 'client/', 'streaming/'],
  level: ['storage/level/'],
  'classic-level': ['storage/level/'],
  '@grpc/grpc-js': ['lib/grpc/'],
  protobufjs: ['lib/grpc/'],
  dockerode: ['kubelet/runtime/docker/'],
  pino: ['lib/'],
  zod: ['api/', 'apiserver/openapi'],
}

/** Globals that only some places may touch: the clock, chance, the process, the console. */
export const globals = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    name: 'the wall clock',
    allowed: ['lib/clock.ts', 'bench/', 'scripts/', 'test/'],
  },
  { pattern: /\b(setTimeout|setInterval)\(/, name: 'timers', allowed: ['lib/clock.ts', 'bench/', 'scripts/', 'test/'] },
  { pattern: /\bMath\.random\(/, name: 'chance', allowed: ['lib/random.ts', 'bench/', 'test/'] },
  {
    pattern: /(?<![.\w'"`-])process\.[a-z]/,
    name: 'process',
    allowed: ['lib/clock.ts', 'lib/log.ts', 'cmd/', 'kubectl/main.ts', 'bench/', 'scripts/', 'test/'],
  },
  { pattern: /(?<![.\w'"`-])console\.[a-z]/, name: 'console', allowed: ['cmd/', 'bench/', 'scripts/', 'test/'] },
]
