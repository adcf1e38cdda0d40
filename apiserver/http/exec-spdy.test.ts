import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { carryExecOverSpdy } from '../../streaming/exec-spdy.ts'
import { type ClientStream, pipe, spdyClient, upgraded } from '../../streaming/spdy/testing.ts'
import { echo } from '../../streaming/testing.ts'
import type { ApiRequest } from '../request.ts'
import { type TestServer, testServer } from './testing.ts'

let server: TestServer
let seen: ApiRequest[]
let command: ReturnType<typeof echo>
beforeEach(async () => {
  seen = []
  command = echo()
  server = await testServer(async request => {
    seen.push(request)
    return { type: 'session', session: command.session }
  })
})
const clients: Duplex[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await server[Symbol.asyncDispose]()
})

async function exec(query: string, protocols = 'v5.channel.k8s.io, v4.channel.k8s.io, v3.channel.k8s.io') {
  const path = `/api/v1/namespaces/default/pods/web/exec?command=cat&${query}`
  const socket = await upgraded(server, path, { 'x-stream-protocol-version': protocols })
  clients.push(socket)
  const client = spdyClient(socket)
  const open = (streamtype: string): ClientStream => client.open({ streamtype })
  return { socket, open }
}

describe('exec over SPDY', () => {
  test('begins when all streams are there, ends them, and says success', async () => {
    const { open } = await exec('stdin=true&stdout=true&stderr=true')
    const [error, stdin, stdout] = [open('error'), open('stdin'), open('stdout')]
    stdin.send('hello ')
    await stdin.accepted
    expect(command.log).toEqual([])
    const stderr = open('stderr')
    stdin.send('world')
    stdin.end()
    expect(await stdout.ended).toBe('got hello world')
    expect(await stderr.ended).toBe('warned')
    expect(JSON.parse(await error.ended)).toEqual({ metadata: {}, status: 'Success' })
    expect(seen[0]).toMatchObject({ verb: 'create', subresource: 'exec', parameters: { command: ['cat'], stdin: true } })
  })

  test('tells the exit code as a Status from version 4 on, before that as text', async () => {
    for (const [protocol, said] of [
      ['v4.channel.k8s.io', /"reason":"NonZeroExitCode".*"message":"7"/],
      ['v2.channel.k8s.io', /^command terminated with non-zero exit code: exit status 7$/],
      ['channel.k8s.io', /^command terminated/],
    ] as const) {
      command = echo({ exitCode: 7 })
      const { open } = await exec('stdout=1', protocol)
      const [error] = [open('error'), open('stdout')]
      command.session.closeStdin()
      expect(await error.ended).toMatch(said)
    }
  })

  test('with a terminal: sizes come as JSON, in whatever pieces, and there is no stream for errors', async () => {
    const { open } = await exec('stdin=true&stdout=true&stderr=true&tty=true')
    const [error, stdin, stdout, sizes] = ['error', 'stdin', 'stdout', 'resize'].map(open)
    sizes?.send('{"Width":80,"Hei')
    sizes?.send('ght":24}\n{"Width":100,"Height":30}\n')
    await expect.poll(() => command.log).toEqual(['80x24', '100x30'])
    stdin?.end()
    expect(await stdout?.ended).toBe('warnedgot ') // a terminal shows both in one
    expect(await error?.ended).toContain('Success')
  })

  test('a stream that was not asked for, or comes twice, is reset', async () => {
    const { open } = await exec('stdout=true')
    await expect(open('stdin').ended).rejects.toThrow('reset')
    open('stdout')
    await expect(open('stdout').ended).rejects.toThrow('reset')
  })

  test.each<[string, (open: (type: string) => ClientStream) => unknown]>([
    ['before any stream', () => {}],
    ['between the streams', open => open('error').accepted],
    ['while the command runs', open => Promise.all(['error', 'stdin', 'stdout'].map(type => open(type).accepted))],
  ])('a client that vanishes %s leaves no command', async (_when, begin) => {
    const { open, socket } = await exec('stdin=true&stdout=true')
    await begin(open)
    socket.destroy()
    await expect.poll(() => command.log).toContain('closed')
  })
})

test('a client that vanishes while the command is being started leaves no command', async () => {
  let start: () => void = () => {}
  const started = new Promise<void>(resolve => {
    start = resolve
  })
  await using slow = await testServer(async request => {
    seen.push(request)
    await started
    return { type: 'session', session: command.session }
  })
  const protocols = { 'x-stream-protocol-version': 'v4.channel.k8s.io' }
  const path = '/api/v1/namespaces/default/pods/web/exec?command=cat&stdout=true'
  const attempt = upgraded(slow, path, protocols).catch(() => 'gone')
  await expect.poll(() => seen.length).toBe(1)
  await slow.stop()
  start()
  expect(await attempt).toBe('gone')
  await expect.poll(() => command.log).toContain('closed')
})

test('streams that do not come are not waited for longer than half a minute', async () => {
  const clock = virtualClock()
  const [near, far] = pipe()
  const wanted = { stdin: false, stdout: true, stderr: false, tty: false }
  const { session, log } = command
  const carried = carryExecOverSpdy({ transport: near, protocol: 'v4.channel.k8s.io', session, wanted, clock })
  await spdyClient(far).open({ streamtype: 'error' }).accepted
  await clock.advance(29_000)
  expect(log).toEqual([])
  await clock.advance(1000)
  await carried
  expect(log).toEqual(['closed'])
  await clock.advance(2000)
  expect(near.destroyed).toBe(true)
  await expect.poll(() => clock.timers).toBe(0)
})
