import { expect, test } from 'vitest'
import { samplePod } from '../samples.ts'
import { cpuQuota, cpuShares, cpuWeight, linuxResources, oomScoreAdj, podOomScoreAdj } from './resources.ts'

test.each([
  [0, 2, 1, undefined],
  [1, 2, 1, 1000],
  [100, 102, 4, 10_000],
  [250, 256, 10, 25_000],
  [500, 512, 20, 50_000],
  [1000, 1024, 39, 100_000],
  [4000, 4096, 157, 400_000],
])('%im of cpu are %i shares, weight %i, quota %s', (milliCpu, shares, weight, quota) => {
  expect([cpuShares(milliCpu), cpuWeight(cpuShares(milliCpu)), cpuQuota(milliCpu)]).toEqual([shares, weight, quota])
})

const gib = 2 ** 30

test.each([
  ['Burstable', false, 0, 999],
  ['Burstable', false, gib / 4, 985],
  ['Burstable', false, gib, 938],
  ['Burstable', false, 16 * gib, 3],
  ['Guaranteed', false, gib, -997],
  ['BestEffort', false, 0, 1000],
  ['BestEffort', true, 0, -997],
])('%s (critical: %s) with %i bytes on 16Gi has oom_score_adj %i', (qosClass, isCritical, memoryRequestInBytes, expected) => {
  expect(oomScoreAdj({ qosClass, isCritical, memoryRequestInBytes, nodeMemoryInBytes: 16 * gib })).toBe(expected)
})

test('requests only share out cpu; limits become limits', () => {
  const requests = { cpu: '250m', memory: '64Mi' }
  expect(linuxResources({ requests }, { oomScoreAdj: 1 })).toEqual({ cpuShares: 256, oomScoreAdj: 1 })
  expect(linuxResources({ requests, limits: { cpu: '1', memory: '128Mi' } }, { oomScoreAdj: 1, podPidsLimit: 100 })).toEqual({
    cpuShares: 256,
    cpuQuotaInUs: 100_000,
    cpuPeriodInUs: 100_000,
    memoryLimitInBytes: 128 * 2 ** 20,
    oomScoreAdj: 1,
    pidsLimit: 100,
  })
  expect(linuxResources({ limits: { cpu: '500m' } }, { oomScoreAdj: 1 })).toMatchObject({ cpuShares: 512, cpuQuotaInUs: 50_000 })
})

test('a container without limits has those of its pod; no quota without --cpu-cfs-quota', () => {
  const podLevel = { limits: { cpu: '1', memory: '64Mi' } }
  expect(linuxResources({}, { oomScoreAdj: 1, podLevel })).toEqual({
    cpuShares: 1024,
    cpuQuotaInUs: 100_000,
    cpuPeriodInUs: 100_000,
    memoryLimitInBytes: 64 * 2 ** 20,
    oomScoreAdj: 1,
  })
  expect(linuxResources({ limits: { memory: '1Mi' } }, { oomScoreAdj: 1, podLevel, cpuCFSQuota: false })).toEqual({
    cpuShares: 1024,
    memoryLimitInBytes: 2 ** 20,
    oomScoreAdj: 1,
  })
})

test('a sidecar outlives whom it serves; what the pod asks for beyond its containers is shared out', () => {
  const asking = (name: string, memory: string, more: object = {}) => ({
    name,
    image: 'a:1',
    resources: { requests: { memory } },
    ...more,
  })
  const spec = {
    initContainers: [asking('sidecar', '160Mi', { restartPolicy: 'Always' })],
    containers: [asking('large', '8Gi'), asking('small', '4Gi')],
  }
  const scores = (more: object = {}) => {
    const pod = samplePod({ ...spec, ...more })
    const [sidecar] = pod.spec.initContainers ?? []
    const score = (container: (typeof pod.spec.containers)[number] | undefined, role: 'app' | 'sidecar') =>
      container && podOomScoreAdj(pod, container, role, 16 * gib)
    return [score(sidecar, 'sidecar'), score(pod.spec.containers[0], 'app'), score(pod.spec.containers[1], 'app')]
  }
  expect(scores()).toEqual([750, 500, 750])
  expect(scores({ resources: { requests: { memory: `${12 * 1024 + 160 + 3 * 1024}Mi` } } })).toEqual([688, 438, 688])
  expect(scores({ priorityClassName: 'system-node-critical' })).toEqual([-997, -997, -997])
})
