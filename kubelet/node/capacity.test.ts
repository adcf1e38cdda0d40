import { expect, test } from 'vitest'
import { defaultKubeletConfig, type KubeletConfig } from '../config.ts'
import { imaginaryMachine } from '../testing.ts'
import { allocatableOf, capacityOf, countCpus, refuseConfig, refuseReservations } from './capacity.ts'
import { computeNodeStatus } from './node-status.ts'

const gib = 2 ** 30
const configured = (overrides: Partial<KubeletConfig>): KubeletConfig => ({ ...defaultKubeletConfig, ...overrides })
const filesystem = { capacityInBytes: 100 * gib, availableInBytes: 50 * gib, inodes: 10, inodesFree: 5 }
const machine = imaginaryMachine({ hugepages: { 'hugepages-2Mi': '1Gi', 'hugepages-1Gi': '0' } })

test.each([
  ['as configured', { maxPods: 42 }, '42'],
  ['by processors', { podsPerCore: 5 }, '20'],
  ['whichever is less', { podsPerCore: 50 }, '110'],
])('pods: %s', (_title, config, pods) => {
  expect(capacityOf({ machine, filesystem, config: configured(config) }).pods).toBe(pods)
})

test('huge pages are a resource of their own, and no memory for others', () => {
  const config = configured({ kubeReserved: { 'hugepages-2Mi': '256Mi' } })
  const capacity = capacityOf({ machine, filesystem, config })
  expect(capacity).toMatchObject({ 'hugepages-2Mi': '1Gi', 'hugepages-1Gi': '0', memory: '8388608Ki' })
  expect(allocatableOf(capacity, config)).toMatchObject({
    'hugepages-2Mi': `${768 * 1024}Ki`,
    'hugepages-1Gi': '0',
    memory: `${(8 * gib - gib - 100 * 2 ** 20) / 1024}Ki`,
  })
})

test('reserved processors take the place of every other reservation of cpu', () => {
  const config = configured({
    reservedSystemCPUs: '0-1,3',
    kubeReserved: { cpu: '1', memory: '1Gi' },
    systemReserved: { cpu: '500m' },
  })
  expect(allocatableOf({ cpu: '4', memory: '8Gi' }, config)).toMatchObject({
    cpu: '1000m',
    memory: `${(7 * gib - 100 * 2 ** 20) / 1024}Ki`,
  })
})

test.each([
  ['0', 1],
  ['0-3', 4],
  ['0-1,1,5', 3],
])('%s names %i processors', (list, count) => expect(countCpus(list)).toBe(count))
test.each(['', 'a', '3-1', '1,'])('%j names none', list => expect(() => countCpus(list)).toThrow('unable to parse reserved CPUs'))

test.each<[Partial<KubeletConfig>, string]>([
  [{ cpuManagerPolicy: 'static' }, 'cpuManagerPolicy static is not supported: '],
  [{ memoryManagerPolicy: 'Static' }, 'memoryManagerPolicy Static is not supported: '],
  [{ topologyManagerPolicy: 'best-effort' }, 'topologyManagerPolicy best-effort is not supported: '],
  [{ enforceNodeAllocatable: ['pods', 'system-reserved'] }, 'enforceNodeAllocatable system-reserved is not supported: '],
  [{ reservedSystemCPUs: 'x' }, 'unable to parse reserved CPUs'],
])('%j is refused at the start', (config, message) => {
  expect(() => refuseConfig(configured(config))).toThrow(message)
})

test('more reserved than there is, is refused; the rest is fine', () => {
  const capacity = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi' }
  expect(() => refuseReservations(capacity, defaultKubeletConfig)).not.toThrow()
  expect(() => refuseReservations(capacity, configured({ kubeReserved: { cpu: '3' }, systemReserved: { cpu: '2' } }))).toThrow(
    'invalid Node Allocatable configuration. Resource "cpu" has a reservation of 5000m but capacity of 4000m. Expected capacity >= reservation.',
  )
})

test('the status has what plugins offer, and what somebody else has put into the capacity', () => {
  const status = computeNodeStatus(
    {
      nodeName: 'node-a',
      config: defaultKubeletConfig,
      machine,
      filesystem,
      runtimeVersion: '',
      images: [],
      problems: [],
      pressures: [],
      now: 0,
      devices: { capacity: { 'example.com/spring': '3' }, allocatable: { 'example.com/spring': '2' } },
      known: { 'example.com/dongle': '4', 'example.com/spring': '9', cpu: '99' },
    },
    [],
  )
  expect(status.capacity).toMatchObject({ cpu: '4', 'example.com/spring': '3', 'example.com/dongle': '4' })
  expect(status.allocatable).toMatchObject({ cpu: '4', 'example.com/spring': '2', 'example.com/dongle': '4' })
})
