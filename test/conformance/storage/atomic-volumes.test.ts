import { beforeAll, describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { dataAreas, goOn, mounting, newName, store } from './mounted.ts'

/**
 * What volumes that are written by the node have in common: parts of them, many of them, several sources in one
 * (test/e2e/storage/{subpath,empty_dir_wrapper}.go, test/e2e/common/storage/projected_combined.go).
 */
const pods = conformancePods('atomic')
beforeAll(async () => {
  await store(pods(), dataAreas.ConfigMap, 'my-configmap', { 'configmap-key': 'configmap-value' })
  await store(pods(), dataAreas.Secrets, 'my-secret', { 'secret-key': 'secret-value' })
})

const configMap = { configMap: { name: 'my-configmap' } }
const projected = {
  projected: {
    sources: [{ configMap: { name: 'my-configmap', items: [{ key: 'configmap-key', path: 'projected/configmap-key' }] } }],
  },
}
const downward = { downwardAPI: { items: [{ path: 'downward/podname', fieldRef: { fieldPath: 'metadata.name' } }] } }

describe.concurrent('Subpath Atomic writer volumes', () => {
  test.each([
    ['should support subpaths with secret pod', { secret: { secretName: 'my-secret' } }, 'secret-key', 'secret-value'],
    ['should support subpaths with configmap pod', configMap, 'configmap-key', 'configmap-value'],
    [
      'should support subpaths with configmap pod with mountPath of existing file',
      configMap,
      'configmap-key',
      'configmap-value',
      '/etc/resolv.conf',
    ],
    ['should support subpaths with downward pod', downward, 'downward/podname', undefined],
    ['should support subpaths with projected pod', projected, 'projected/configmap-key', 'configmap-value'],
  ])('%s', async (_, volume, subPath, sees, mountPath = '/test-volume') => {
    const name = newName('subpath')
    const container = { command: ['cat', mountPath], volumeMounts: [{ name: 'volume', mountPath, subPath }] }
    const volumes = [{ name: 'volume', ...volume }]
    const securityContext = { seLinuxOptions: { level: 's0:c0,c1' } }
    const said = await pods().output(name, { volumes, container, securityContext })
    expect(said).toBe(sees ?? name)
    await pods().remove(name)
  })
})

describe.concurrent('Projected combined', () => {
  test('should project all components that make up the projection API', async () => {
    const name = newName('combined')
    const sources = [
      { downwardAPI: { items: [{ path: 'podname', fieldRef: { fieldPath: 'metadata.name' } }] } },
      { secret: { name: 'my-secret' } },
      { configMap: { name: 'my-configmap' } },
    ]
    const look = 'cd /etc/all; for f in podname secret-key configmap-key; do cat $f; echo; done'
    expect(await pods().output(name, mounting({ all: { projected: { sources } } }, look))).toBe(
      `${name}\nsecret-value\nconfigmap-value\n`,
    )
  })
})

describe('EmptyDir wrapper volumes', () => {
  test('should not conflict', async () => {
    const name = newName('both')
    const { ConfigMap, Secrets } = dataAreas
    await store(pods(), ConfigMap, name, { 'data-1': 'of the map' })
    await store(pods(), Secrets, name, { 'data-1': 'of the secret' })
    await pods().pod(name, mounting({ secret: Secrets.volume(name), map: ConfigMap.volume(name) }, goOn))
    await pods().ready(name)
    expect((await pods().exec(name, 'cat /etc/secret/data-1; echo; cat /etc/map/data-1')).stdout).toBe(
      'of the secret\nof the map',
    )
    await pods().remove(name)
  })

  test('should not cause race condition when used for configmaps', async () => {
    const maps = Array.from({ length: 50 }, (_, i) => `map-${i}`)
    await Promise.all(maps.map(map => store(pods(), dataAreas.ConfigMap, map, { 'data-1': map })))
    const items = [{ key: 'data-1', path: 'data-1' }]
    const volumes = Object.fromEntries(maps.map(map => [map, dataAreas.ConfigMap.volume(map, { items })]))
    for (let round = 0; round < 3; round++) {
      const names = Array.from({ length: 5 }, () => newName('race'))
      await Promise.all(names.map(name => pods().pod(name, mounting(volumes, goOn))))
      for (const name of names) {
        await pods().ready(name)
        const { stdout } = await pods().exec(name, `for m in ${maps.join(' ')}; do cat /etc/$m/data-1; echo; done`)
        expect(stdout.split('\n').slice(0, -1)).toEqual(maps)
      }
    }
  })
})
