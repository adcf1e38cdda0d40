import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Node } from '../../api/core/node.ts'
import { isReason } from '../../api/errors.ts'
import { isReady } from '../support/cluster.ts'
import { engineCall, engineProxy } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { applyObjects } from '../support/manifests.ts'
import { deploymentNamed, podNamed } from '../support/objects.ts'
import { program } from '../support/program.ts'

const namespace = 'default'

test('the engine goes away and comes back: the node says so, pods keep running, and all goes on where it stopped', async () => {
  const socket = join(tmpdir(), `wherry-engine-${process.pid}.sock`)
  await using proxy = engineProxy(socket)
  await proxy.open()
  await using cluster = await program({ env: { DOCKER_HOST: proxy.address } })
  await cluster.up()
  await applyObjects(cluster.client, [podNamed('steady'), podNamed('dies')])
  await eventually(async () => expect((await cluster.pods()).filter(isReady)).toHaveLength(2))
  const steady = await cluster.pod('steady')
  const dies = (await cluster.pod('dies')).status.containerStatuses?.[0]?.containerID?.replace('docker://', '')
  const readiness = async () => {
    const node = await cluster.client.get(Node, { name: 'node-1' })
    const { status, message = '' } = node.status.conditions?.find(({ type }) => type === 'Ready') ?? {}
    return { status, message, taints: (node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`) }
  }

  await proxy.close()
  await engineCall('POST', `/containers/${dies}/kill`)
  await applyObjects(cluster.client, [podNamed('later')])
  await eventually(async () => expect((await cluster.pod('later')).spec.nodeName).toBe('node-1'))
  await eventually(
    async () =>
      expect(await readiness()).toEqual({
        status: 'False',
        message: expect.stringContaining('container runtime is down'),
        taints: expect.arrayContaining(['node.kubernetes.io/not-ready:NoSchedule']),
      }),
    { timeoutInMs: 60_000 },
  )
  expect((await cluster.pod('steady')).status).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 0 }] })
  expect((await cluster.pod('later')).status.phase).toBe('Pending')

  await proxy.open()
  await eventually(async () => {
    expect(await readiness()).toMatchObject({ status: 'True', taints: [] })
    expect((await cluster.pods()).map(pod => [pod.metadata.name, isReady(pod)])).toEqual([
      ['dies', true],
      ['later', true],
      ['steady', true],
    ])
  })
  expect((await cluster.pod('dies')).status.containerStatuses?.[0]?.restartCount).toBe(1)
  const after = await cluster.pod('steady')
  expect([after.metadata.uid, after.status.podIP]).toEqual([steady.metadata.uid, steady.status.podIP])
  expect(after.status.containerStatuses?.[0]).toMatchObject({
    restartCount: 0,
    containerID: steady.status.containerStatuses?.[0]?.containerID,
  })
})

test('a start without an engine waits for it', async () => {
  const socket = join(tmpdir(), `wherry-late-engine-${process.pid}.sock`)
  await using proxy = engineProxy(socket)
  await using cluster = await program({ env: { DOCKER_HOST: proxy.address } })
  const started = cluster.up()
  started.catch(() => {}) // awaited below
  await eventually(() => expect(existsSync(cluster.kubeconfig)).toBe(true))
  await eventually(async () => expect(await cluster.ok('get', 'nodes')).toMatch(/node-1 +NotReady/))
  await proxy.open()
  await started
  expect(await cluster.ok('get', 'nodes')).toMatch(/node-1 +Ready/)
})

/** A folder of so many megabytes. */
function smallDisk(megabytes: number) {
  const path = join(tmpdir(), `wherry-small-disk-${process.pid}`)
  const filler = join(path, 'filler')
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
  return {
    path,
    fill() {
      const file = openSync(filler, 'a')
      for (const size of [2 ** 20, 4096]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size))
        } catch {} // until nothing fits
      }
      closeSync(file)
    },
    makeRoom: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', path])
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Nobody else may mount anything. */
const asRoot = process.getuid?.() === 0

test.runIf(asRoot)(
  'the disk is full: writes are refused in plain words, reads go on, nothing is lost, and room heals it',
  async () => {
    using disk = smallDisk(32)
    await using cluster = await program({ dataDir: join(disk.path, 'data'), flags: ['--runtime', 'simulated'] })
    await cluster.up()
    await applyObjects(cluster.client, [deploymentNamed('before', 2)])
    await eventually(async () => expect((await cluster.pods()).filter(isReady)).toHaveLength(2))

    disk.fill()
    const acknowledged: string[] = []
    const refusal = await eventually(async () => {
      const name = `note-${acknowledged.length}`
      const data = { text: 'x'.repeat(100_000) }
      try {
        await cluster.client.create(ConfigMap, { metadata: { name, namespace }, data })
      } catch (error) {
        return error
      }
      acknowledged.push(name)
      throw new Error('it still fits')
    })
    expect(isReason(refusal, 'ServiceUnavailable', 'InternalError')).toBe(true)
    expect(String(refusal)).toMatch(/no space|ENOSPC|disk is full/i)
    const said = await cluster.wherry('create', 'configmap', 'one-more', `--from-literal=a=${'x'.repeat(100_000)}`)
    expect(said).toMatchObject({ code: 1, err: expect.stringMatching(/no space|ENOSPC|disk is full/i) })
    expect(said.err.trim().split('\n')).toHaveLength(1)
    expect((await cluster.pods()).filter(isReady)).toHaveLength(2)

    disk.makeRoom()
    await eventually(() => applyObjects(cluster.client, [deploymentNamed('after', 2)]))
    await eventually(async () => expect((await cluster.pods('app=after')).filter(isReady)).toHaveLength(2))

    expect(await cluster.kill('SIGTERM')).toBe(0)
    disk.fill()
    const { code, err } = await cluster.wherry('up', '--data-dir', cluster.dataDir, '--port', '0', '--runtime', 'simulated')
    expect(code).toBe(1)
    expect(err).toMatch(/^error: .*(no space|ENOSPC|disk is full)[^\n]*\n$/i)
    disk.makeRoom()
    await cluster.up()
    const names = (await cluster.client.list(ConfigMap, { namespace })).items.map(({ metadata }) => metadata.name)
    expect(names).toEqual(expect.arrayContaining(acknowledged))
  },
)
