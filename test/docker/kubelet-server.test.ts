import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { removeCluster } from '../../kubelet/runtime/docker/cluster-resources.ts'
import { systemClock as clock } from '../../lib/clock.ts'
import { silentLog as log } from '../../lib/log.ts'
import { type CertifiedKubectl, certifiedKubectl } from '../support/certified-kubectl.ts'
import { isReady, type TestCluster, testCluster } from '../support/cluster.ts'
import { engineSocket } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { hasKubectl } from '../support/server.ts'

const script = [
  'mkdir /www; echo page > /www/index.html; httpd -p 127.0.0.1:8080 -h /www',
  'while read line; do echo got $line; done; echo input ended; sleep 1000',
].join('\n')

if (!hasKubectl) test('kubectl is not on the PATH: kubelets were not asked with it', () => expect(hasKubectl).toBe(false))
describe.runIf(hasKubectl)('a kubelet that the API server asks by HTTPS', () => {
  const id = `door-${process.pid}`
  let cluster: TestCluster
  let admin: CertifiedKubectl
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wherry-door-'))
    admin = await certifiedKubectl(() => cluster.port)
    cluster = await testCluster({
      id,
      simulated: 0,
      docker: ['node-1'],
      remoteAgents: true,
      podCIDR: `10.${130 + (process.pid % 50)}.0.0/16`,
    })
    const container = { name: 'app', image: 'busybox:1.36', command: ['sh', '-c', script], stdin: true }
    await cluster.client.create(Pod, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { containers: [container], terminationGracePeriodSeconds: 1 },
    })
    await eventually(async () => expect(isReady(await cluster.pod('web')), await stateOf(cluster)).toBe(true), {
      timeoutInMs: 40_000,
    })
  }, 60_000)
  afterAll(async () => {
    await cluster?.stop()
    await removeCluster({ cluster: id, clock, log, socketPath: engineSocket })
    await admin?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const kubectl: CertifiedKubectl['run'] = (...words) => admin.run(...words)
  const begin: CertifiedKubectl['begin'] = (...words) => admin.begin(...words)
  const done: CertifiedKubectl['end'] = begun => admin.end(begun)

  test.each([false, true])('exec carries input, output and the exit code (SPDY: %s)', async spdy => {
    const words = ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo bad >&2; exit 7']
    expect(await kubectl(words, { stdin: 'y'.repeat(300_000), spdy })).toEqual({
      code: 7,
      out: 'y'.repeat(300_000),
      err: 'bad\ncommand terminated with exit code 7\n',
    })
  })

  test('exec of what is not there says so', async () => {
    const { code, err } = await kubectl(['exec', 'web', '--', '/no/such'])
    expect(code).not.toBe(0)
    expect(err).toContain('no such file or directory')
  })

  test('logs follow, and end with the reader', async () => {
    const following = begin(['logs', '-f', 'web'])
    try {
      await kubectl(['exec', 'web', '--', 'sh', '-c', 'echo from beside > /proc/1/fd/1'])
      await eventually(() => expect(following.said()).toContain('from beside'))
    } finally {
      await done(following)
    }
  })

  test('who attaches and has said all still hears, and the next one can speak too', async () => {
    const first = begin(['attach', '-i', 'web'])
    try {
      first.child.stdin?.end('one\n')
      await eventually(() => expect(first.said()).toContain('got one'))
      const second = begin(['attach', '-i', 'web'], { spdy: true })
      try {
        second.child.stdin?.write('two\n')
        await eventually(() => expect(second.said()).toContain('got two'))
        await eventually(() => expect(first.said()).toContain('got two'))
      } finally {
        await done(second)
      }
    } finally {
      await done(first)
    }
    expect((await kubectl(['logs', 'web'])).out).not.toContain('input ended')
  })

  test.each([false, true])('port-forward reaches the loopback address of the pod (SPDY: %s)', async spdy => {
    const forward = begin(['port-forward', 'web', ':8080', ':9'], { spdy })
    try {
      await eventually(() => expect(forward.said()).toMatch(/127\.0\.0\.1:\d+ -> 9/))
      const port = (to: number) => new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${to}\\n`).exec(forward.said())?.[1]
      const pages = Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port(8080)}/`)).text())
      expect(await Promise.all(pages)).toEqual(Array(5).fill('page\n'))
      await expect(fetch(`http://127.0.0.1:${port(9)}/`)).rejects.toThrow()
      await eventually(() => expect(forward.said()).toMatch(/error forwarding port 9 to pod web, uid : .*connection refused/))
    } finally {
      await done(forward)
    }
  })

  test('cp copies there and back', async () => {
    await writeFile(join(folder, 'sent'), 'z'.repeat(100_000))
    expect(await kubectl(['cp', join(folder, 'sent'), 'web:/tmp/there'])).toMatchObject({ code: 0 })
    expect(await kubectl(['cp', 'web:/tmp/there', join(folder, 'back')])).toMatchObject({ code: 0 })
    expect(await readFile(join(folder, 'back'), 'utf8')).toBe('z'.repeat(100_000))
  })

  test('proxies: to the pod, and to the kubelet with all it can', async () => {
    const raw = (path: string) => kubectl(['get', '--raw', path])
    expect((await raw('/api/v1/namespaces/default/pods/web:8080/proxy/')).out).toBe('page\n')
    expect((await raw('/api/v1/namespaces/default/pods/web:9/proxy/')).err).toMatch(
      /error trying to reach service: dial tcp .*:9: connect: connection refused/,
    )
    expect((await raw('/api/v1/nodes/node-1/proxy/runningpods/')).out).toContain('"name":"app"')
    const { pods, node } = JSON.parse((await raw('/api/v1/nodes/node-1/proxy/stats/summary')).out)
    expect(pods[0]).toMatchObject({
      podRef: { name: 'web' },
      containers: [{ name: 'app', memory: { workingSetBytes: expect.any(Number) } }],
    })
    expect(node.rlimit.maxpid).toBeGreaterThan(0)
    const metrics = (await raw('/api/v1/nodes/node-1/proxy/metrics/cadvisor')).out
    expect(metrics).toMatch(/container_memory_working_set_bytes\{container="app",.*pod="web"\} [1-9]/)
    expect((await raw('/api/v1/nodes/node-1/proxy/metrics')).out).toContain('kubelet_pod_start_duration_seconds_count 1\n')
    expect(
      (await kubectl(['create', '--raw', '/api/v1/nodes/node-1/proxy/run/default/web/app?cmd=echo+hi', '-f', '/dev/null'])).out,
    ).toBe('hi\n')
  })

  test('top shows what it uses', async () => {
    expect((await kubectl(['top', 'pod', 'web', '--no-headers'])).out).toMatch(/^web +\d+m +\d+Mi/)
  })
})

/** For the message when the pod does not come up. */
const stateOf = async (cluster: TestCluster) => {
  const { status } = await cluster.pod('web')
  const events = await cluster.client.list(Event, { namespace: 'default' })
  return JSON.stringify([status, events.items.map(({ reason, message }) => [reason, message])])
}
