import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { samplePod } from '../samples.ts'
import { refusePod } from './admission.ts'
import { choosePreemptionVictims } from './preemption.ts'

const node = Node.schema.parse({
  metadata: { name: 'node-a', labels: { disk: 'ssd' } },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '3' } },
})
const asking = (cpu: string, more: object = {}) => ({
  containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu } } }],
  ...more,
})
const besteffort = {}
const tolerating = { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] }
const critical = { priority: 2_000_000_000 }

test.each<[string, object, object[], string[], string | undefined]>([
  ['room enough', asking('3'), [asking('1')], [], undefined],
  ['too little cpu', asking('3'), [asking('2')], [], 'OutOfcpu'],
  ['too many pods', besteffort, [{}, {}, {}], [], 'OutOfpods'],
  ['another node wanted', { nodeSelector: { disk: 'hdd' } }, [], [], 'NodeAffinity'],
  [
    'a harmless kernel parameter',
    { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } },
    [],
    [],
    undefined,
  ],
  ['a dangerous one', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }, [], [], 'SysctlForbidden'],
  ['memory short: nothing asked for', besteffort, [], ['MemoryPressure'], 'Evicted'],
  ['memory short: something asked for', asking('1'), [], ['MemoryPressure'], undefined],
  ['memory short: tolerated', tolerating, [], ['MemoryPressure'], undefined],
  ['disk short', asking('1'), [], ['DiskPressure'], 'Evicted'],
  ['both short', { ...asking('1'), ...tolerating }, [], ['MemoryPressure', 'DiskPressure'], 'Evicted'],
  ['critical in any case', critical, [], ['DiskPressure'], undefined],
])('%s', (_title, spec, others, pressures, reason) => {
  const input = { pod: samplePod(spec), node, others: others.map(other => samplePod(other)), pressures }
  expect(refusePod(input)?.reason).toBe(reason)
})

test('the message of a refusal under pressure names the conditions', () => {
  const refusal = refusePod({ pod: samplePod(), node, others: [], pressures: ['DiskPressure'] })
  expect(refusal?.message).toBe('The node had condition: [DiskPressure]. ')
})

const named = (name: string, cpu: string, kind: 'Guaranteed' | 'Burstable' | 'BestEffort', priority = 0) => {
  const requests = { cpu, memory: '1Mi' }
  const resources = kind === 'BestEffort' ? {} : kind === 'Guaranteed' ? { requests, limits: requests } : { requests }
  return samplePod({ priority, containers: [{ name: 'app', image: 'app:1', resources }] }, { name, uid: name })
}

test.each<[string, number, string[] | undefined]>([
  ['one burstable pod is enough', 1000, ['burstable-small']],
  ['the one that comes closest', 2000, ['burstable-large']],
  ['both before any guaranteed one', 2500, ['burstable-large', 'burstable-small']],
  ['then a guaranteed one as well', 3500, ['burstable-small', 'burstable-large', 'guaranteed']],
  ['not even all would do', 9000, undefined],
])('%s', (_title, cpu, expected) => {
  const running = [
    named('guaranteed', '1', 'Guaranteed'),
    named('burstable-large', '2', 'Burstable'),
    named('burstable-small', '1', 'Burstable'),
    named('nothing', '0', 'BestEffort'),
    named('vital', '9', 'Guaranteed', 2_000_000_000),
  ]
  const victims = choosePreemptionVictims(named('new', '1', 'Guaranteed', 2_000_000_000), running, { cpu })
  expect(victims?.map(pod => pod.metadata.name).sort()).toEqual(expected?.sort())
})

test('nobody makes room for a pod that is not critical', () => {
  expect(
    choosePreemptionVictims(named('new', '1', 'Guaranteed', 5), [named('old', '1', 'Burstable')], { cpu: 1 }),
  ).toBeUndefined()
})
