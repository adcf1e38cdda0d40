import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { Service } from '../../api/core/service.ts'
import { type Program, program } from '../support/program.ts'

/** Helm is not on every machine; what it did not test, the run says. */
const helm = ['helm', join(homedir(), 'go', 'bin', 'helm')].find(
  path => (path === 'helm' || existsSync(path)) && spawnSync(path, ['version', '--short']).status === 0,
)
if (helm === undefined) console.log('SKIPPED: there is no helm on the path or in ~/go/bin; nothing was tried with it')
else console.log(`with helm ${spawnSync(helm, ['version', '--short'], { encoding: 'utf8' }).stdout.trim()}`)

const chart = join(import.meta.dirname, 'chart')
const namespace = 'shop'
let cluster: Program

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(...words: readonly string[]): Promise<Said> {
  const env = {
    ...process.env,
    KUBECONFIG: cluster.kubeconfig,
    HELM_CACHE_HOME: cluster.folder,
    HELM_CONFIG_HOME: cluster.folder,
  }
  return new Promise(resolve => {
    execFile(helm ?? '', [...words, '--namespace', namespace], { env, timeout: 90_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
  })
}

async function ok(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await run(...words)
  if (code !== 0) throw new Error(`helm ${words.join(' ')} ended with ${code}: ${err}${out}`)
  return out
}

const at = (name: string) => ({ namespace, name })
const settings = async () => (await cluster.client.get(ConfigMap, at('web-settings'))).data
const greeting = async () => {
  const path = `/apis/peer.example/v1/namespaces/${namespace}/greetings/web`
  return ((await cluster.https.raw(path)) as { spec: object }).spec
}

describe.skipIf(helm === undefined)('helm', () => {
  beforeAll(async () => {
    cluster = await program()
    await cluster.up()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  test('installs a chart with a hook and a kind of its own, and waits for it', async () => {
    expect(await ok('install', 'web', chart, '--create-namespace', '--wait', '--timeout', '60s')).toContain('STATUS: deployed')
    expect(await settings()).toMatchObject({ greeting: 'hello', kubernetes: expect.stringMatching(/^v1\.34/), hasApps: 'true' })
    expect((await cluster.client.get(Deployment, at('web'))).status.readyReplicas).toBe(1)
    expect((await cluster.client.get(Pod, at('web-pre-install'))).status.phase).toBe('Succeeded')
    expect(await greeting()).toEqual({ text: 'hello', language: 'en' })
    const { items } = await cluster.client.list(Secret, { namespace, labelSelector: 'owner=helm' })
    expect(items.map(({ metadata, type }) => [metadata.name, type])).toEqual([
      ['sh.helm.release.v1.web.v1', 'helm.sh/release.v1'],
    ])
  })

  test('refuses what the schema refuses', async () => {
    const { code, err } = await run('install', 'other', chart, '--set', 'greeting=', '--skip-crds')
    expect([code, err]).toEqual([1, expect.stringContaining('spec.text')])
    await run('uninstall', 'other')
  })

  test('upgrades', async () => {
    await ok('upgrade', 'web', chart, '--set', 'greeting=hi,replicas=2', '--wait', '--timeout', '60s')
    expect(await settings()).toMatchObject({ greeting: 'hi' })
    expect((await cluster.client.get(Deployment, at('web'))).status.readyReplicas).toBe(2)
    expect((await cluster.client.get(Pod, at('web-post-upgrade'))).status.phase).toBe('Succeeded')
    expect(await greeting()).toEqual({ text: 'hi', language: 'en' })
  })

  test('keeps what others changed, where the chart says nothing', async () => {
    await cluster.client.patch(Service, at('web'), 'merge', { metadata: { labels: { seen: 'yes' } } })
    await ok('upgrade', 'web', chart, '--reuse-values', '--set', 'replicas=1')
    expect((await cluster.client.get(Service, at('web'))).metadata.labels).toMatchObject({ seen: 'yes' })
  })

  test('rolls back', async () => {
    await ok('rollback', 'web', '1', '--wait', '--timeout', '60s')
    expect(await settings()).toMatchObject({ greeting: 'hello' })
    const history = JSON.parse(await ok('history', 'web', '--output', 'json')) as { revision: number; status: string }[]
    expect(history.map(({ revision, status }) => `${revision} ${status}`)).toEqual([
      '1 superseded',
      '2 superseded',
      '3 superseded',
      '4 deployed',
    ])
  })

  test('tests, lists and shows', async () => {
    expect(await ok('test', 'web')).toContain('Succeeded')
    expect(await ok('list')).toMatch(/^web\s+shop\s+4/m)
    expect(await ok('get', 'manifest', 'web')).toContain('kind: Greeting')
    expect(await ok('status', 'web')).toContain('STATUS: deployed')
  })

  test('uninstalls', async () => {
    await ok('uninstall', 'web', '--wait', '--timeout', '60s')
    expect((await cluster.client.list(Deployment, { namespace })).items).toEqual([])
    expect((await cluster.client.list(Secret, { namespace, labelSelector: 'owner=helm' })).items).toEqual([])
    await expect(greeting()).rejects.toMatchObject({ status: { reason: 'NotFound' } })
  })
})
