import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExecSession, NodeAgent } from '../../api/node-agent.ts'
import type { KubeObject } from '../../api/transport.ts'
import { eventually } from '../support/eventually.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
/** What runs in every pod: says back what it is told, once it has been told all. */
let inPod: Server

/** A process that says back what it is told; it ends with its input, or at once without one. */
function echo(stdin: boolean, greeting: string): ExecSession {
  const told: Uint8Array[] = [Buffer.from(greeting)]
  let end = () => {}
  const ended = new Promise<void>(resolve => (end = resolve))
  if (!stdin) end()
  return {
    stdout: (async function* () {
      await ended
      yield Buffer.concat(told)
    })(),
    stderr: (async function* () {})(),
    write: async chunk => void told.push(chunk),
    closeStdin: () => end(),
    resize: () => {},
    done: ended.then(() => ({ exitCode: 0 })),
    close: () => end(),
  }
}

const agent: NodeAgent = {
  async *logs({ name, container }) {
    yield Buffer.from(`log of ${name}/${container}\n`)
  },
  exec: async (_target, { stdin }) => echo(stdin, ''),
  attach: async ({ name, container }, { stdin }) => echo(stdin, `${name}/${container}: `),
  connect: async (_target, port) => {
    if (port !== 80) throw Object.assign(new Error(`nobody listens on ${port}`), { code: 'ECONNREFUSED' })
    const address = inPod.address() as { port: number }
    return new Promise<Socket>((resolve, reject) => {
      const socket = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
      socket.once('error', reject)
    })
  },
}

beforeAll(async () => {
  inPod = createServer(socket => socket.on('data', chunk => socket.end(`you said ${chunk}`)))
  await new Promise<void>(resolve => inPod.listen(0, '127.0.0.1', () => resolve()))
  server = await startServer({ nodeAgents: () => agent })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  inPod.close()
})

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }

/** Puts a pod on a node and says what has become of it, as a scheduler and a kubelet would. */
async function become(name: string, phase: string, exitCode?: number): Promise<void> {
  const transport = server.transport()
  let pod: (KubeObject & { spec: { nodeName?: string; containers: { name: string }[] } }) | undefined
  await eventually(async () => (pod = (await transport.call({ ...pods, verb: 'get', name })) as typeof pod))
  if (!pod?.spec.nodeName) {
    const body = { metadata: { name }, target: { kind: 'Node', name: 'n1' } }
    await transport.call({ ...pods, verb: 'create', name, subresource: 'binding', body })
  }
  const state = exitCode === undefined ? { running: {} } : { terminated: { exitCode, reason: exitCode ? 'Error' : 'Completed' } }
  const statuses = pod?.spec.containers.map(each => ({
    name: each.name,
    image: '',
    imageID: '',
    containerID: 'docker://x',
    ready: true,
    restartCount: 0,
    state,
  }))
  const status = { phase, conditions: [{ type: 'Ready', status: exitCode === undefined ? 'True' : 'False' }] }
  const body = { status: { ...status, containerStatuses: statuses } }
  await transport.call({ ...pods, verb: 'patch', patchType: 'merge', name, subresource: 'status', body })
}

async function runningPod(name: string, extra = ''): Promise<void> {
  const stdin = `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: {app: ${name}}}\nspec:\n  containers: [{name: main, image: x, ports: [{name: http, containerPort: 80}]}${extra}]\n`
  await server.wherry('apply -f -', { stdin })
  await become(name, 'Running')
}

describe('attach', () => {
  test('joins the usual container, or the one that is named', async () => {
    await runningPod('two', ', {name: side, image: x}')
    const said = await server.wherry('attach -i two', { stdin: 'hello' })
    expect(said).toMatchObject({ code: 0, out: 'two/main: hello' })
    expect(said.err).toBe(
      'Defaulted container "main" out of: main, side\nIf you don\'t see a command prompt, try pressing enter.\n',
    )
    expect(await server.wherry('attach two -c side -q')).toEqual({ code: 0, out: 'two/side: ', err: '' })
    expect((await server.wherry('attach two -c other')).err).toBe(
      'error: cannot attach to the container: container other not found in pod two\n',
    )
  })

  test('does not wait for a pod that has ended', async () => {
    await runningPod('over')
    await become('over', 'Succeeded', 0)
    expect((await server.wherry('attach over')).err).toBe(
      'error: cannot attach a container in a completed pod; current phase is Succeeded\n',
    )
  })
})

describe('run', () => {
  test('stays with the pod, deletes it, and ends as it has ended', async () => {
    const running = server.wherry('run job -i --rm --image=x --restart=Never', { stdin: 'work' })
    await become('job', 'Running')
    await eventually(async () => expect((await server.wherry('get pod job')).out).toContain('Running'))
    await become('job', 'Failed', 3)
    const { code, out, err } = await running
    // Whoever is late finds the pod ended, and shows its log instead.
    expect(out.replace('log of job/job\n', 'job/job: work')).toBe('job/job: workpod "job" deleted\n')
    expect([code, err.split('\n').at(-2)]).toEqual([3, 'pod default/job terminated (Error)'])
    await eventually(async () => expect((await server.wherry('get pod job --ignore-not-found')).out).toMatch(/^$|Terminating/m))
  })

  test('shows the log of what was over sooner than it could be joined', async () => {
    const running = server.wherry('run quick --attach --image=x --restart=Never -q')
    await become('quick', 'Succeeded', 0)
    expect(await running).toEqual({ code: 0, out: 'log of quick/quick\n', err: '' })
  })

  test('gives up when the pod does not come to run', async () => {
    const said = await server.wherry('run never --attach --image=x --pod-running-timeout=50ms')
    expect(said).toMatchObject({ code: 1, err: 'error: timed out waiting for the condition\n' })
  })
})

describe('port-forward', () => {
  /** Forwards as a line says, and answers where, and how to stop. */
  async function forwarding(line: string) {
    const interrupt = new AbortController()
    const text = { out: '', err: '' }
    const io = { out: (more: string) => void (text.out += more), err: (more: string) => void (text.err += more) }
    const running = server.wherry(line, { signal: interrupt.signal, io })
    await eventually(() => expect(text.out).toMatch(/-> \d+\n/))
    const ports = [...text.out.matchAll(/127\.0\.0\.1:(\d+) -> \d+/g)].map(([, port]) => Number(port))
    return {
      text,
      ports,
      async stop() {
        interrupt.abort()
        return (await running).code
      },
    }
  }

  const ask = (port: number, words: string) =>
    new Promise<string>((resolve, reject) => {
      let heard = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(words))
      socket.on('data', chunk => (heard += chunk))
      socket.on('close', () => resolve(heard))
      socket.on('error', reject)
    })

  test('leads to a pod, and through a service to the port behind it', async () => {
    await runningPod('web')
    await server.wherry('create service clusterip web --tcp=8080:http')
    const pod = await forwarding('port-forward web :http --address 127.0.0.1')
    const service = await forwarding('port-forward svc/web :8080 --address 127.0.0.1')
    expect(await Promise.all([1, 2, 3].map(i => ask(pod.ports[0] ?? 0, `${i}`)))).toEqual(
      ['1', '2', '3'].map(i => `you said ${i}`),
    )
    expect(await ask(service.ports[0] ?? 0, 'more')).toBe('you said more')
    expect(service.text.out).toMatch(/^Forwarding from 127\.0\.0\.1:\d+ -> 80\nHandling connection for \d+\n$/)
    expect([await pod.stop(), await service.stop()]).toEqual([130, 130])
  })

  test('tells what cannot be reached, and goes on', async () => {
    await runningPod('shut')
    const { text, ports, stop } = await forwarding('port-forward shut :81 :80 --address 127.0.0.1')
    expect(await ask(ports[0] ?? 0, 'hello')).toBe('')
    await eventually(() => expect(text.err).toMatch(/^error: an error occurred forwarding \d+ -> 81: .*nobody listens on 81/))
    expect(await ask(ports[1] ?? 0, 'hello')).toBe('you said hello')
    expect(await stop()).toBe(130)
  })

  test('refuses what does not run, and ports that are taken', async () => {
    await server.wherry('run idle --image=x')
    expect((await server.wherry('port-forward idle 80')).err).toBe(
      'error: unable to forward port because pod is not running. Current status=Pending\n',
    )
    await runningPod('taken')
    const { port } = inPod.address() as { port: number }
    const { code, err } = await server.wherry(`port-forward taken ${port}:80 --address 127.0.0.1`)
    expect([code, err.split('\n').at(-2)]).toEqual([1, `error: unable to listen on any of the requested ports: [{${port} 80}]`])
    expect((await server.wherry('port-forward taken')).code).toBe(1)
  })
})
