import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ContractSuite } from './suite.contract.ts'

/** Images, events, limits and figures. */
export function figureContract(suite: ContractSuite): void {
  const { runPod, create, runContainer, whenExited, shell } = suite

  test('events wake whoever listens, and only for their own pods', async () => {
    const woken: (string | undefined)[] = []
    const stop = new AbortController()
    const listening = suite.runtime.watchEvents(uid => woken.push(uid))(stop.signal)
    await suite.given.passTime(300)
    const sandbox = await runPod()
    await runPod({}, suite.given.runtime('node-b'))
    const id = await runContainer(sandbox, shell('exit 0'))
    await whenExited(id)
    await suite.given.passTime(300)
    stop.abort()
    await listening
    expect(woken.length).toBeGreaterThanOrEqual(3)
    expect(new Set(woken)).toEqual(new Set([sandbox.pod.uid]))
  })

  test('stats are of running containers', async () => {
    const sandbox = await runPod()
    const id = await runContainer(sandbox, { name: 'busy' })
    await whenExited(await runContainer(sandbox, { ...shell('exit 0'), name: 'done' }))
    const [stats, ...others] = await suite.runtime.stats()
    expect(others).toEqual([])
    expect(stats).toMatchObject({ containerId: id, pod: sandbox.pod, name: 'busy', pids: 1 })
    expect(stats?.memoryWorkingSetInBytes).toBeGreaterThan(0)
    expect(stats?.memoryWorkingSetInBytes).toBeLessThanOrEqual(stats?.memoryUsageInBytes ?? 0)
  })

  test('limits of a running container can be changed', async () => {
    const id = await runContainer(await runPod(), { resources: { memoryLimitInBytes: 64 * 1024 * 1024, cpuShares: 100 } })
    await suite.runtime.updateResources(id, { memoryLimitInBytes: 128 * 1024 * 1024, cpuShares: 200 })
    expect((await suite.runtime.inspect(id))?.state).toBe('running')
  })

  test('images: present, missing, listed', async () => {
    expect(await suite.runtime.images.status(suite.given.missingImage)).toBeUndefined()
    const refused = { name: 'RuntimeError', kind: 'image', message: expect.stringMatching(/./) }
    await expect(suite.runtime.images.pull(suite.given.missingImage)).rejects.toMatchObject(refused)
    const sandbox = await runPod()
    await expect(create(sandbox, { image: suite.given.missingImage })).rejects.toMatchObject({
      name: 'RuntimeError',
      kind: 'create',
    })
    const id = await create(sandbox)
    const image = await suite.runtime.images.status(suite.given.image)
    expect(image).toMatchObject({ tags: expect.arrayContaining([suite.given.image]), sizeInBytes: expect.any(Number) })
    expect((await suite.runtime.images.list()).map(each => each.id)).toContain(image?.id)
    expect((await suite.runtime.inspect(id))?.imageId).toMatch(/sha256:[0-9a-f]{64}$/)
  })

  test('knows how much room there is', async () => {
    const { capacityInBytes, availableInBytes, inodes, inodesFree } = await suite.runtime.imageFilesystem()
    expect(availableInBytes).toBeGreaterThan(0)
    expect(capacityInBytes).toBeGreaterThan(availableInBytes)
    expect(inodes).toBeGreaterThanOrEqual(inodesFree)
  })

  test('who listens hears whether he can rely on it', async () => {
    const links: boolean[] = []
    const stop = new AbortController()
    const listening = suite.runtime.watchEvents(
      () => {},
      isUp => links.push(isUp),
    )(stop.signal)
    await suite.given.passTime(300)
    stop.abort()
    await listening
    expect(links[0]).toBe(true)
  })

  test('images that are used stay; what is not here is removed already', async () => {
    await runContainer(await runPod())
    const image = await suite.runtime.images.status(suite.given.image)
    await expect(suite.runtime.images.remove(image?.id ?? '')).rejects.toThrow(/conflict|in use|being used/)
    expect(await suite.runtime.images.status(suite.given.image)).toMatchObject({ id: image?.id })
    expect(await suite.runtime.images.inUse?.()).toContain(image?.id)
    await suite.runtime.images.remove('localhost:9/never/was/here:1')
  })

  test('an image can be laid out in a folder', async () => {
    const { unpack } = suite.runtime.images
    if (!unpack) throw new Error('this runtime cannot lay out images')
    const folder = await mkdtemp(join(tmpdir(), 'wherry-unpack-'))
    try {
      const image = await suite.runtime.images.status(suite.given.image)
      await unpack(image?.id ?? '', folder)
      expect((await readdir(folder)).length).toBeGreaterThan(0)
      await expect(unpack(`sha256:${'0'.repeat(64)}`, folder)).rejects.toMatchObject({ name: 'RuntimeError' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('usage grows with time and is never more than all', async () => {
    const id = await runContainer(await runPod(), { name: 'busy' })
    const cpu = async () => (await suite.runtime.stats()).find(({ containerId }) => containerId === id)?.cpuTotalNanoSeconds ?? -1
    const first = await cpu()
    await suite.given.passTime(200)
    expect(first).toBeGreaterThanOrEqual(0)
    expect(await cpu()).toBeGreaterThanOrEqual(first)
    expect(await suite.runtime.writableInodes?.(id)).toBeGreaterThanOrEqual(0)
  })
}
