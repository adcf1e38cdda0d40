import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ContainerLogOptions } from '../../api/node-agent.ts'
import { garbageSettings } from '../../cmd/garbage-flags.ts'
import type { DeletedPod } from '../../kubectl/deleted/deleted-pods.ts'
import type { TestCluster } from '../support/cluster.ts'
import { engineCall } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { type RealPods, realCluster, realPods } from '../support/real-pods.ts'

/** What containers write, on a node whose logs are rotated early. */
let cluster: TestCluster
let pods: RealPods
beforeAll(async () => {
  const garbage = garbageSettings({ 'container-log-max-size': '100Ki', 'container-log-max-files': '3' })
  cluster = await realCluster({ garbage, podCIDR: '10.197.0.0/16' })
  pods = await realPods(cluster, 'logs')
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

const run = (script: string) => ({ container: { command: ['sh', '-c', script] }, restartPolicy: 'Never' })
async function bytes(name: string, options: ContainerLogOptions = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const signal = new AbortController().signal
  for await (const chunk of cluster.https.logs({ namespace: pods.namespace, name }, options, signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
const linesOf = async (name: string, options?: ContainerLogOptions) => (await bytes(name, options)).toString().split('\n')
const numbers = (count: number) => Array.from({ length: count }, (_, i) => `line-${i}`)
const count = (to: number) => `i=0; while [ $i -lt ${to} ]; do echo line-$i; i=$((i+1)); done`

test('bytes stay as they are, lines of more than 16 KiB stay whole, and each line has one timestamp', async () => {
  const long = 40_000
  await pods.pod('exact', run(`head -c ${long} /dev/zero | tr '\\0' a; echo; printf '\\001\\377\\n\\n'; printf end`))
  await pods.phase('exact', 'Succeeded')
  const expected = Buffer.concat([Buffer.alloc(long, 'a'), Buffer.from([10, 1, 0xff, 10, 10]), Buffer.from('end')])
  expect((await bytes('exact')).equals(expected)).toBe(true)
  const stamped = (await bytes('exact', { timestamps: true })).toString('latin1').split('\n')
  expect(stamped.map(line => line.replace(/a{40000}/, 'A'))).toEqual([
    expect.stringMatching(/^\S{30} A$/),
    expect.stringMatching(/^\S{30} \u0001\u00ff$/),
    expect.stringMatching(/^\S{30} $/),
    expect.stringMatching(/^\S{30} end$/),
  ])
  expect((await bytes('exact', { limitBytes: 5 })).toString()).toBe('aaaaa')
  expect((await bytes('exact', { tailLines: 1 })).toString()).toBe('end')
})

test('who follows gets every line once, over rotations and to the end', async () => {
  const paced = count(20_000).replace('; i=', '; [ $((i % 500)) = 0 ] && sleep 0.05; i=')
  await pods.pod('busy', run(`echo ready; while [ ! -e /tmp/go ]; do sleep 0.1; done; ${paced}; echo over`))
  await eventually(async () => expect((await pods.get('busy')).status.phase).toBe('Running'))
  const followed: Uint8Array[] = []
  const { signal } = new AbortController()
  for await (const chunk of cluster.https.logs({ namespace: pods.namespace, name: 'busy' }, { follow: true }, signal)) {
    if (followed.length === 0) await pods.exec('busy', 'touch /tmp/go')
    followed.push(chunk)
  }
  expect(Buffer.concat(followed).toString().split('\n')).toEqual(['ready', ...numbers(20_000), 'over', ''])

  // What is left is three files, and they are read as one.
  const left = await linesOf('busy')
  expect(left.length).toBeGreaterThan(4000)
  expect(left.length).toBeLessThan(20_000)
  expect(left).toEqual([...numbers(20_000).slice(20_002 - left.length), 'over', ''])
  expect(await linesOf('busy', { tailLines: 4000 })).toEqual([...numbers(20_000).slice(-3999), 'over', ''])
  const id = (await pods.get('busy')).status.containerStatuses?.[0]?.containerID?.replace('docker://', '') ?? ''
  const { DockerRootDir } = await engineCall<{ DockerRootDir: string }>('GET', '/info')
  const folder = join(DockerRootDir, 'containers', id, 'local-logs')
  const files = await readdir(folder)
  const sizes = await Promise.all(files.map(async name => (await stat(join(folder, name))).size))
  expect(files).toHaveLength(3)
  expect(Math.max(...sizes)).toBeLessThan(110 * 1024)
})

test('a moment to begin from, and one of the two streams', async () => {
  await pods.pod('spaced', run('echo first; sleep 1.2; echo second; echo wrong >&2'))
  await pods.phase('spaced', 'Succeeded')
  const [first = '', ...rest] = (await linesOf('spaced', { timestamps: true })).filter(Boolean)
  const second = rest.find(line => line.endsWith(' second')) ?? ''
  expect(first).toMatch(/ first$/)
  expect(await linesOf('spaced', { sinceTime: second.split(' ')[0] ?? '' })).toEqual(expect.arrayContaining(['second']))
  expect(await linesOf('spaced', { sinceTime: second.split(' ')[0] ?? '' })).not.toContain('first')
  expect((await bytes('spaced', { stream: 'Stderr' })).toString()).toBe('wrong\n')
})

test('a restarted container: the log of the run before it, and the end of a follow', async () => {
  const script = 'if [ -e /data/again ]; then echo two; sleep 3600; fi; touch /data/again; sleep 1; echo one; exit 3'
  const container = { command: ['sh', '-c', script], volumeMounts: [{ name: 'data', mountPath: '/data' }] }
  await pods.pod('again', { container, volumes: [{ name: 'data', emptyDir: {} }] })
  await eventually(async () => expect((await pods.get('again')).status.containerStatuses?.[0]?.state?.running).toBeTruthy())
  expect((await bytes('again', { follow: true })).toString()).toBe('one\n')
  await eventually(async () => expect(await pods.logs('again')).toBe('two\n'))
  expect(await pods.logs('again', undefined, { previous: true })).toBe('one\n')
  await pods.remove('again')
})

const ask = (path: string) => cluster.https.request({ method: 'GET', path: `/wherry/v1/deleted/${path}` })
const deletedPods = async (name: string) => {
  const { text } = await ask(`pods?namespace=${pods.namespace}&name=${name}`)
  return (JSON.parse(text) as { items: DeletedPod[] }).items
}

test('a deleted pod: no container of it is left, but its last words and its status can be asked for', async () => {
  await pods.pod('gone', run(`echo hello; printf '\\377\\n' >&2; ${count(20_000)}; echo bye; sleep 3600`))
  await eventually(async () => expect((await linesOf('gone', { tailLines: 1 }))[0]).toBe('bye'))
  const { metadata, status } = await pods.get('gone')
  await pods.remove('gone', 0)
  const uids = async () => {
    const all = await engineCall<{ Labels: Record<string, string> }[]>('GET', '/containers/json?all=1')
    return all.map(({ Labels }) => Labels['io.kubernetes.pod.uid'])
  }
  await eventually(async () => expect(await uids()).not.toContain(metadata.uid))

  const [gone] = await deletedPods('gone')
  expect(gone?.object.metadata.uid).toBe(metadata.uid)
  expect(gone?.object.status.podIP).toBe(status.podIP)
  const log = async (more = '') => {
    const { text } = await ask(`log?namespace=${pods.namespace}&name=gone${more}`)
    return Buffer.from((JSON.parse(text) as { log: string }).log, 'base64').toString()
  }
  const lines = (await log()).split('\n')
  expect(lines.slice(-2)).toEqual(['bye', ''])
  expect(lines.slice(0, -2)).toEqual(numbers(20_000).slice(-3999))
  expect(await log('&tailLines=2')).toBe('line-19999\nbye\n')
  expect(await log('&tailLines=1&timestamps=true')).toMatch(/^\d{4}-\S+Z bye\n$/)
  const folder = join(cluster.nodesDir, 'node-1', 'deleted', metadata.uid)
  expect((await readFile(join(folder, 'main.0.log.gz'))).length).toBeLessThan(60_000)

  expect((await ask(`log?namespace=${pods.namespace}&name=never`)).status).toBe(404)
})
