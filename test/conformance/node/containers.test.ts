import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { type ImageFile, makeImage, shell } from '../../support/images.ts'

/** test/e2e/common/node/containers.go: command and args of a container against ENTRYPOINT and CMD of its image. */
const pods = conformancePods('containers')

const image = 'wherry-test/entrypoint:1'
const says: ImageFile = {
  path: 'entry',
  mode: 0o755,
  content: '#!/bin/sh\nif [ "$1" = pause ]; then echo Paused; exec sleep 600; fi\necho "[$0 $*]"\n',
}
let remove: () => Promise<unknown>
beforeAll(async () => {
  const files = [says, { ...says, path: 'entry-2' }]
  remove = await makeImage(image, { config: { ...shell, Entrypoint: ['/entry'], Cmd: ['pause'] }, files })
})
afterAll(() => remove?.())

describe.concurrent('Containers', () => {
  test('should use the image defaults if command and args are blank', async () => {
    await pods().pod('defaults', { restartPolicy: 'Never', container: { image } })
    await pods().phase('defaults', 'Running')
    await eventually(async () => expect(await pods().logs('defaults')).toBe('Paused\n'))
  })

  test("should be able to override the image's default arguments (container cmd)", async () => {
    const container = { image, args: ['entrypoint-tester', 'override', 'arguments'] }
    expect(await pods().output('args', { container })).toBe('[/entry entrypoint-tester override arguments]\n')
  })

  test("should be able to override the image's default command (container entrypoint)", async () => {
    const container = { image, command: ['/entry-2'], args: ['entrypoint-tester'] }
    expect(await pods().output('command', { container })).toBe('[/entry-2 entrypoint-tester]\n')
    // The image's own arguments belong to its entrypoint: they go with it.
    expect(await pods().output('command-alone', { container: { image, command: ['/entry-2'] } })).toBe('[/entry-2 ]\n')
  })

  test("should be able to override the image's default command and arguments", async () => {
    const container = { image, command: ['/entry-2'], args: ['entrypoint-tester', 'override', 'arguments'] }
    expect(await pods().output('both', { container })).toBe('[/entry-2 entrypoint-tester override arguments]\n')
  })
})
