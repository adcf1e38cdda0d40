import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { isReady } from '../../support/cluster.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

const pods = conformancePods('resize')

/** Requests and limits of a container, its restarts so far, and whether it is a sidecar. */
interface Sized {
  readonly name: string
  readonly cpu?: string | undefined
  readonly cpuLimit?: string | undefined
  readonly memory?: string | undefined
  readonly memoryLimit?: string | undefined
  readonly restarts?: number
  readonly isSidecar?: boolean
  readonly resizePolicy?: readonly object[]
}
interface Resources {
  readonly requests?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
}

const original = { cpu: '20m', cpuLimit: '30m', memory: '20Mi', memoryLimit: '30Mi' }
const reduced = { cpu: '15m', cpuLimit: '25m', memory: '15Mi', memoryLimit: '25Mi' }
const increased = { cpu: '25m', cpuLimit: '35m', memory: '25Mi', memoryLimit: '35Mi' }

const guaranteed = (name: string, cpu: string, memory: string, more: Partial<Sized> = {}): Sized => ({
  name,
  cpu,
  cpuLimit: cpu,
  memory,
  memoryLimit: memory,
  ...more,
})
/** So that no two containers of a pod have the same. */
const offset = (amount: string, by: number) => amount.replace(/^\d+/, digits => String(Number(digits) + 2 * by))
const nth = (index: number, cpu: string, memory: string) => guaranteed(`c${index + 1}`, offset(cpu, index), offset(memory, index))

const amounts = (cpu?: string, memory?: string) => ({ ...(cpu && { cpu }), ...(memory && { memory }) })
function resourcesOf({ cpu, memory, cpuLimit, memoryLimit }: Sized): Resources {
  const requests = amounts(cpu, memory)
  const limits = amounts(cpuLimit, memoryLimit)
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  }
}

async function start(name: string, sizes: readonly Sized[]): Promise<Pod> {
  const containers = sizes.map(size => ({
    size,
    container: {
      name: size.name,
      image: 'busybox:1.36',
      command: ['sleep', '600'],
      resources: resourcesOf(size),
      ...(size.resizePolicy && { resizePolicy: size.resizePolicy }),
      ...(size.isSidecar && { restartPolicy: 'Always' }),
    },
  }))
  const of = (isSidecar: boolean) =>
    containers.filter(({ size }) => (size.isSidecar ?? false) === isSidecar).map(one => one.container)
  await pods().pod(name, {
    restartPolicy: 'OnFailure',
    terminationGracePeriodSeconds: 0,
    initContainers: of(true),
    containers: of(false),
  })
  const pod = await pods().ready(name)
  await verify(name, sizes)
  return pod
}

const statusesOf = ({ status }: Pod) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
const containersOf = ({ spec }: Pod) => [...(spec.initContainers ?? []), ...spec.containers]
const byName = <T>(named: readonly { readonly name: string }[], one: (item: never) => T) =>
  Object.fromEntries(named.map(item => [item.name, one(item as never)]))

/** Status, restarts and the kernel's own figures are those of these sizes; answers the pod. */
async function verify(name: string, sizes: readonly Sized[]): Promise<Pod> {
  const pod = await eventually(
    async () => {
      const found = await pods().get(name)
      expect(
        byName(statusesOf(found), ({ resources, allocatedResources }: Sought) => ({ resources, allocatedResources })),
      ).toEqual(
        byName(sizes, (size: Sized) => ({
          resources: resourcesOf(size),
          allocatedResources: resourcesOf(size).requests,
        })),
      )
      const resizing = found.status.conditions?.filter(({ type }) => type.startsWith('PodResize'))
      expect(resizing, JSON.stringify(found.status)).toEqual([])
      expect(isReady(found)).toBe(true)
      return found
    },
    { timeoutInMs: 60_000 },
  )
  expect(byName(containersOf(pod), ({ resources }: Sought) => resources)).toEqual(byName(sizes, resourcesOf))
  expect(byName(statusesOf(pod), ({ restartCount }: Sought) => restartCount)).toEqual(
    byName(sizes, ({ restarts = 0 }: Sized) => restarts),
  )
  for (const size of sizes) {
    const seen = await eventually(() => figures(name, size.name))
    expect(size.name + JSON.stringify(seen)).toBe(size.name + JSON.stringify(expectedFigures(size)))
  }
  return pod
}

interface Sought {
  readonly resources: Resources
  readonly allocatedResources?: unknown
  readonly restartCount: number
}

/** Read in the container itself, of cgroups of version 1. */
async function figures(pod: string, container: string) {
  const files = ['cpu/cpu.shares', 'cpu/cpu.cfs_quota_us', 'memory/memory.limit_in_bytes']
  const command = ['cat', ...files.map(file => `/sys/fs/cgroup/${file}`)]
  const { stdout, stderr } = await pods().exec(pod, command, container)
  const [shares, quota, memory] = stdout.trim().split('\n').map(Number)
  if (memory === undefined) throw new Error(`these tests need cgroups of version 1; NOTHING WAS TESTED: ${stderr}`)
  return { shares, quota, memory: memory >= 2 ** 62 ? undefined : memory }
}

function expectedFigures({ cpu, cpuLimit, memoryLimit }: Sized) {
  const milli = (amount = '0m') => Number.parseInt(amount)
  return {
    shares: Math.max(2, Math.trunc((milli(cpu ?? cpuLimit) * 1024) / 1000)),
    quota: cpuLimit === undefined ? -1 : Math.max(1000, milli(cpuLimit) * 100),
    memory: memoryLimit === undefined ? undefined : Number.parseInt(memoryLimit) * 2 ** 20,
  }
}

/** Asks for other sizes through the resize subresource, of containers and sidecars. */
function resize(name: string, sizes: readonly Sized[]): Promise<Pod> {
  const change = (size: Sized) => ({ name: size.name, resources: resourcesOf(size) })
  const initContainers = sizes.filter(({ isSidecar }) => isSidecar).map(change)
  const spec = {
    ...(initContainers.length > 0 && { initContainers }),
    containers: sizes.filter(({ isSidecar }) => !isSidecar).map(change),
  }
  return pods().cluster.client.patch(Pod, { namespace: pods().namespace, name }, 'strategic', { spec }, { subresource: 'resize' })
}

/** There and back again: what was one way is the other way then. Restarts come with each way. */
async function resizeAndBack(name: string, before: readonly Sized[], after: readonly Sized[], isThereAWayBack = true) {
  await start(name, before)
  expect((await resize(name, after)).metadata.generation).toBe(2)
  await verify(name, after)
  if (isThereAWayBack) {
    const back = before.map((size, i) => ({ ...size, restarts: 2 * (after[i]?.restarts ?? 0) }))
    expect((await resize(name, back)).metadata.generation).toBe(3)
    await verify(name, back)
  }
  await pods().remove(name, 0)
}

const policies = (cpu: string, memory: string) => ({
  resizePolicy: [
    { resourceName: 'cpu', restartPolicy: cpu },
    { resourceName: 'memory', restartPolicy: memory },
  ],
})

describe.concurrent('Pod InPlace Resize Container', () => {
  describe('guaranteed qos - 1 container with resize policy', () => {
    describe.each([
      ['no restart', 'NotRequired', 'NotRequired', false],
      ['no restart + resize initContainers', 'NotRequired', 'NotRequired', true],
      ['mem restart', 'NotRequired', 'RestartContainer', false],
      ['cpu restart', 'RestartContainer', 'NotRequired', false],
      ['cpu & mem restart + resize initContainers', 'RestartContainer', 'RestartContainer', true],
    ] as const)('%s', (title, cpuPolicy, memoryPolicy, doesResizeSidecar) => {
      test.each([
        ['cpu', increased.cpu, original.memory],
        ['mem', original.cpu, increased.memory],
        ['cpu & mem in opposite directions', increased.cpu, reduced.memory],
      ])('%s', async (what, cpu, memory) => {
        const policy = policies(cpuPolicy, memoryPolicy)
        const isRestart =
          (cpuPolicy === 'RestartContainer' && cpu !== original.cpu) ||
          (memoryPolicy === 'RestartContainer' && memory !== original.memory)
        const restarts = isRestart ? 1 : 0
        const sidecar = guaranteed('sidecar', original.cpu, original.memory, { ...policy, isSidecar: true })
        const before = [sidecar, guaranteed('c1', original.cpu, original.memory, policy)]
        const after = [
          doesResizeSidecar ? guaranteed('sidecar', cpu, memory, { isSidecar: true, restarts }) : sidecar,
          guaranteed('c1', cpu, memory, { restarts }),
        ]
        await resizeAndBack(`g-${`${title} ${what}`.replace(/[^a-zA-Z]+/g, '-').toLowerCase()}`, before, after)
      })
    })
  })

  describe('guaranteed pods with multiple containers', () => {
    const before = [0, 1, 2].map(index => nth(index, original.cpu, original.memory))

    test('3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase', async () => {
      await resizeAndBack('net-increase', before, [
        nth(0, increased.cpu, increased.memory),
        nth(1, increased.cpu, increased.memory),
        nth(2, reduced.cpu, reduced.memory),
      ])
    })

    test('3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease', async () => {
      await resizeAndBack('net-decrease', before, [
        nth(0, increased.cpu, increased.memory),
        nth(1, reduced.cpu, reduced.memory),
        nth(2, reduced.cpu, reduced.memory),
      ])
    })

    test('3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)', async () => {
      await resizeAndBack('various', before, [
        nth(0, increased.cpu, original.memory),
        nth(1, reduced.cpu, increased.memory),
        nth(2, increased.cpu, increased.memory),
      ])
    })
  })

  describe('burstable pods - 1 container with all requests & limits set and resize policy', () => {
    describe.each([
      ['no restart', 'NotRequired', 'NotRequired'],
      ['cpu restart', 'RestartContainer', 'NotRequired'],
      ['mem restart', 'NotRequired', 'RestartContainer'],
    ] as const)('%s', (title, cpuPolicy, memoryPolicy) => {
      test.each<[string, Partial<Sized>]>([
        ['cpu requests', { cpu: increased.cpu }],
        ['cpu limits', { cpuLimit: increased.cpuLimit }],
        ['mem requests', { memory: increased.memory }],
        ['mem limits', { memoryLimit: increased.memoryLimit }],
        ['all resources in the same direction', increased],
        ['requests & limits in opposite directions', { ...increased, cpu: reduced.cpu, memoryLimit: reduced.memoryLimit }],
      ])('%s', async (what, change) => {
        const isCpu = 'cpu' in change || 'cpuLimit' in change
        const isMemory = 'memory' in change || 'memoryLimit' in change
        const isRestart = (cpuPolicy === 'RestartContainer' && isCpu) || (memoryPolicy === 'RestartContainer' && isMemory)
        const before = { name: 'c1', ...original, ...policies(cpuPolicy, memoryPolicy) }
        const after = { name: 'c1', ...original, ...change, restarts: isRestart ? 1 : 0 }
        await resizeAndBack(`b-${`${title} ${what}`.replace(/[^a-zA-Z]+/g, '-').toLowerCase()}`, [before], [after])
      })
    })
  })

  describe('burstable pods - extended', () => {
    test('6 containers - various operations performed (including adding limits and requests)', async () => {
      const { cpu, memory } = original
      await resizeAndBack(
        'six',
        [
          { name: 'c1', cpu },
          { name: 'c2', memory },
          { name: 'c3', cpu, memory },
          { name: 'c4', cpu },
          { name: 'c5', memory },
          { name: 'c6', cpu, memory },
        ],
        [
          { name: 'c1', cpu: increased.cpu, cpuLimit: increased.cpuLimit },
          { name: 'c2', memory: reduced.memory, memoryLimit: increased.memoryLimit },
          { name: 'c3', cpu, memory: reduced.memory },
          { name: 'c4', cpu: reduced.cpu, memory },
          { name: 'c5', cpu, memory: increased.memory },
          { name: 'c6', cpu, memory },
        ],
        false,
      )
    })

    test('resize with equivalents', async () => {
      await resizeAndBack(
        'equivalents',
        [{ name: 'c1', cpu: '2m', cpuLimit: '10m' }],
        [{ name: 'c1', cpu: '1m', cpuLimit: '5m' }],
      )
    })
  })

  test('resize pod via the replace endpoint', async () => {
    const { client, https } = pods().cluster
    const { cpu, memory } = increased
    const { metadata } = await start('replaced', [{ name: 'c1', cpu: original.cpu, memory: original.memory }])
    expect(metadata.generation).toBe(1)
    await eventually(async () => {
      const pod = await pods().get('replaced')
      const containers = pod.spec.containers.map(one => ({ ...one, resources: { requests: { cpu, memory } } }))
      await client.update(Pod, { ...pod, spec: { ...pod.spec, containers } } as Pod, { subresource: 'resize' })
    })
    expect((await pods().get('replaced')).metadata.generation).toBe(2)
    await verify('replaced', [{ name: 'c1', cpu, memory }])
    await eventually(async () => {
      const target = { group: '', version: 'v1', resource: 'pods', namespace: pods().namespace, name: 'replaced' }
      const whole = await https.call({ ...target, verb: 'get' })
      expect(await https.call({ ...target, subresource: 'resize', verb: 'get' })).toEqual(whole)
    })
  })

  describe('apply invalid resize patch requests', () => {
    const asIs: Sized = { name: 'c1', ...original }
    const cases: [string, Sized, Sized, RegExp][] = [
      [
        'BestEffort pod - request memory',
        { name: 'c1' },
        { name: 'c1', memory: '400Mi' },
        /Pod QOS Class may not change as a result of resizing/,
      ],
      [
        'BestEffort pod - request CPU',
        { name: 'c1' },
        { name: 'c1', cpu: '10m' },
        /Pod QOS Class may not change as a result of resizing/,
      ],
      [
        'Guaranteed pod - memory limits decreased below requests',
        guaranteed('c1', original.cpu, original.memory),
        { ...guaranteed('c1', original.cpu, original.memory), memoryLimit: '10Mi' },
        /must be less than or equal to memory limit/,
      ],
      [
        'Guaranteed pod - cpu request no longer the limit',
        guaranteed('c1', original.cpu, original.memory),
        { ...guaranteed('c1', original.cpu, original.memory), cpu: '10m' },
        /Pod QOS Class may not change as a result of resizing/,
      ],
      [
        'Burstable pod - nonexistent memory units',
        asIs,
        { ...asIs, memory: '400xyz' },
        /quantities must match the regular expression/,
      ],
      [
        'Burstable pod - CPU limit below its request',
        asIs,
        { ...asIs, cpuLimit: '1m' },
        /must be less than or equal to cpu limit/,
      ],
    ]
    test.each(cases)('%s', async (title, before, after, message) => {
      const name = `bad-${title.replace(/[^a-zA-Z]+/g, '-').toLowerCase()}`
      await start(name, [before])
      await expect(resize(name, [after])).rejects.toThrow(message)
      expect((await verify(name, [before])).metadata.generation).toBe(1)
      await pods().remove(name, 0)
    })

    const { cpu, memory } = original
    test.each<[string, Sized, object, RegExp]>([
      ['remove cpu & memory limits', { name: 'c1', ...original }, { limits: null }, /resource limits cannot be removed/],
      ['remove memory requests', { name: 'c1', memory }, { requests: null }, /resource requests cannot be removed/],
      ['remove cpu requests', { name: 'c1', cpu }, { requests: { cpu: null } }, /resource requests cannot be removed/],
    ])('Burstable pod - %s', async (title, size, resources, message) => {
      const name = `bad-${title.replace(/[^a-zA-Z]+/g, '-').toLowerCase()}`
      const sizes = [size, { name: 'c2', ...original }]
      await start(name, sizes)
      const ref = { namespace: pods().namespace, name }
      const spec = { containers: [{ name: 'c1', resources }] }
      const patching = pods().cluster.client.patch(Pod, ref, 'strategic', { spec }, { subresource: 'resize' })
      await expect(patching).rejects.toThrow(message)
      await verify(name, sizes)
      await pods().remove(name, 0)
    })

    test('reorder or rename containers', async () => {
      const { client } = pods().cluster
      const sizes = [
        { name: 'c1', ...original },
        { name: 'c2', ...original },
      ]
      await start('bad-order', sizes)
      const change = (to: (containers: Pod['spec']['containers']) => readonly object[]) =>
        eventually(async () => {
          const pod = await pods().get('bad-order')
          const next = { ...pod, spec: { ...pod.spec, containers: to(pod.spec.containers) } } as Pod
          const refused = await client.update(Pod, next, { subresource: 'resize' }).catch(String)
          expect(refused).toContain(
            'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize, spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize',
          )
        })
      await change(containers => containers.toReversed())
      await change(containers => containers.map(one => ({ ...one, name: `${one.name}-new` })))
      await verify('bad-order', sizes)
      await pods().remove('bad-order', 0)
    })
  })

  test('pod-resize-memory-limit-decrease', async () => {
    const size = (memory: string) => [{ name: 'c1', memory, memoryLimit: memory }]
    await start('shrinking', size('30Mi'))
    await resize('shrinking', size('20Mi'))
    await verify('shrinking', size('20Mi'))
    await resize('shrinking', size('10Ki'))
    await eventually(
      async () => {
        const { conditions = [] } = (await pods().get('shrinking')).status
        expect(conditions.find(({ type }) => type === 'PodResizePending')).toBeUndefined()
        expect(conditions.find(({ type }) => type === 'PodResizeInProgress')).toMatchObject({
          reason: 'Error',
          message: expect.stringMatching(/memory limit \(\d+\) below current usage/),
        })
      },
      { timeoutInMs: 30_000 },
    )
    expect((await pods().get('shrinking')).status.containerStatuses?.[0]?.resources).toEqual(
      resourcesOf(size('20Mi')[0] as Sized),
    )
    await resize('shrinking', size('30Mi'))
    await verify('shrinking', size('30Mi'))
  })
})
