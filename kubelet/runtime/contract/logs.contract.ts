import { expect, test } from 'vitest'
import { containerConfig } from '../pod-configs.ts'
import type { ContainerRuntime } from '../runtime.ts'
import { type ContractSuite, textOf } from './suite.contract.ts'

/** What a container has printed. */
export function logContract(suite: ContractSuite): void {
  const { runPod, runContainer, whenExited, during, shell } = suite

  test('logs: all, the tail, a limit, times, since', async () => {
    const id = await runContainer(await runPod(), shell('echo one; echo two >&2; echo three'))
    await whenExited(id)
    const log = (options: Parameters<ContainerRuntime['logs']>[1]) =>
      textOf(suite.runtime.logs(id, options, new AbortController().signal))
    expect((await log({})).split('\n').sort()).toEqual(['', 'one', 'three', 'two'])
    expect((await log({ tailLines: 1 })).split('\n')).toHaveLength(2)
    expect(await log({ tailLines: 0 })).toBe('')
    expect(await log({ limitBytes: 5 })).toHaveLength(5)
    const stamped = (await log({ timestamps: true })).trimEnd().split('\n')
    for (const line of stamped) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (one|two|three)$/)
    expect(await log({ sinceTime: '2199-01-01T00:00:00Z' })).toBe('')
    expect((await log({ sinceSeconds: 3600 })).length).toBe(14)
  })

  test('following a log ends with the container, or when nobody listens any more', async () => {
    const sandbox = await runPod()
    const id = await runContainer(sandbox, shell('echo first; sleep 0.5; echo last'))
    expect(await during(textOf(suite.runtime.logs(id, { follow: true }, new AbortController().signal)))).toBe('first\nlast\n')
    const stop = new AbortController()
    const silent = await runContainer(sandbox, { ...suite.given.polite.config, name: 'silent' })
    const following = textOf(suite.runtime.logs(silent, { follow: true, tailLines: 0 }, stop.signal))
    await suite.given.passTime(100)
    stop.abort()
    expect(await during(following)).toBe('')
  })

  test('bytes stay as they are, and one stream may be asked for', async () => {
    const id = await runContainer(await runPod(), shell("printf '\\377\\001x\\n'; echo other >&2"))
    await whenExited(id)
    const read = async (stream: 'Stdout' | 'Stderr') => {
      const chunks: Uint8Array[] = []
      for await (const chunk of suite.runtime.logs(id, { stream }, new AbortController().signal)) chunks.push(chunk)
      return [...Buffer.concat(chunks)]
    }
    expect(await read('Stdout')).toEqual([255, 1, 120, 10])
    expect(Buffer.from(await read('Stderr')).toString()).toBe('other\n')
  })

  test('two may follow the same log', async () => {
    const id = await runContainer(await runPod(), shell('sleep 0.5; echo both'))
    const follow = () => textOf(suite.runtime.logs(id, { follow: true }, new AbortController().signal))
    expect(await during(Promise.all([follow(), follow()]))).toEqual(['both\n', 'both\n'])
  })

  test('what is too long loses its beginning', async () => {
    const runtime = suite.given.runtime('node-a', undefined, { maxBytes: 16_384, maxFiles: 2 })
    const sandbox = await runPod({}, runtime)
    const config = containerConfig({ pod: sandbox.pod, image: suite.given.image, ...shell('seq 1 20000') })
    const id = await runtime.createContainer(sandbox.id, config)
    await runtime.startContainer(id)
    await whenExited(id)
    const log = await textOf(runtime.logs(id, {}, new AbortController().signal))
    expect(log.length).toBeLessThan(40_000)
    expect(log.endsWith('\n19999\n20000\n')).toBe(true)
    expect(await textOf(runtime.logs(id, { tailLines: 2 }, new AbortController().signal))).toBe('19999\n20000\n')
  })
}
