import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Event } from '../../api/core/event.ts'
import { eventually } from '../support/eventually.ts'
import { manifest } from '../support/manifests.ts'
import { type Program, program } from '../support/program.ts'

const source = join(import.meta.dirname, 'controller')
const binary = join(import.meta.dirname, '../../node_modules/.cache/wherry-peers/mirror')

/** Building client-go takes minutes the first time, so that it is done only when asked for: `PEER_GO=1`. */
function isBuilt(): boolean {
  if (existsSync(binary)) return true
  if (process.env.PEER_GO !== '1') return false
  const { status, stderr } = spawnSync('go', ['build', '-o', binary, '.'], { cwd: source, encoding: 'utf8' })
  if (status !== 0) throw new Error(`go build failed: ${stderr}`)
  return true
}

const isThere = isBuilt()
if (!isThere) console.log('SKIPPED: the controller in test/peer/controller has not been built; PEER_GO=1 builds it (needs Go)')

const kind = { group: 'peer.example', version: 'v1', resource: 'greetings', namespace: 'default' } as const
const greeting = (name: string, text: string) => ({
  apiVersion: 'peer.example/v1',
  kind: 'Greeting',
  metadata: { name },
  spec: { text },
})

/** With the lists of today's informers, and with the streams that newer ones ask for. */
describe.skipIf(!isThere).each([
  ['lists', {}],
  ['streams', { KUBE_FEATURE_WatchListClient: 'true' }],
])('a controller on controller-runtime, informed by %s', (_, env) => {
  let cluster: Program
  let controller: ChildProcess
  let log = ''

  function start() {
    controller = spawn(binary, [], {
      env: { ...process.env, ...env, KUBECONFIG: cluster.kubeconfig },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    controller.stderr?.on('data', text => (log += text))
  }

  async function stop() {
    if (controller.exitCode !== null) return
    const ended = new Promise(resolve => controller.once('close', resolve))
    controller.kill('SIGTERM')
    await ended
  }

  beforeAll(async () => {
    cluster = await program({ flags: ['--runtime', 'simulated'] })
    await cluster.up()
    for (const object of await manifest('../test/peer/chart/crds/greeting.yaml')) {
      const crds = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' }
      await cluster.https.call({ ...crds, verb: 'create', body: object })
    }
    await eventually(() => cluster.https.call({ ...kind, verb: 'create', body: greeting('first', 'hello') }))
    start()
  })
  afterAll(async () => {
    await stop()
    await cluster[Symbol.asyncDispose]()
  })

  const mirrored = async (name: string) => (await cluster.client.get(ConfigMap, { namespace: 'default', name })).data

  test('sees what was there, makes what it owns, and writes a status', async () => {
    await eventually(async () => expect(await mirrored('first')).toEqual({ text: 'hello' }))
    await eventually(async () => {
      expect(await cluster.https.call({ ...kind, verb: 'get', name: 'first' })).toMatchObject({ status: { mirrored: 'hello' } })
    })
  })

  test('follows changes of what it watches and of what it owns', async () => {
    await cluster.https.call({ ...kind, verb: 'patch', name: 'first', patchType: 'merge', body: { spec: { text: 'hi' } } })
    await eventually(async () => expect(await mirrored('first')).toEqual({ text: 'hi' }))
    await cluster.client.delete(ConfigMap, { namespace: 'default', name: 'first' })
    await eventually(async () => expect(await mirrored('first')).toEqual({ text: 'hi' }))
  })

  test('records events', async () => {
    await eventually(async () => {
      const { items } = await cluster.client.list(Event, { namespace: 'default', fieldSelector: 'involvedObject.name=first' })
      expect(items.map(({ reason, message }) => `${reason}: ${message}`)).toContain('Mirrored: mirrored hi')
    })
  })

  test('goes on after the API server was away', async () => {
    const port = /127\.0\.0\.1:(\d+)/.exec(await readFile(cluster.kubeconfig, 'utf8'))?.[1] ?? ''
    await cluster.kill('SIGKILL')
    await cluster.up('--port', port)
    await cluster.https.call({ ...kind, verb: 'create', body: greeting('second', 'again') })
    await eventually(async () => expect(await mirrored('second')).toEqual({ text: 'again' }), { timeoutInMs: 60_000 })
  })

  test('its garbage is collected, and it complained of nothing', async () => {
    await cluster.https.call({ ...kind, verb: 'delete', name: 'first' })
    await eventually(async () => await expect(mirrored('first')).rejects.toMatchObject({ status: { reason: 'NotFound' } }))
    expect(log.split('\n').filter(line => line.includes('"level":"error"') && !line.includes('connection refused'))).toEqual([])
  })
})
