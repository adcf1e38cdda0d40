import type { Random } from '../../../lib/random.ts'
import { controlFrame, dataHeader, frameType, numbersFrame } from '../../../streaming/spdy/frames.ts'
import { headerWriter } from '../../../streaming/spdy/headers.ts'
import { bytes, bytesOf, chance, damaged, type Family, noise, pick, printable, some, target } from './request.ts'

/** Requests for an upgrade that cannot be had. */
export const upgrades: Family = random => {
  const protocol = pick(random, ['websocket', 'SPDY/3.1', 'h2c', noise(random, 5).replaceAll(/[^a-z]/g, 'x')])
  const headers = {
    connection: 'Upgrade',
    upgrade: protocol,
    ...pick<Record<string, string>>(random, [
      {},
      { 'sec-websocket-key': 'short', 'sec-websocket-version': '13' },
      { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '99' },
      { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13', 'sec-websocket-protocol': 'x, y' },
      { 'x-stream-protocol-version': printable(random, 8) },
    ]),
  }
  const path = `/api/v1/namespaces/default/pods/none/${pick(random, ['exec?command=x&stdout=true', 'attach', 'portforward', 'log', 'exec', 'proxy/', 'nothing'])}`
  return {
    what: `upgrade to ${protocol}`,
    bytes: bytesOf({ method: pick(random, ['GET', 'POST']), path, headers }),
    breaksConnection: true,
  }
}

const running = `/api/v1/namespaces/default/pods/${target}`
const paths = [
  `${running}/exec?command=sleep&command=60&stdin=true&stdout=true&stderr=true`,
  `${running}/exec?command=sh&tty=true&stdin=true&stdout=true`,
  `${running}/exec?command=echo&command=x&stdout=true`,
  `${running}/attach?stdout=true&stdin=true`,
  `${running}/portforward?ports=80`,
  `${running}/portforward?ports=80,81&ports=82`,
  `${running}/log?follow=true`,
  '/api/v1/pods?watch=1',
]

/** A handshake as it should be with a pod that runs, and after it frames that are not. */
export const spdy: Family = random => {
  const path = pick(random, paths.slice(0, 5))
  const isForward = path.includes('portforward')
  const headers = {
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': isForward
      ? 'portforward.k8s.io'
      : pick(random, ['v4.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']),
  }
  return conversation(random, 'SPDY', bytesOf({ method: 'POST', path, headers }), spdyFrames(random, isForward))
}

function spdyFrames(random: Random, isForward: boolean): Buffer[] {
  const write = headerWriter()
  let id = 1
  const streamType = () =>
    pick(
      random,
      isForward ? ['error', 'data', noise(random, 4)] : ['error', 'stdin', 'stdout', 'stderr', 'resize', noise(random, 4)],
    )
  const open = () => {
    const head = Buffer.alloc(10)
    head.writeUInt32BE(chance(random, 6) ? random.below(9) : id, 0)
    id += 2
    const headers = new Map([
      ['streamtype', streamType()],
      ...(isForward
        ? ([
            ['port', pick(random, ['80', '0', '99999', 'x', ''])],
            ['requestid', String(random.below(3))],
          ] as const)
        : []),
    ])
    return controlFrame(frameType.synStream, random.below(4), Buffer.concat([head, write(headers)]))
  }
  const frame = () =>
    pick<() => Buffer>(random, [
      open,
      open,
      open,
      () => {
        const data = bytes(random, 2_000)
        return Buffer.concat([dataHeader(pick(random, [1, 3, 5, 2, 0, 99]), data.length, chance(random, 3)), data])
      },
      () =>
        numbersFrame(
          pick(random, [3, 4, 6, 7, 8, 9, 99]),
          random.below(9),
          pick(random, [0, 1, 2 ** 31 - 1, 2 ** 32 - 1, random.below(1e9)]),
        ),
      () => numbersFrame(frameType.windowUpdate, pick(random, [0, 1, 3]), pick(random, [0, 1, 2 ** 31 - 1])),
      () => numbersFrame(frameType.settings, pick(random, [1, 2 ** 32 - 1]), 7, pick(random, [0, 1, 2 ** 31])),
      () => numbersFrame(frameType.ping),
      () => controlFrame(frameType.synStream, 0, bytes(random, 60)),
      () => Buffer.concat([dataHeader(1, 0xffffff, false), bytes(random, 500)]),
      () => bytes(random, 200),
    ])()
  return some(random, 12, () => (chance(random, 6) ? damaged(random, frame()) : frame()))
}

export const webSockets: Family = random => {
  const path = pick(random, paths)
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
    ...(!chance(random, 4) && {
      'sec-websocket-protocol': pick(random, [
        'v5.channel.k8s.io',
        'v4.channel.k8s.io',
        'channel.k8s.io',
        'base64.channel.k8s.io',
        'SPDY/3.1+portforward.k8s.io',
        'v4.base64.channel.k8s.io',
        'binary.k8s.io',
      ]),
    }),
  }
  const isTunnel = headers['sec-websocket-protocol']?.startsWith('SPDY')
  const inner = isTunnel ? spdyFrames(random, true).map(frame => message(random, 2, frame)) : webSocketFrames(random)
  return conversation(random, 'WebSocket', bytesOf({ path, headers }), inner)
}

function webSocketFrames(random: Random): Buffer[] {
  const frame = () =>
    pick<() => Buffer>(random, [
      () => message(random, pick(random, [1, 2]), Buffer.concat([Buffer.from([random.below(6)]), bytes(random, 300)])),
      () => message(random, 2, Buffer.from([255, random.below(6)])),
      () => message(random, 1, Buffer.from([0xff, 0xfe, 0xc0])),
      () => message(random, random.below(16), bytes(random, 200), random.below(256)),
      () =>
        message(
          random,
          2,
          Buffer.concat([
            Buffer.from([4]),
            Buffer.from(pick(random, ['{', '{"Width":-1}', '{"Width":"x"}', 'null', '[]', '{"Width":1e9,"Height":1}'])),
          ]),
        ),
      () => Buffer.from([0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      () => Buffer.concat([Buffer.from([0x82, 0xfe, 0xff, 0xff]), bytes(random, 100)]),
      () => Buffer.concat([Buffer.from([0x82, 5]), Buffer.from('hello')]),
      () => message(random, 8, pick(random, [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([3, 232])])),
      () => bytes(random, 100),
    ])()
  return some(random, 12, () => (chance(random, 8) ? damaged(random, frame()) : frame()))
}

/** A masked frame, as clients send them. */
function message(random: Random, opcode: number, payload: Buffer, first = 0x80 | opcode): Buffer {
  const mask = Buffer.from([1, 2, 3, 4].map(() => random.below(256)))
  const masked = Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)))
  const length = payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([first, ...length]), mask, masked])
}

/** Some clients do not even wait for the handshake to be over. */
function conversation(random: Random, what: string, handshake: Buffer, frames: Buffer[]) {
  if (chance(random, 6)) {
    const early = Buffer.concat([handshake, ...frames])
    return { what: `${what} at once`, bytes: early, frames: [], breaksConnection: true }
  }
  if (chance(random, 6)) {
    return {
      what: `${what} deserted`,
      bytes: handshake.subarray(0, pick(random, [handshake.length, random.below(handshake.length)])),
      vanishes: true,
      breaksConnection: true,
    }
  }
  return { what, bytes: handshake, frames, breaksConnection: true }
}
