import type { ContainerInspectInfo } from 'dockerode'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../lib/clock.ts'
import { silentLog } from '../../../lib/log.ts'
import { containerConfig, podIdentity, sandboxConfig } from '../pod-configs.ts'
import { limits } from './create-options.ts'
import { demultiplexer } from './demultiplex.ts'
import { jsonLines } from './events.ts'
import { containerLabels, dockerName, readLabels, sandboxLabels } from './labels.ts'
import { logQuery } from './logs.ts'
import { bridgeName } from './network.ts'
import { pauseProgram } from './pause-program.ts'
import { dockerRuntime } from './runtime.ts'
import { endOf } from './states.ts'
import { cgroupPath } from './stats.ts'
import { tarOf } from './tar.ts'
import { turns } from './turns.ts'

const owner = { cluster: 'c1', node: 'n1' }

describe('labels', () => {
  test('what goes in comes out, with keys of every form', () => {
    const pod = podIdentity()
    const labels = { app: 'web', 'example.com/tier': 'front' }
    const annotations = { note: 'one\ntwo', 'io.kubernetes.container.restartCount': '3', 'example.com/a': '{"b":1}' }
    const config = containerConfig({ pod, image: 'web:1', name: 'main', role: 'init', attempt: 3, labels, annotations })
    const read = readLabels(containerLabels(owner, 'sandbox-id', config, 1234))
    expect(read).toMatchObject({ pod, name: 'main', role: 'init', attempt: 3, createdAt: 1234, labels, annotations })
  })

  test("a pod's own labels cannot make it another node's", () => {
    const labels = { 'wherry.dev/node': 'elsewhere', 'io.kubernetes.pod.uid': 'stolen' }
    const config = sandboxConfig({ labels })
    const made = sandboxLabels(owner, config, 0)
    expect([made['wherry.dev/node'], made['io.kubernetes.pod.uid']]).toEqual(['n1', config.pod.uid])
  })

  test('names of different owners differ', () => {
    const pod = podIdentity()
    const names = [owner, { cluster: 'c2', node: 'n1' }, { cluster: 'c1', node: 'n2' }].map(each =>
      dockerName(each, pod, 'main', 0),
    )
    expect(new Set(names).size).toBe(3)
  })

  test('a bridge fits into the fifteen characters that Linux takes', () => {
    const name = bridgeName({ cluster: 'a-rather-long-cluster-name', node: 'a-rather-long-node-name' })
    expect(name).toMatch(/^wh[0-9a-f]{5}-[0-9a-f]{6}$/)
    expect(name.split('-')[0]).toBe(bridgeName({ cluster: 'a-rather-long-cluster-name', node: 'other' }).split('-')[0])
  })
})

describe("Docker's word on how a container ended", () => {
  const zero = '0001-01-01T00:00:00Z'
  const [start, end] = ['2026-01-01T00:00:01.5Z', '2026-01-01T00:00:02Z']
  const created = Date.parse('2026-01-01T00:00:00Z')
  test.each([
    ['runs', { Running: true, StartedAt: start, FinishedAt: zero, ExitCode: 0 }, ['running', '', created + 1500, 0]],
    ['done', { StartedAt: start, FinishedAt: end, ExitCode: 0 }, ['exited', 'Completed', created + 1500, created + 2000]],
    ['failed', { StartedAt: start, FinishedAt: end, ExitCode: 2 }, ['exited', 'Error', created + 1500, created + 2000]],
    [
      'out of memory',
      { StartedAt: start, FinishedAt: end, ExitCode: 0, OOMKilled: true },
      ['exited', 'OOMKilled', created + 1500, created + 2000],
    ],
    [
      'end noted first',
      { StartedAt: end, FinishedAt: start, ExitCode: 0 },
      ['exited', 'Completed', created + 2000, created + 2000],
    ],
    ['no such program', { StartedAt: zero, FinishedAt: zero, ExitCode: 127 }, ['exited', 'ContainerCannotRun', created, created]],
    ['never started', { StartedAt: zero, FinishedAt: zero, ExitCode: 0 }, ['created', '', 0, 0]],
  ])('%s', (_, state, expected) => {
    const { state: name, reason, startedAt, finishedAt } = endOf(state as unknown as ContainerInspectInfo['State'], created)
    expect([name, reason, startedAt, finishedAt]).toEqual(expected)
  })
})

describe('streams', () => {
  test('frames come out whole however they are cut', () => {
    const frame = (stream: number, text: string) => Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length, ...Buffer.from(text)])
    const all = Buffer.concat([frame(1, 'hello'), frame(2, 'oh'), frame(1, ''), frame(1, ' you')])
    for (const size of [1, 3, 8, 9, 100]) {
      const text = ['', '', '']
      const feed = demultiplexer(({ stream, data }) => {
        text[stream] += Buffer.from(data).toString()
      })
      for (let at = 0; at < all.length; at += size) feed(all.subarray(at, at + size))
      expect(text, `pieces of ${size}`).toEqual(['', 'hello you', 'oh'])
    }
  })

  test('events come one a line, wherever the bytes are cut', async () => {
    const bytes = Buffer.from('{"Actor":{"Attributes":{"a":"é"}}}\n{"Actor":{}}\n\n')
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
    }
    const events = []
    for await (const event of jsonLines(pieces())) events.push(event)
    expect(events).toEqual([{ Actor: { Attributes: { a: 'é' } } }, { Actor: {} }])
  })

  test.each([
    [{}, { follow: 'false', tail: 'all' }],
    [
      { tailLines: 0, follow: true },
      { follow: 'true', tail: '0' },
    ],
    [{ sinceSeconds: 10 }, { since: '990' }],
    [{ sinceTime: '1970-01-01T00:00:05.000000007Z' }, { since: '5.000000007' }],
    [{ sinceTime: '1970-01-01T00:00:05.5Z' }, { since: '5.500000000' }],
    [{ sinceTime: '1970-01-01T01:00:05+01:00' }, { since: '5.000000000' }],
  ])('log options %j', (options, expected) => {
    expect(logQuery(options, 1_000_000)).toMatchObject({ stdout: 'true', stderr: 'true', ...expected })
  })
})

describe('limits and cgroups', () => {
  test('absent limits stay absent; no swap', () => {
    expect(limits({})).toEqual({})
    expect(limits({ memoryLimitInBytes: 5, cpuQuotaInUs: 1000 })).toEqual({
      Memory: 5,
      MemorySwap: 5,
      CpuQuota: 1000,
      CpuPeriod: 100_000,
    })
  })

  test.each([
    ['cgroupfs', '', '/docker/id'],
    ['cgroupfs', '/kubepods/burstable', '/kubepods/burstable/id'],
    ['systemd', '', '/system.slice/docker-id.scope'],
    ['systemd', 'kubepods-burstable.slice', '/kubepods.slice/kubepods-burstable.slice/docker-id.scope'],
  ])('%s under "%s"', (driver, parent, expected) => {
    expect(cgroupPath(driver, parent, 'id')).toBe(expected)
  })
})

describe('turns', () => {
  test('no more at once than allowed, and what finishes a pod goes first', async () => {
    const { take } = turns(2)
    const order: string[] = []
    const release: (() => void)[] = []
    const work = (name: string) => () => {
      order.push(name)
      return new Promise<void>(resolve => release.push(resolve))
    }
    const settle = () => new Promise(resolve => setImmediate(resolve))
    const all = [take('begin', work('a')), take('begin', work('b')), take('begin', work('c')), take('finish', work('a2'))]
    await settle()
    expect(order).toEqual(['a', 'b'])
    for (let freed = 0; freed < 4; freed++) {
      release[freed]?.()
      await settle()
    }
    await Promise.all(all)
    expect(order).toEqual(['a', 'b', 'a2', 'c'])
  })

  test('what nobody waits for happens while nothing else does', async () => {
    const { take } = turns(4)
    const order: string[] = []
    const release: (() => void)[] = []
    const work = (name: string) => () => {
      order.push(name)
      return new Promise<void>(resolve => release.push(resolve))
    }
    const settle = () => new Promise(resolve => setImmediate(resolve))
    const all = [take('begin', work('a')), take('spare', work('s1')), take('spare', work('s2')), take('begin', work('b'))]
    await settle()
    expect(order).toEqual(['a', 'b'])
    release[0]?.()
    await settle()
    expect(order).toEqual(['a', 'b'])
    for (let freed = 1; freed < 4; freed++) {
      release[freed]?.()
      await settle()
      expect(order).toHaveLength(Math.min(4, freed + 2))
    }
    await Promise.all(all)
    expect(order).toEqual(['a', 'b', 's1', 's2'])
  })
})

describe('the pause image', () => {
  test.each([
    ['amd64' as const, 62, [0x83, 0x3c, 0x24, 1]],
    ['arm64' as const, 183, [0xe0, 0x03, 0x40, 0xf9]],
  ])('%s is a small executable that begins with its code', (architecture, machine, firstInstruction) => {
    const program = pauseProgram(architecture)
    const entry = Number(program.readBigUInt64LE(24) - program.readBigUInt64LE(80))
    expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
    expect(program.readUInt16LE(18)).toBe(machine)
    expect([...program.subarray(entry, entry + firstInstruction.length)]).toEqual(firstInstruction)
    expect(program.readBigUInt64LE(96)).toBe(BigInt(program.length))
    expect(program.length).toBeLessThan(1024)
    expect(program.includes(Buffer.from([0x02, 0x40, 0x01, 0, 0, 0, 0, 0]))).toBe(true) // SIGINT, SIGTERM, SIGCHLD
  })

  test('the archive has a right checksum and ends on a block', () => {
    const tar = tarOf('pause', Buffer.from('x'.repeat(600)))
    const header = Buffer.from(tar.subarray(0, 512))
    const noted = Number.parseInt(header.toString('latin1', 148, 154), 8)
    header.fill(' ', 148, 156)
    expect(header.reduce((sum, byte) => sum + byte, 0)).toBe(noted)
    expect(tar.length % 512).toBe(0)
    expect(tar.length).toBe(512 + 1024 + 1024)
  })
})

test('an engine that is not there fails in one clear line', async () => {
  const socketPath = '/nowhere/docker.sock'
  const runtime = dockerRuntime({ ...owner, podCIDR: () => undefined, clock: virtualClock(), log: silentLog, socketPath })
  const message = 'Docker is not reachable at /nowhere/docker.sock (ENOENT): is the engine running?'
  await expect(runtime.list()).rejects.toMatchObject({ name: 'RuntimeError', kind: 'unavailable', message })
})
