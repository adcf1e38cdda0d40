import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Pod } from '../../../api/core/pod.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { grpcHealthFiles } from '../../support/grpc-health.ts'
import { makeImage, shell } from '../../support/images.ts'

/** test/e2e/common/node/container_probe.go: what probes do to containers. Delays are upstream's, divided by five. */
const pods = conformancePods('container-probe')

const grpcImage = 'wherry-test/grpc-health:1'
let remove: () => Promise<unknown>
beforeAll(async () => {
  remove = await makeImage(grpcImage, { config: shell, files: grpcHealthFiles() })
})
afterAll(() => remove?.())

const initialDelaySeconds = 3
const restartsOf = (pod: Pod) => pod.status.containerStatuses?.[0]?.restartCount ?? 0

/** Answers 200 for `/`; for `/healthz`, too, until so many seconds have passed, and 500 from then on. */
const webServer = (healthyForSeconds: number) => ({
  command: [
    'sh',
    '-c',
    `mkdir -p /www/cgi-bin && echo ok > /www/index.html && date +%s > /started
printf '#!/bin/sh\\nif [ $(($(date +%%s) - $(cat /started))) -lt ${healthyForSeconds} ]; then echo "Status: 200 OK"; else echo "Status: 500 Internal Server Error"; fi; echo; echo\\n' > /www/cgi-bin/healthz
chmod 755 /www/cgi-bin/healthz && exec httpd -f -p 8080 -h /www`,
  ],
})
const healthz = { httpGet: { path: '/cgi-bin/healthz', port: 8080 } }
const cat = {
  exec: { command: ['cat', '/tmp/health'] },
  initialDelaySeconds,
  timeoutSeconds: 5,
  failureThreshold: 1,
  periodSeconds: 2,
}

/** Waits for so many restarts; their number never goes down on the way. */
async function restarts(name: string, container: object, expected: number, timeoutInMs = 120_000): Promise<void> {
  await pods().pod(name, { container })
  let last = 0
  await eventually(
    async () => {
      const count = restartsOf(await pods().get(name))
      if (count < last) throw new Error(`the restart count fell from ${last} to ${count}`)
      last = count
      expect(count).toBeGreaterThanOrEqual(expected)
    },
    { timeoutInMs, everyMs: 200 },
  )
}

/** The container is never restarted while its probe, whose answers stand in the events, has been asked many times. */
async function staysUp(name: string, container: object, forMs = 25_000): Promise<void> {
  await pods().pod(name, { container })
  await pods().phase(name, 'Running')
  await throughout(forMs, async () => {
    const pod = await pods().get(name)
    expect(restartsOf(pod)).toBe(0)
    expect(pod.status.phase).toBe('Running')
  })
  expect((await pods().events(name)).filter(text => text.startsWith('Unhealthy'))).toEqual([])
}

/** Holds for so long. */
async function throughout(forMs: number, assertion: () => Promise<void>): Promise<void> {
  const until = performance.now() + forMs
  let broken: unknown
  await eventually(
    async () => {
      await assertion().catch((error: unknown) => {
        broken = error
      })
      if (!broken && performance.now() < until) throw new Error('not yet')
    },
    { timeoutInMs: forMs + 30_000, everyMs: 500 },
  )
  if (broken) throw broken
}

describe.concurrent('Probing container', () => {
  test('with readiness probe should not be ready before initial delay and never restart', async () => {
    const readinessProbe = { httpGet: { path: '/', port: 8080 }, initialDelaySeconds: 15 }
    await pods().pod('delayed', { container: { ...webServer(600), readinessProbe } })
    const pod = await pods().ready('delayed')
    const started = pod.status.containerStatuses?.[0]?.state.running?.startedAt ?? ''
    const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? ''
    expect(Date.parse(ready) - Date.parse(started)).toBeGreaterThanOrEqual(15_000)
    expect(restartsOf(pod)).toBe(0)
  })

  test('with readiness probe that fails should never be ready and never restart', async () => {
    const readinessProbe = { exec: { command: ['/bin/false'] }, periodSeconds: 1 }
    await pods().pod('unready', { container: { command: ['sleep', '600'], readinessProbe } })
    await pods().phase('unready', 'Running')
    await throughout(20_000, async () => {
      const pod = await pods().get('unready')
      expect(pod.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False')
      expect(restartsOf(pod)).toBe(0)
    })
    expect(await pods().events('unready')).toContain('Unhealthy: Readiness probe failed: ')
  })

  test('should be restarted with a exec "cat /tmp/health" liveness probe', async () => {
    const command = ['/bin/sh', '-c', 'echo ok >/tmp/health; sleep 5; rm -rf /tmp/health; sleep 600']
    await restarts('exec-fails', { command, livenessProbe: cat }, 1)
    const events = await pods().events('exec-fails')
    expect(events).toContain("Unhealthy: Liveness probe failed: cat: can't open '/tmp/health': No such file or directory\n")
    expect(events).toContain('Killing: Container main failed liveness probe, will be restarted')
  })

  test('should *not* be restarted with a exec "cat /tmp/health" liveness probe', async () => {
    await staysUp('exec-well', { command: ['/bin/sh', '-c', 'echo ok >/tmp/health; sleep 600'], livenessProbe: cat })
  })

  test('should be restarted with a /healthz http liveness probe', async () => {
    const livenessProbe = { ...healthz, initialDelaySeconds, timeoutSeconds: 5, failureThreshold: 1, periodSeconds: 2 }
    await restarts('http-fails', { ...webServer(5), livenessProbe }, 1)
    expect(await pods().events('http-fails')).toContainEqual(
      'Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500',
    )
  })

  test('should *not* be restarted with a tcp:8080 liveness probe', async () => {
    const livenessProbe = { tcpSocket: { port: 8080 }, initialDelaySeconds, failureThreshold: 1, periodSeconds: 2 }
    await staysUp('tcp-well', { ...webServer(5), livenessProbe })
  })

  test('should have monotonically increasing restart count', { timeout: 360_000 }, async () => {
    const livenessProbe = { ...healthz, initialDelaySeconds: 1, failureThreshold: 1, periodSeconds: 1 }
    await restarts('five-times', { ...webServer(1), livenessProbe }, 5, 330_000)
  })

  test('should *not* be restarted with a /healthz http liveness probe', async () => {
    const livenessProbe = {
      ...{ httpGet: { path: '/', port: 8080 }, initialDelaySeconds, timeoutSeconds: 5 },
      ...{ failureThreshold: 5, periodSeconds: 2 },
    }
    await staysUp('http-well', { ...webServer(5), livenessProbe })
  })

  test('should *not* be restarted with a GRPC liveness probe', async () => {
    const livenessProbe = { grpc: { port: 5000 }, initialDelaySeconds, timeoutSeconds: 5, failureThreshold: 1, periodSeconds: 2 }
    await staysUp('grpc-well', { image: grpcImage, command: ['/grpc-health', '5000'], livenessProbe })
  })

  test('should be restarted with a GRPC liveness probe', async () => {
    // Nobody listens on this port.
    const livenessProbe = { grpc: { port: 2333 }, initialDelaySeconds, timeoutSeconds: 5, failureThreshold: 1, periodSeconds: 2 }
    await restarts('grpc-fails', { image: grpcImage, command: ['/grpc-health', '5000'], livenessProbe }, 1)
    expect(await pods().events('grpc-fails')).toContainEqual(
      expect.stringMatching(/^Unhealthy: Liveness probe failed: timeout: failed to connect service "[\d.]+:2333" within 5s/),
    )
  })
})
