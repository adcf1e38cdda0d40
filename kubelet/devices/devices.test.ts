import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { silentLog } from '../../lib/log.ts'
import { admitHandlers, refusePod } from '../admission/admission.ts'
import { samplePod } from '../samples.ts'
import { type Devices, devices } from './devices.ts'
import { filePlugins } from './file-plugin.ts'
import type { Device, DevicePlugin } from './plugin.ts'
import { isExtendedResource } from './resource-names.ts'

const resource = 'example.com/spring'
let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-devices-'))
  file = join(folder, 'kubelet_internal_checkpoint')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const all: Record<string, boolean> = {}
const plugin = (ids: readonly string[]): DevicePlugin & { given: string[][] } => {
  for (const id of ids) all[id] = true
  const given: string[][] = []
  return {
    resource,
    given,
    devices: () => ids.map((id): Device => ({ id, isHealthy: all[id] ?? false })),
    async allocate(chosen) {
      given.push([...chosen])
      return { env: { SPRING: chosen.join() }, mounts: [], nodes: [], annotations: {} }
    },
  }
}
const asking = (name: string, ...counts: number[]) =>
  samplePod(
    {
      containers: counts.map((count, i) => ({
        name: `c${i}`,
        image: 'a:1',
        resources: { limits: { [resource]: String(count) } },
      })),
    },
    { name, uid: name },
  )
const admit = async (held: Devices, pod: ReturnType<typeof samplePod>) => {
  held.reserve(pod)
  await held.allocate(pod)
}
const envOf = async (held: Devices, uid: string, container: string) => (await held.optionsFor(uid, container))?.env.SPRING

test('each device has one owner at a time; who leaves makes room', async () => {
  const held = devices({ log: silentLog })
  held.add(plugin(['a', 'b', 'c']))
  await admit(held, asking('one', 1, 1))
  expect([await envOf(held, 'one', 'c0'), await envOf(held, 'one', 'c1')]).toEqual(['a', 'b'])
  expect(() => held.reserve(asking('two', 2))).toThrow(
    'requested number of devices unavailable for example.com/spring. Requested: 2, Available: 1',
  )
  expect(held.has('two')).toBe(false)
  held.forget('one')
  await admit(held, asking('two', 3))
  expect(await envOf(held, 'two', 'c0')).toBe('a,b,c')
})

test('what an init container leaves behind is had by those who come after it; a sidecar keeps its own', async () => {
  const held = devices({ log: silentLog })
  held.add(plugin(['a', 'b']))
  const limits = { [resource]: '1' }
  const container = (name: string, more: object = {}) => ({ name, image: 'a:1', resources: { limits }, ...more })
  const pod = samplePod({
    initContainers: [container('init'), container('sidecar', { restartPolicy: 'Always' })],
    containers: [container('app')],
  })
  await admit(held, pod)
  expect(await Promise.all(['init', 'sidecar', 'app'].map(name => envOf(held, 'uid-1', name)))).toEqual(['a', 'a', 'b'])
})

test('an unhealthy device is counted, not given; its owner’s status tells', async () => {
  const held = devices({ log: silentLog })
  held.add(plugin(['a', 'b']))
  await admit(held, asking('one', 1))
  all.a = false
  expect(held.amounts()).toEqual({ capacity: { [resource]: '2' }, allocatable: { [resource]: '1' } })
  expect(held.health('one', 'c0')).toEqual([{ name: resource, resources: [{ resourceID: 'a', health: 'Unhealthy' }] }])
  all.b = false
  expect(() => held.reserve(asking('two', 1))).toThrow(
    'no healthy devices present; cannot allocate unhealthy devices example.com/spring',
  )
})

test('what was given outlives the kubelet; a plugin that has not come back counts nothing, and its devices stay where they are', async () => {
  const first = devices({ file, log: silentLog })
  first.add(plugin(['a', 'b']))
  await admit(first, asking('one', 1))
  await expect.poll(() => readFile(file, 'utf8')).toContain('"SPRING"')
  const second = devices({ file, log: silentLog })
  await second.restore()
  expect(second.amounts()).toEqual({ capacity: { [resource]: '0' }, allocatable: { [resource]: '0' } })
  second.reserve(asking('one', 1))
  expect([await envOf(second, 'one', 'c0'), second.health('one', 'c0')[0]?.resources]).toEqual([
    'a',
    [{ resourceID: 'a', health: 'Unknown' }],
  ])
  expect(() => second.reserve(asking('two', 1))).toThrow('cannot allocate unregistered device example.com/spring')
  const back = plugin(['a', 'b'])
  second.add(back)
  await admit(second, asking('two', 1))
  expect(back.given).toEqual([['b']])
})

test('a pod whose devices cannot be had is refused before anybody looks at the rest of the node', () => {
  const held = devices({ log: silentLog })
  held.add(plugin([]))
  const node = Node.schema.parse({ metadata: { name: 'node-a' }, status: { allocatable: { cpu: '4', pods: '0' } } })
  const input = { pod: asking('one', 1), node, others: [], pressures: [] }
  expect(refusePod(input, admitHandlers({ reserveDevices: held.reserve }))).toEqual({
    reason: 'UnexpectedAdmissionError',
    message:
      'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices example.com/spring, which is unexpected',
  })
})

test('a file lists devices of this machine; they are healthy while they are there', async () => {
  const list = join(folder, 'devices.json')
  const present = join(folder, 'present')
  await writeFile(present, '')
  await writeFile(
    list,
    JSON.stringify({ [resource]: [present, { id: 'x', path: '/no/such', containerPath: '/dev/x', permissions: 'r' }] }),
  )
  const [found] = await filePlugins(list)
  expect(found?.devices()).toEqual([
    { id: present, isHealthy: true },
    { id: 'x', isHealthy: false },
  ])
  expect((await found?.allocate(['x']))?.nodes).toEqual([{ hostPath: '/no/such', containerPath: '/dev/x', permissions: 'r' }])
})

test.each([
  ['not json', 'is not JSON'],
  ['[]', 'must be an object'],
  ['{"cpu":[]}', '"cpu" is no name of an extended resource'],
  ['{"example.com/a":{}}', 'example.com/a must be a list of devices'],
  ['{"example.com/a":["dev"]}', 'each device needs a path that begins with a slash'],
  ['{"example.com/a":["/dev/x","/dev/x"]}', 'two devices have the same id'],
])('what is wrong with a file is said: %s', async (text, message) => {
  const list = join(folder, 'devices.json')
  await writeFile(list, text)
  await expect(filePlugins(list)).rejects.toThrow(message)
})

test.each([
  ['example.com/a', true],
  ['cpu', false],
  ['kubernetes.io/a', false],
  ['node.kubernetes.io/a', false],
  ['requests.example.com/a', false],
  ['notkubernetes.io/a', true],
])('%s is an extended resource: %s', (name, expected) => expect(isExtendedResource(name)).toBe(expected))
