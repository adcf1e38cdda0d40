import { expect, test } from 'vitest'
import { takenBytes } from './address-range.ts'
import { evictionConfig } from './eviction-flags.ts'
import { parseDuration, UsageError } from './flags.ts'
import { garbageSettings } from './garbage-flags.ts'
import { kubeletFlagTable } from './kubelet-flags.ts'
import { clusterFlagTable, parseUp, upHelp } from './options.ts'
import { parseServer } from './server-flags.ts'

const up = (line: string) => {
  const options = parseUp(line.split(' ').filter(Boolean))
  if (options === 'help') throw new Error('help')
  return options
}

test('without flags: one Docker node on port 6443, LevelDB, everything in one folder', () => {
  const { dataDir, kubeconfig, ...options } = up('')
  expect(options).toEqual({
    detach: false,
    port: 6443,
    nodes: 1,
    simulatedNodes: 0,
    runtime: 'docker',
    store: 'level',
    logLevel: 'warn',
    controlPlane: {},
  })
  expect(kubeconfig).toBe(`${dataDir}/kubeconfig`)
})

test('flags say otherwise', () => {
  expect(
    up('--port=0 --nodes 3 --simulated-nodes 1000 --runtime simulated --store memory --detach --data-dir /x --kubeconfig /y'),
  ).toMatchObject({
    ...{
      detach: true,
      port: 0,
      nodes: 3,
      simulatedNodes: 1000,
      runtime: 'simulated',
      store: 'memory',
      dataDir: '/x',
      kubeconfig: '/y',
    },
  })
})

test.each(['up', 'server'] as const)('%s takes a file of admission settings', verb => {
  const args = ['--admission-control-config-file', '/a.yaml']
  expect(verb === 'up' ? parseUp(args) : parseServer(args)).toMatchObject({ admissionConfig: '/a.yaml' })
})

test('every flag that the help names is taken', () => {
  const named = [...new Set(upHelp.match(/--[a-z][-a-z]+/g))].map(flag => flag.slice(2))
  const known = ['nodes', 'simulated-nodes', 'simulated-stages', 'runtime']
  const table = { ...clusterFlagTable, ...kubeletFlagTable }
  expect(named.filter(flag => !(flag in table) && !known.includes(flag))).toEqual([])
})

test.each([
  ['--port many', '--port must be a whole number from 0 to 65535, not "many"'],
  ['--port 70000', '--port must be a whole number from 0 to 65535, not "70000"'],
  ['--nodes -1', "Option '--nodes' argument is ambiguous"],
  ['--runtime podman', '--runtime must be one of docker, simulated, not "podman"'],
  ['--store etcd', '--store must be one of level, memory, not "etcd"'],
  ['--log-level loud', '--log-level must be one of trace, debug, info, warn, error, silent, not "loud"'],
  ['--wat', "Unknown option '--wat'"],
  [
    '--eviction-pressure-transition-period soon',
    '--eviction-pressure-transition-period must be a duration such as 30s or 5m, not "soon"',
  ],
])('%s is refused, and named', (line, message) => {
  expect(() => up(line)).toThrow(UsageError)
  expect(() => up(line)).toThrow(message)
})

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['1.5s', 1500],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration('x', text)).toBe(ms)
})

test('what kubelets set aside, throw away and keep', () => {
  expect(garbageSettings()).toEqual(garbageSettings(up('').garbage))
  const { config, logLimits } = garbageSettings(
    up(
      '--system-reserved cpu=500m,memory=1Gi --image-gc-high-threshold 90 --image-gc-scope all --maximum-image-ttl-duration 24h --maximum-dead-containers 7 --container-log-max-size 1Mi --container-log-max-files 2 --keep-deleted 0',
    ).garbage,
  )
  expect(logLimits).toEqual({ maxBytes: 2 ** 20, maxFiles: 2 })
  expect(config).toMatchObject({
    systemReserved: { cpu: '500m', memory: '1Gi' },
    imageGarbage: { highThresholdPercent: 90, lowThresholdPercent: 80, scope: 'all', maximumAgeInMs: 86_400_000 },
    containerGarbage: { maxPerPodContainer: 1, maxContainers: 7 },
    keptLogs: { keepInMs: 0 },
  })
})

test.each([
  ['--image-gc-high-threshold 101', '--image-gc-high-threshold must be a whole number from 0 to 100'],
  ['--image-gc-high-threshold 80', '--image-gc-low-threshold must be lower'],
  ['--image-gc-scope mine', 'must be one of own, all, not "mine"'],
  ['--container-log-max-files 1', 'must be a whole number from 2 to 1000'],
  ['--container-log-max-size big', 'must be a size such as 10Mi'],
  ['--kube-reserved gpu=1', '"gpu=1" is not RESOURCE=QUANTITY'],
  ['--keep-deleted soon', 'must be a duration'],
])('%s is refused too', (line, message) => {
  expect(() => garbageSettings(up(line).garbage)).toThrow(message)
})

test('eviction flags replace the defaults they name', () => {
  const config = evictionConfig(
    up(
      '--eviction-hard memory.available<200Mi,nodefs.available<7% --eviction-soft memory.available<1Gi --eviction-soft-grace-period memory.available=30s --eviction-minimum-reclaim memory.available=50Mi --eviction-pressure-transition-period 5s --eviction-max-pod-grace-period 45 --signals f.json',
    ),
  )
  expect(config).toMatchObject({
    hard: { 'memory.available': '200Mi', 'nodefs.available': '7%' },
    soft: { 'memory.available': '1Gi' },
    softGraceInMs: { 'memory.available': 30_000 },
    minimumReclaim: { 'memory.available': '50Mi' },
    transitionPeriodInMs: 5000,
    maxPodGraceSeconds: 45,
  })
  expect(Object.keys(config.hard)).toHaveLength(2)
})

test.each([
  ['--eviction-hard cpu<1', 'with a signal of memory.available'],
  ['--eviction-hard memory.available', 'is not SIGNAL<VALUE'],
  ['--eviction-hard memory.available<lots', '"lots" is neither a quantity nor a percentage'],
  ['--eviction-soft memory.available<1Gi', 'memory.available needs an --eviction-soft-grace-period'],
])('%s is refused', (line, message) => {
  expect(() => evictionConfig(up(line))).toThrow(message)
})

test('routes take up the ranges they lead to', () => {
  const header = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT'
  const route = (destination: string, mask: string) => `br0\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0`
  const routes = [
    header,
    route('00000000', '00000000'),
    route('0000C80A', '0000FFFF'),
    route('0001C90A', '00FFFFFF'),
    route('0000FA0A', '0000FEFF'),
    route('000011AC', '0000FFFF'),
  ]
  expect([...takenBytes(routes.join('\n'))]).toEqual([200, 201, 250, 251])
})
