import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { makeImage } from '../../support/images.ts'
import { testRegistry } from '../../support/registry.ts'

const image = 'wherry/conformance-data:1'
const files = [
  { path: 'data.json', content: '{"picture": "kitten.jpg"}' },
  { path: 'kitten/os-release', content: 'NAME="Kitten Linux"' },
]
const pods = conformancePods('image-volume')
let removeImage: (() => Promise<unknown>) | undefined
beforeAll(async () => {
  removeImage = await makeImage(image, { files })
})
afterAll(() => removeImage?.())

const volume = (name: string, reference = image, more: object = {}) => ({ name, image: { reference, ...more } })
const sleeping = (volumeMounts: readonly object[] = []) => ({ container: { command: ['sleep', '600'], volumeMounts } })
const contents = async (pod: string, path: string) =>
  (await pods().exec(pod, `cat ${path}/data.json ${path}/kitten/os-release`)).stdout
const all = '{"picture": "kitten.jpg"}NAME="Kitten Linux"'

const isWaitingFor = (name: string, ...reasons: string[]) =>
  eventually(
    async () => {
      const { status } = await pods().get(name)
      expect(reasons).toContain(status.containerStatuses?.[0]?.state.waiting?.reason)
    },
    { timeoutInMs: 60_000 },
  )

describe.concurrent('ImageVolume', () => {
  test('mount an image as a volume', async () => {
    await pods().pod('mounted', { volumes: [volume('v')], ...sleeping([{ name: 'v', mountPath: '/volume' }]) })
    await pods().ready('mounted')
    expect(await contents('mounted', '/volume')).toBe(all)
    const written = await pods().exec('mounted', 'echo x > /volume/new; echo x > /volume/data.json')
    expect(written.stderr).toMatch(/Read-only file system/)
    expect(await contents('mounted', '/volume')).toBe(all)
  })

  test('should succeed with pod and pull policy of Always', async () => {
    await using registry = await testRegistry({ data: { files } })
    const always = volume('v', `${registry.host}/data:1`, { pullPolicy: 'Always' })
    for (const name of ['always', 'again']) {
      const before = registry.askers('data').length
      await pods().pod(name, { volumes: [always], ...sleeping([{ name: 'v', mountPath: '/volume' }]) })
      await pods().ready(name)
      expect(await contents(name, '/volume')).toBe(all)
      expect(registry.askers('data').length).toBeGreaterThan(before)
    }
  })

  test('should succeed with pod and multiple volumes', async () => {
    const volumes = [volume('v-0'), volume('v-1')]
    const mounts = [0, 1].map(nth => ({ name: `v-${nth}`, mountPath: `/volume-${nth}` }))
    await pods().pod('several', { volumes, ...sleeping(mounts) })
    await pods().ready('several')
    expect([await contents('several', '/volume-0'), await contents('several', '/volume-1')]).toEqual([all, all])
  })

  test('should fail if image volume is not existing', async () => {
    const missing = volume('v', 'wherry/no-such-image:1')
    await pods().pod('missing', { volumes: [missing], ...sleeping([{ name: 'v', mountPath: '/volume' }]) })
    await isWaitingFor('missing', 'ImagePullBackOff')
  })

  test('should succeed if image volume is not existing but unused', async () => {
    await pods().pod('unused', { volumes: [volume('v', 'wherry/no-such-image:1')], ...sleeping() })
    await pods().ready('unused')
  })

  test('should succeed with multiple pods and same image on the same node', async () => {
    for (const name of ['same-0', 'same-1']) {
      await pods().pod(name, { volumes: [volume('v')], ...sleeping([{ name: 'v', mountPath: '/volume' }]) })
      await pods().ready(name)
      expect(await contents(name, '/volume')).toBe(all)
    }
    await pods().remove('same-1', 0)
    expect(await contents('same-0', '/volume')).toBe(all)
  })

  test('should succeed when using a valid subPath', async () => {
    await pods().pod('sub-path', {
      volumes: [volume('v')],
      ...sleeping([{ name: 'v', mountPath: '/volume', subPath: 'kitten' }]),
    })
    await pods().ready('sub-path')
    expect((await pods().exec('sub-path', 'ls /volume; cat /volume/os-release')).stdout).toBe('os-release\nNAME="Kitten Linux"')
  })

  test('should fail if subPath in volume is not existing', async () => {
    const mount = { name: 'v', mountPath: '/volume', subPath: 'not-existing' }
    await pods().pod('no-sub-path', { volumes: [volume('v')], ...sleeping([mount]) })
    await isWaitingFor('no-sub-path', 'CreateContainerError')
  })
})
