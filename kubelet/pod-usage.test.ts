import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { podUsage } from './pod-usage.ts'
import type { ContainerStats } from './runtime/runtime.ts'

const container = (pod: string, name: string, cpuNanoCores: number): ContainerStats => ({
  containerId: `${pod}-${name}`,
  pod: { namespace: 'default', name: pod, uid: pod },
  name,
  cpuNanoCores,
  cpuTotalNanoSeconds: 0,
  memoryUsageInBytes: 2048,
  memoryWorkingSetInBytes: 1024,
  memoryRssInBytes: 0,
  pids: 1,
})
const usage = (name: string, cpuNanoCores: number) => ({ name, cpuNanoCores, memoryWorkingSetInBytes: 1024 })

test('containers by their pods', async () => {
  const stats = async () => [container('a', 'x', 5), container('b', 'x', 0), container('a', 'y', 7)]
  expect(await podUsage({ runtime: { stats }, clock: virtualClock() })()).toEqual([
    { namespace: 'default', name: 'a', containers: [usage('x', 5), usage('y', 7)] },
    { namespace: 'default', name: 'b', containers: [usage('x', 0)] },
  ])
})

test('rates take two looks: without any, it looks again after a while', async () => {
  const clock = virtualClock()
  let looks = 0
  const runtime = { stats: async () => [container('a', 'x', looks++ === 0 ? 0 : 9)] }
  const asked = podUsage({ runtime, clock })()
  await clock.advance(1100)
  expect(await asked).toEqual([{ namespace: 'default', name: 'a', containers: [usage('x', 9)] }])
  expect(looks).toBe(2)
})
