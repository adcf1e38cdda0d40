import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bridgeName } from '../runtime/docker/network.ts'
import { clusterNames } from './cluster-names.ts'
import { type PacketState, packetBatch, packetRules, removalBatch } from './packet-rules.ts'
import { innerAddress, macOf, planRoutes, type Way } from './route-plan.ts'
import { keepRoutes, knownRoutes } from './routes-file.ts'

const names = clusterNames('test')
const peer = (name: string, number: number) => ({ name, podCIDR: `10.200.${number}.0/24`, address: `192.0.2.${number}` })
const direct: Way = { device: 'eth0', isDirect: true, isLocal: false }
const routed: Way = { device: 'eth0', isDirect: false, isLocal: false }
const here: Way = { device: 'lo', isDirect: true, isLocal: true }

test('the rules match the bridges that the runtime makes', () => {
  const bridge = bridgeName({ cluster: 'test', node: 'node-1' })
  expect(bridge.startsWith(names.bridges.slice(0, -1))).toBe(true)
})

test.each([
  ['auto', direct, [['192.0.2.2', 'eth0']], 0],
  ['auto', routed, [['10.200.2.0', 'wx']], 1],
  ['routes', direct, [['192.0.2.2', 'eth0']], 0],
  ['routes', routed, [], 0],
  ['vxlan', direct, [['10.200.2.0', 'wx']], 1],
  ['none', direct, [], 0],
  ['auto', here, [], 0],
  ['vxlan', here, [], 0],
  ['auto', undefined, [], 0],
] as const)('mode %s and the way %j: routes %j, %i ends of a tunnel', (mode, way, routes, ends) => {
  const plan = planRoutes([peer('two', 2)], () => way, { mode, tunnel: 'wx' })
  expect(plan.routes.map(({ via, device }) => [via, device])).toEqual(routes)
  expect(plan.ends).toHaveLength(ends)
  expect(plan.unreachable).toHaveLength(mode !== 'none' && (!way || (mode === 'routes' && way === routed)) ? 1 : 0)
})

test('an end of the tunnel is computed from what everybody knows', () => {
  expect([innerAddress('10.200.2.0/24'), macOf('192.0.2.16')]).toEqual(['10.200.2.0', '0a:58:c0:00:02:10'])
})

const input = { names, own: ['10.200.0.0/24', '10.200.1.0/24'], peers: [peer('two', 2)] }
const rules = packetRules(input)
const untouched: PacketState = {
  dockerUser: ['-N DOCKER-USER', '-A DOCKER-USER -j RETURN'],
  forwardHook: [],
  postrouting: ['-P POSTROUTING ACCEPT', '-A POSTROUTING -s 10.200.0.0/24 ! -o br -j MASQUERADE'],
  forward: undefined,
  nat: undefined,
}
const { forwardChain, natChain, bridges } = names
const standing: PacketState = {
  ...untouched,
  dockerUser: ['-N DOCKER-USER', `-A DOCKER-USER -j ${forwardChain}`, '-A DOCKER-USER -j RETURN'],
  postrouting: ['-P POSTROUTING ACCEPT', `-A POSTROUTING -j ${natChain}`, ...untouched.postrouting.slice(1)],
  forward: [`-N ${forwardChain}`, ...rules.forward.map(rule => `-A ${forwardChain} ${rule}`)],
  nat: [`-N ${natChain}`, ...rules.nat.map(rule => `-A ${natChain} ${rule}`)],
}

test('packets between pods pass and keep their source; those from other nodes pass', () => {
  expect(rules).toEqual({
    forward: [
      `-i ${bridges} -o ${bridges} -j ACCEPT`,
      `-s 10.200.2.0/24 -o ${bridges} -j ACCEPT`,
      `-s 192.0.2.2/32 -o ${bridges} -j ACCEPT`,
    ],
    nat: [
      '-s 10.200.0.0/24 -d 10.200.1.0/24 -j ACCEPT',
      '-s 10.200.0.0/24 -d 10.200.2.0/24 -j ACCEPT',
      '-s 10.200.1.0/24 -d 10.200.0.0/24 -j ACCEPT',
      '-s 10.200.1.0/24 -d 10.200.2.0/24 -j ACCEPT',
    ],
  })
})

test('what is missing is made, what stands is left alone', () => {
  const batch = packetBatch(names, rules, untouched)
  expect(batch).toContain(`*filter\n:${forwardChain} - [0:0]\n-I DOCKER-USER 1 -j ${forwardChain}\n`)
  expect(batch).toContain(`*nat\n:${natChain} - [0:0]\n-I POSTROUTING 1 -j ${natChain}\n`)
  expect(packetBatch(names, rules, standing)).toBeUndefined()
})

test.each([
  [
    'Docker put its rules in front',
    { postrouting: [...untouched.postrouting, `-A POSTROUTING -j ${natChain}`] },
    `-D POSTROUTING -j ${natChain}`,
  ],
  ['somebody flushed a chain', { forward: [`-N ${forwardChain}`] }, `:${forwardChain} - [0:0]`],
  ['DOCKER-USER was made anew', { dockerUser: untouched.dockerUser }, `-I DOCKER-USER 1 -j ${forwardChain}`],
] as const)('when %s it is put right', (_, change, line) => {
  expect(packetBatch(names, rules, { ...standing, ...change })).toContain(line)
})

test('the jump of another cluster may stand before ours', () => {
  const postrouting = ['-P POSTROUTING ACCEPT', '-A POSTROUTING -j WHERRY-NAT-fffff', ...standing.postrouting.slice(1)]
  expect(packetBatch(names, rules, { ...standing, postrouting })).toBeUndefined()
})

test("without Docker's chain the rules hang on FORWARD", () => {
  const state = { ...untouched, dockerUser: undefined, forwardHook: ['-P FORWARD ACCEPT'] }
  expect(packetBatch(names, rules, state)).toContain(`-I FORWARD 1 -j ${forwardChain}`)
})

test('all of it goes again', () => {
  expect(removalBatch(names, standing)?.split('\n')).toEqual([
    ...['*filter', `:${forwardChain} - [0:0]`, `-D DOCKER-USER -j ${forwardChain}`, `-X ${forwardChain}`, 'COMMIT'],
    ...['*nat', `:${natChain} - [0:0]`, `-D POSTROUTING -j ${natChain}`, `-X ${natChain}`, 'COMMIT', ''],
  ])
  expect(removalBatch(names, untouched)).toBeUndefined()
})

test('routes are remembered beyond a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-routes-'))
  try {
    const path = join(folder, 'nodes', 'routes.json')
    expect(await knownRoutes(path)).toEqual([])
    await keepRoutes(path, ['10.200.2.0/24', '10.200.1.0/24'])
    expect(await knownRoutes(path)).toEqual(['10.200.1.0/24', '10.200.2.0/24'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
