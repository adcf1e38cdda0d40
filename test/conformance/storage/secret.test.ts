import { describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { type PodSpec, realPods } from '../../support/real-pods.ts'
import { immutableStays, optionalUpdatesAreReflected } from './followed.ts'
import { dataAreas, goOn, mounting, newName, type SourceOptions, seen, store } from './mounted.ts'

/** Secrets as volumes, and in projected volumes (test/e2e/common/storage/{secrets_volume,projected_secret}.go). */
const pods = conformancePods('secret')

const ofGroup: PodSpec = { securityContext: { runAsUser: 1000, fsGroup: 1001 } }
const mapped = (mode = {}) => ({ items: [{ key: 'data-1', path: 'new-path-data-1', ...mode }] })

const cases: [name: string, options: SourceOptions, spec: PodSpec, sees: string][] = [
  ['should be consumable from pods in volume', {}, {}, '-rw-r--r-- 0 value-1'],
  ['should be consumable from pods in volume with defaultMode set', { defaultMode: 0o400 }, {}, '-r-------- 0 value-1'],
  [
    'should be consumable from pods in volume as non-root with defaultMode and fsGroup set',
    { defaultMode: 0o440 },
    ofGroup,
    '-r--r----- 1001 value-1',
  ],
  ['should be consumable from pods in volume with mappings', mapped(), {}, '-rw-r--r-- 0 value-1'],
  [
    'should be consumable from pods in volume with mappings and Item Mode set',
    mapped({ mode: 0o400 }),
    {},
    '-r-------- 0 value-1',
  ],
]

for (const name of ['Secrets', 'Projected secret'] as const)
  describe.concurrent(name, () => {
    const area = dataAreas[name]

    test.each(cases)('%s', async (_, options, spec, sees) => {
      const volume = area.volume(await store(pods(), area, newName('consumed')), options)
      expect(await seen(pods(), volume, options.items?.[0]?.path ?? 'data-1', spec)).toBe(sees)
    })

    test('should be consumable in multiple volumes in a pod', async () => {
      const secret = await store(pods(), area, newName('twice'))
      const look = 'for v in one two; do stat -L -c %A /etc/$v/data-1; cat /etc/$v/data-1; echo; done'
      const twice = mounting({ one: area.volume(secret), two: area.volume(secret) }, look)
      expect(await pods().output(secret, twice)).toBe('-rw-r--r--\nvalue-1\n'.repeat(2))
    })

    test('optional updates should be reflected in volume', () => optionalUpdatesAreReflected(pods(), area))
  })

describe.concurrent('Secrets', () => {
  test('should be able to mount in a volume regardless of a different secret existing with same name in different namespace', async () => {
    const { volume } = dataAreas.Secrets
    const name = newName('namesake')
    const elsewhere = await realPods(pods().cluster, 'elsewhere')
    await store(elsewhere, dataAreas.Secrets, name, { 'data-1': 'not this', 'data-9': 'nor this' })
    await store(pods(), dataAreas.Secrets, name)
    await elsewhere.pod(name, mounting({ volume: volume(name) }, goOn))
    await elsewhere.ready(name)
    expect((await elsewhere.exec(name, 'cat /etc/volume/data-1')).stdout).toBe('not this')
    expect(await seen(pods(), volume(name), 'data-1')).toBe('-rw-r--r-- 0 value-1')
  })

  test('should be immutable if `immutable` field is set', () => immutableStays(pods(), dataAreas.Secrets))
})
