import { expect, test } from 'vitest'
import type { Client } from '../../client/client.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import type { PodStatus } from '../pod-types.ts'
import { samplePod } from '../samples.ts'
import { statusWriter } from './status-writer.ts'

/** A writer over an API that takes every patch, and the phases that it was told. */
function writing(passingWaitsMs: number) {
  const clock = virtualClock()
  const told: string[] = []
  const client = {
    as: () => client,
    async patch(_kind: unknown, { name }: { name: string }, _type: string, { status }: { status: { phase?: string } }) {
      told.push(status.phase ?? '')
      return samplePod({}, { name, resourceVersion: String(told.length + 1) }, status)
    },
  } as unknown as Client
  const { signal } = new AbortController()
  return { clock, told, writer: statusWriter({ client, clock, log: silentLog, signal, passingWaitsMs }) }
}

const pod = samplePod({}, { resourceVersion: '1' }, { phase: 'Unknown' })
const startTime = '2026-01-01T00:00:00Z'

test('the beginning of a pod is told at once', async () => {
  const { clock, told, writer } = writing(0)
  writer.set(pod, { phase: 'Pending', startTime })
  await clock.advance(0)
  expect(told).toEqual(['Pending'])
})

test('where all pods start at once, it waits for what comes next', async () => {
  const { clock, told, writer } = writing(50)
  writer.set(pod, { phase: 'Pending', startTime })
  await clock.advance(20)
  expect(told).toEqual([])
  writer.set(pod, { phase: 'Running', startTime })
  await clock.advance(0)
  expect(told).toEqual(['Running'])
  expect(clock.timers).toBe(0)
})

test('but not for long', async () => {
  const { clock, told, writer } = writing(50)
  writer.set(pod, { phase: 'Pending', startTime })
  await clock.advance(50)
  expect(told).toEqual(['Pending'])
})

test('so does the end, until the containers have taken part in it', async () => {
  const running = [{ name: 'app', state: { running: {} } }]
  const ended = [{ name: 'app', state: { terminated: { exitCode: 0 } } }]
  const leaving = samplePod(
    {},
    { resourceVersion: '1', deletionTimestamp: startTime },
    { phase: 'Running', startTime, containerStatuses: running },
  )
  const { clock, told, writer } = writing(50)
  writer.set(leaving, { ...leaving.status, observedGeneration: 2 } as PodStatus)
  await clock.advance(20)
  expect(told).toEqual([])
  writer.set(leaving, { phase: 'Succeeded', startTime, containerStatuses: ended, observedGeneration: 2 } as PodStatus)
  await clock.advance(0)
  expect(told).toEqual(['Succeeded'])
  expect(clock.timers).toBe(0)
})
