import { describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import type { PodSpec } from '../../support/real-pods.ts'
import { immutableStays, optionalUpdatesAreReflected, updatesAreReflected } from './followed.ts'
import { dataAreas, goOn, mounting, newName, type SourceOptions, seen, store } from './mounted.ts'

/** ConfigMaps as volumes, and in projected volumes (test/e2e/common/storage/{configmap_volume,projected_configmap}.go). */
const pods = conformancePods('config-map')

const asUser: PodSpec = { securityContext: { runAsUser: 1000 } }
const mapped = (mode = {}) => ({ items: [{ key: 'data-2', path: 'path/to/data-2', ...mode }] })

const cases: [name: string, options: SourceOptions, spec: PodSpec, sees: string][] = [
  ['should be consumable from pods in volume', {}, {}, '-rw-r--r-- 0 value-1'],
  ['should be consumable from pods in volume with defaultMode set', { defaultMode: 0o400 }, {}, '-r-------- 0 value-1'],
  ['should be consumable from pods in volume as non-root', {}, asUser, '-rw-r--r-- 0 value-1'],
  ['should be consumable from pods in volume with mappings', mapped(), {}, '-rw-r--r-- 0 value-2'],
  [
    'should be consumable from pods in volume with mappings and Item mode set',
    mapped({ mode: 0o400 }),
    {},
    '-r-------- 0 value-2',
  ],
  ['should be consumable from pods in volume with mappings as non-root', mapped(), asUser, '-rw-r--r-- 0 value-2'],
]

for (const name of ['ConfigMap', 'Projected configMap'] as const)
  describe.concurrent(name, () => {
    const area = dataAreas[name]

    test.each(cases)('%s', async (_, options, spec, sees) => {
      const volume = area.volume(await store(pods(), area, newName('consumed')), options)
      expect(await seen(pods(), volume, options.items?.[0]?.path ?? 'data-1', spec)).toBe(sees)
    })

    test('should be consumable in multiple volumes in the same pod', async () => {
      const map = await store(pods(), area, newName('twice'))
      const twice = mounting({ one: area.volume(map), two: area.volume(map) }, 'cat /etc/one/data-1 /etc/two/data-1')
      expect(await pods().output(map, twice)).toBe('value-1value-1')
    })

    test('updates should be reflected in volume', () => updatesAreReflected(pods(), area))
    test('optional updates should be reflected in volume', () => optionalUpdatesAreReflected(pods(), area))
  })

describe.concurrent('ConfigMap', () => {
  test('binary data should be reflected in volume', async () => {
    const name = newName('binary')
    const bytes = Buffer.from('decafebad0feff', 'hex')
    await pods().create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { 'data-1': 'value-1' },
      binaryData: { 'dump.bin': bytes.toString('base64') },
    })
    await pods().pod(name, mounting({ volume: { configMap: { name } } }, goOn))
    await pods().ready(name)
    expect((await pods().exec(name, 'cat /etc/volume/data-1; hexdump -C /etc/volume/dump.bin')).stdout).toMatch(
      /^value-100000000 {2}de ca fe ba d0 fe ff /,
    )
  })

  test('should be immutable if `immutable` field is set', () => immutableStays(pods(), dataAreas.ConfigMap))
})
