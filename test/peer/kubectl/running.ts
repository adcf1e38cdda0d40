import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { type Command, expectText, type Kubectl, until } from './kubectl.ts'
import { pod, server } from './objects.ts'

/** What goes into running containers and nodes. They use pod `server`, made by the first. */
export const running: readonly Command[] = [
  {
    name: 'run',
    async run(k) {
      await k.file('server.json', pod('server', { containers: [server], nodeName: await realNode(k) }))
      await k.ok('create -f server.json')
      await k.ok('run quick --image=busybox:1.36 --restart=Never -- echo hello')
      expectText(await k.field('pod quick', '{.spec.containers[0].args}'), '["echo","hello"]')
      await k.ok('wait --for=condition=Ready pod/server --timeout=30s')
      await until(async () => expectText(await k.ok('logs quick'), /^hello\n$/))
    },
  },
  {
    name: 'run -i --rm',
    async run(k) {
      const words = 'run asked -i --rm --image=busybox:1.36 --restart=Never --pod-running-timeout=30s -- cat'
      expectText(await k.ok(words, { stdin: 'typed in\n' }), 'typed in')
      await until(async () => expectText(await k.refused('get pod asked'), 'NotFound'))
    },
  },
  {
    name: 'exec',
    async run(k) {
      expectText(await k.ok(['exec', 'server', '--', 'sh', '-c', 'echo out; echo err >&2']), /^out\n$/)
      const { code, err } = await k.run(['exec', 'server', '--', 'sh', '-c', 'exit 7'])
      expectText(`${code} ${err}`, /^7 /, 'exit code 7')
      expectText(await k.ok('exec deployment/web -- echo hi'), /^hi\n$/)
      expectText(await k.refused('exec server -c none -- true'), 'container')
    },
  },
  {
    name: 'exec -i',
    async run(k) {
      const lines = 'line\n'.repeat(20_000)
      expectText(await k.ok('exec -i server -- wc -c', { stdin: lines }), /^100000\s*$/)
      if ((await k.ok('exec -i server -- cat', { stdin: lines })) !== lines) throw new Error('not what was sent')
    },
  },
  {
    name: 'attach',
    async run(k) {
      await k.file(
        'cat.json',
        pod('cat', {
          containers: [{ name: 'main', image: 'busybox:1.36', command: ['cat'], stdin: true, stdinOnce: true }],
          restartPolicy: 'Never',
        }),
      )
      await k.ok('create -f cat.json')
      await k.ok('wait --for=condition=Ready pod/cat --timeout=30s')
      expectText(await k.ok('attach -i cat', { stdin: 'to and fro\n' }), 'to and fro')
    },
  },
  {
    name: 'cp',
    async run(k) {
      await k.file('there.txt', 'there and back\n')
      await k.ok('cp there.txt server:/tmp/there.txt')
      expectText(await k.ok('exec server -- cat /tmp/there.txt'), /^there and back\n$/)
      await k.ok('cp server:/tmp/there.txt back.txt')
      expectText(await readFile(join(k.folder, 'back.txt'), 'utf8'), /^there and back\n$/)
    },
  },
  {
    name: 'port-forward',
    async run(k) {
      await k.ok('expose pod server --port=80 --target-port=http')
      for (const target of ['pod/server :8080', 'svc/server :80']) {
        const forward = k.start(`port-forward ${target}`)
        try {
          const port = Number(/127\.0\.0\.1:(\d+)/.exec(await forward.says(/Forwarding from 127\.0\.0\.1:\d+/))?.[1])
          const pages = await Promise.all([1, 2, 3, 4].map(() => page(port)))
          for (const text of pages) expectText(text, 'hello from server')
        } finally {
          await forward.stop()
        }
      }
    },
  },
  {
    name: 'proxy',
    async run(k) {
      const proxy = k.start('proxy --port=0')
      try {
        const port = Number(/127\.0\.0\.1:(\d+)/.exec(await proxy.says(/127\.0\.0\.1:\d+/))?.[1])
        expectText(await page(port, `/api/v1/namespaces/${k.namespace}/pods/server:8080/proxy/index.html`), 'hello from server')
        expectText(await page(port, `/api/v1/namespaces/${k.namespace}/services/server:80/proxy/`), 'hello from server')
      } finally {
        await proxy.stop()
      }
    },
  },
  {
    name: 'debug pod',
    since: 23,
    async run(k) {
      await k.ok(['debug', 'server', '--image=busybox:1.36', '-c', 'helper', '--', 'sh', '-c', 'echo looking; sleep 1000'])
      await until(async () => expectText(await k.ok('logs server -c helper'), 'looking'))
      expectText(await k.field('pod server', '{.spec.ephemeralContainers[0].name}'), 'helper')
    },
  },
  {
    name: 'debug node',
    since: 23,
    async run(k) {
      const said = await k.run(['debug', `node/${await realNode(k)}`, '--image=busybox:1.36', '--', 'true'])
      expectText(said.out + said.err, /node-debugger-\S+/)
      expectText(await k.ok('get pods -o name'), 'node-debugger-')
    },
  },
  {
    name: 'taint',
    async run(k) {
      const node = nodeOf(k)
      await k.ok(`taint node ${node} color=blue:NoSchedule`)
      expectText(await k.field(`node ${node}`, '{.spec.taints}'), '"key":"color"')
      await k.ok(`taint node ${node} color:NoSchedule-`)
      expectText(await k.field(`node ${node}`, '{.spec.taints[*].key}'), /^simulated$/)
    },
  },
  {
    name: 'cordon, drain, uncordon',
    async run(k) {
      const node = nodeOf(k)
      await k.file('drained.json', pod('drained', { nodeName: node }))
      await k.ok('create -f drained.json')
      await k.ok('wait --for=condition=Ready pod/drained --timeout=30s')
      await k.ok(`cordon ${node}`)
      expectText(await k.ok(`get node ${node}`), 'SchedulingDisabled')
      expectText(await k.refused(`drain ${node} --timeout=20s`), /not managed|declare no controller/)
      expectText(await k.ok(`drain ${node} --force --timeout=20s`), 'drained')
      expectText(await k.refused('get pod drained'), 'NotFound')
      await k.ok(`uncordon ${node}`)
    },
  },
  {
    name: 'delete --force',
    async run(k) {
      await k.ok('delete pod server --force --grace-period=0')
      expectText(await k.refused('get pod server'), 'NotFound')
      await k.ok('delete pods --all --now --timeout=30s')
    },
  },
]

/** Each version has a simulated node of its own, so that nobody drains what others use. */
const nodeOf = (k: Kubectl) => `simulated-${k.binary.minor - 19}`

/** The node whose containers are real. */
async function realNode(k: Kubectl): Promise<string> {
  const names = (await k.ok('get nodes -o name')).split('\n').map(line => line.slice('node/'.length))
  const found = names.find(name => name !== '' && !name.startsWith('simulated-'))
  if (found === undefined) throw new Error(`no real node among ${names.join(' ')}`)
  return found
}

function page(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => (text += chunk))
      response.on('end', () => resolve(text))
    })
    call.on('error', reject)
    call.end()
  })
}
