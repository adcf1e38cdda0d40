import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { removeCluster } from '../../kubelet/runtime/docker/cluster-resources.ts'
import { dockerEngine } from '../../kubelet/runtime/docker/engine.ts'
import { dockerRuntime } from '../../kubelet/runtime/docker/runtime.ts'
import { containerConfig, sandboxConfig } from '../../kubelet/runtime/pod-configs.ts'
import { systemClock as clock } from '../../lib/clock.ts'
import { silentLog as log } from '../../lib/log.ts'
import { isReady } from '../support/cluster.ts'
import { engineSocket } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { type Program, program } from '../support/program.ts'
import { hasKubectl } from '../support/server.ts'

async function allOf(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

describe('connections into a pod', () => {
  const cluster = `stream-${process.pid}`
  const engine = dockerEngine({ clock, log, socketPath: engineSocket })
  const common = { podCIDR: () => '10.214.7.0/24', clock, log }
  const runtime = dockerRuntime({ engine, cluster, node: 'n', ...common })
  let id = ''
  beforeAll(async () => {
    const sandbox = await runtime.runSandbox(sandboxConfig())
    id = sandbox.id
    const script = `httpd -p 127.0.0.1:8081; while :; do nc -l -p 8080 -e sh -c 'cat; echo " heard"'; done`
    const container = await runtime.createContainer(
      id,
      containerConfig({ pod: sandbox.pod, image: 'busybox:1.36', command: ['sh', '-c', script] }),
    )
    await runtime.startContainer(container)
  })
  afterAll(async () => {
    await runtime.removeSandbox(id)
    await removeCluster({ cluster, clock, log, socketPath: engineSocket })
  })

  test.each([
    ['directly, on the machine of the engine', runtime],
    ['through a relay, from any other', dockerRuntime({ engine: { ...engine, isLocal: false }, cluster, node: 'n', ...common })],
  ])('go %s, and each side ends by itself', async (_how, way) => {
    const socket = await eventually(() => way.connect(id, 8080))
    const sent = 'x'.repeat(500_000)
    socket.end(sent)
    expect(await allOf(socket)).toBe(`${sent} heard\n`)
  })

  test('where nobody listens are refused, in the words of a kubelet', async () => {
    await expect(runtime.connect(id, 9)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringMatching(/^failed to connect to localhost:9 inside namespace .*: connect: connection refused$/),
    })
  })

  test('reach the loopback address, and leave no relay behind when they are hung up', async () => {
    const processes = async () => {
      const top = await engine.read(docker => docker.getContainer(id).top())
      return (top as { Processes: unknown[] }).Processes.length
    }
    const socket = await eventually(() => runtime.connect(id, 8081))
    await eventually(async () => expect(await processes()).toBe(3)) // the pause program, and the relay in both directions
    socket.destroy()
    await eventually(async () => expect(await processes()).toBe(1))
  })
})

if (!hasKubectl) test('kubectl is not on the PATH: streams were not tried with it', () => expect(hasKubectl).toBe(false))
describe.runIf(hasKubectl)('kubectl', () => {
  let cluster: Program
  beforeAll(async () => {
    cluster = await program()
    await cluster.up()
    await cluster.client.create(Pod, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        containers: [{ name: 'web', image: 'busybox:1.36', stdin: true, command: ['sh', '-c', script] }],
        terminationGracePeriodSeconds: 1,
      },
    })
    await eventually(async () => expect(isReady(await cluster.pod('web'))).toBe(true))
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())
  const script =
    'mkdir /www; echo page > /www/index.html; httpd -p 127.0.0.1:8080 -h /www; while read line; do echo got $line; done; sleep 1000'

  /** Runs the real kubectl; by WebSocket, or by SPDY as all did up to 1.29. */
  function kubectl(words: string[], { stdin = '', spdy = false } = {}): Promise<{ code: number; out: string; err: string }> {
    const env = {
      ...process.env,
      KUBECONFIG: cluster.kubeconfig,
      ...(spdy && { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }),
    }
    return new Promise(resolve => {
      const child = execFile('kubectl', words, { env, timeout: 30_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      )
      child.stdin?.end(stdin)
    })
  }

  test.each([false, true])('exec carries input, output and the exit code (SPDY: %s)', async spdy => {
    const words = ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo bad >&2; exit 7']
    expect(await kubectl(words, { stdin: 'y'.repeat(300_000), spdy })).toEqual({
      code: 7,
      out: 'y'.repeat(300_000),
      err: 'bad\ncommand terminated with exit code 7\n',
    })
  })

  test.each([false, true])('port-forward reaches the loopback address of the pod (SPDY: %s)', async spdy => {
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, KUBECTL_PORT_FORWARD_WEBSOCKETS: String(!spdy) }
    const child = spawn('kubectl', ['port-forward', 'web', ':8080'], { env })
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const port = /127\.0\.0\.1:(\d+) ->/.exec(said.toString())?.[1]
      const pages = Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port}/`)).text())
      expect(await Promise.all(pages)).toEqual(Array(5).fill('page\n'))
    } finally {
      child.kill()
    }
  })

  test('debug starts a container beside the others', async () => {
    const words = ['debug', 'web', '--profile=general', '--image=busybox:1.36', '--target=web', '-c', 'look', '--']
    expect((await kubectl([...words, 'sh', '-c', 'ps; wget -qO- http://127.0.0.1:8080/'])).code).toBe(0)
    await eventually(async () => {
      const { out } = await kubectl(['logs', 'web', '-c', 'look'])
      expect(out).toMatch(/httpd -p 127[^]*page/)
    })
  })

  test('proxy goes to the same place', async () => {
    expect((await kubectl(['get', '--raw', '/api/v1/namespaces/default/pods/web:8080/proxy/'])).out).toBe('page\n')
  })
})
