import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MemoryFolder } from './memory-folder.ts'
import type { VolumePlugin } from './plugin.ts'
import { measureVolumes } from './usage.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wherry-usage-'))
})
afterEach(() => rm(root, { recursive: true }))

test('volumes tell what they use, which of it is the node’s own disk, and nothing where nothing can be known', async () => {
  const record = (name: string, plugin: string, volume: object, more: object = {}) => ({
    plugin,
    podUid: 'uid',
    folder: join(root, name),
    spec: { name, volume: { name, ...volume }, readOnly: false, isBlock: false, ...more } as never,
  })
  const memory = { placeOf: async (folder: string) => folder.replace('secret', 'in-memory') } as unknown as MemoryFolder
  const disk = {
    name: 'example.org/disk',
    usage: async () => ({ usedInBytes: 7, inodesUsed: 1, capacityInBytes: 10 }),
  } as unknown as VolumePlugin
  await mkdir(join(root, 'scratch/folder'), { recursive: true })
  await writeFile(join(root, 'scratch/folder/file'), Buffer.alloc(100_000))
  await mkdir(join(root, 'memory'))
  await mkdir(join(root, 'in-memory'))
  const records = [
    record('scratch', 'kubernetes.io/empty-dir', { emptyDir: {} }),
    record('memory', 'kubernetes.io/empty-dir', { emptyDir: { medium: 'Memory' } }),
    record('secret', 'kubernetes.io/secret', { secret: {} }),
    record('host', 'kubernetes.io/host-path', { hostPath: { path: '/' } }),
    record('gone', 'kubernetes.io/configmap', { configMap: {} }),
    record('disk', 'example.org/disk', {}, { persistentVolume: { spec: { claimRef: { name: 'data' } } } }),
    record('raw', 'example.org/disk', {}, { isBlock: true }),
  ]
  const measured = await measureVolumes(records, { plugins: [disk], memory })
  expect(measured.map(({ name, isLocal, claimName }) => [name, isLocal, claimName])).toEqual([
    ['scratch', true, undefined],
    ['memory', false, undefined],
    ['secret', false, undefined],
    ['disk', false, 'data'],
  ])
  const [scratch, , , ofDisk] = measured
  expect(scratch?.usage.usedInBytes).toBeGreaterThanOrEqual(100_000)
  expect(scratch?.usage.usedInBytes).toBeLessThan(200_000)
  expect(scratch?.usage).toMatchObject({ inodesUsed: 3, capacityInBytes: expect.any(Number) })
  expect(ofDisk?.usage).toEqual({ usedInBytes: 7, inodesUsed: 1, capacityInBytes: 10 })
})
