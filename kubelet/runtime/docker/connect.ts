import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import type { ContainerInspectInfo } from 'dockerode'
import type { Clock } from '../../../lib/clock.ts'
import { ConnectionRefused } from '../runtime.ts'
import { duplex, failAs } from './connection.ts'
import { demultiplexer } from './demultiplex.ts'
import type { DockerEngine } from './engine.ts'
import { killInContainer } from './processes.ts'

/** An address that answers neither way is no longer waited for. */
const dialTimeoutInMs = 2_000
/** How long the relay may take to say whether it got through. */
const relayTimeoutInMs = 20_000

/**
 * A connection to a port in a sandbox's network. From this machine the quick way is to dial the pod's address, which reaches what listens
 * on all addresses. What listens on the pod's loopback alone, or lives on another machine's engine, is reached by the infra container's
 * own program, run once more as a relay.
 */
export async function dockerConnect(
  engine: DockerEngine,
  clock: Clock,
  { Id: id, HostConfig, NetworkSettings }: ContainerInspectInfo,
  port: number,
): Promise<Duplex> {
  const isHost = HostConfig.NetworkMode === 'host'
  const address = isHost ? '127.0.0.1' : Object.values(NetworkSettings.Networks)[0]?.IPAddress
  if (engine.isLocal && address) {
    const direct = await dial(clock, address, port).catch(() => undefined)
    if (direct) return direct
  }
  return relay(engine, clock, id, port)
}

function dial(clock: Clock, host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const cancel = clock.after(dialTimeoutInMs, () => socket.destroy(new Error('dial timed out')))
    socket.once('error', reject)
    socket.once('connect', () => {
      cancel()
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('close', () => {
      cancel()
      reject(new Error('closed'))
    })
  })
}

async function relay(engine: DockerEngine, clock: Clock, id: string, port: number): Promise<Duplex> {
  const options = { Cmd: ['/pause', String(port)], AttachStdin: true, AttachStdout: true, AttachStderr: false, Tty: false }
  const exec = await engine.open(docker => docker.getContainer(id).exec(options), relayTimeoutInMs).catch(failAs('other'))
  const start = () => exec.start({ hijack: true, stdin: true, Tty: false })
  const socket = duplex(await engine.open(start, relayTimeoutInMs).catch(failAs('other')))
  const end = async () => {
    socket.destroy()
    const { Pid: pid, Running: isRunning } = await engine.read(() => exec.inspect())
    if (isRunning && engine.isLocal) await killInContainer(pid, id)
  }
  const stream = relayed(socket, () => void end().catch(() => undefined))
  const cancel = clock.after(relayTimeoutInMs, () => stream.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once('relayed', resolve)
      stream.once('close', () => reject(new ConnectionRefused(id.slice(0, 12), port)))
    })
  } finally {
    cancel()
  }
  return stream
}

/** The relay's input and output as one stream. Emits `relayed` for the first byte, which is the relay's own; ends without it if there is nobody. */
function relayed(socket: Duplex, onDestroy: () => void): Duplex {
  let isThrough = false
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (socket.writable) socket.write(chunk, () => done())
      else done()
    },
    final(done) {
      socket.end()
      done()
    },
    destroy(_error, done) {
      onDestroy()
      done(null)
    },
  })
  const feed = demultiplexer(({ stream: from, data }) => {
    if (from !== 1 || data.length === 0) return
    const isFirst = !isThrough
    isThrough = true
    const rest = isFirst ? data.subarray(1) : data
    if (isFirst) stream.emit('relayed')
    if (rest.length > 0 && !stream.push(rest)) socket.pause()
  })
  socket.on('data', feed)
  socket.on('error', () => stream.destroy())
  socket.on('end', () => (isThrough ? stream.push(null) : stream.destroy()))
  socket.on('close', () => {
    if (!stream.readableEnded) stream.push(null)
    if (!isThrough) stream.destroy()
  })
  return stream
}
