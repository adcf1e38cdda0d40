import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { PortConnection } from '../../client/port-connection.ts'
import type { PortPair } from './ports.ts'

/** So long an end that will say no more may go on hearing; by its silence alone nobody can tell whether it still listens. */
const halfClosedInMs = 10_000

export interface Forwarding {
  readonly connect: (remote: number) => Promise<PortConnection>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** Listens on ports here and leads each connection to the pod. Throws when a port is free on none of the addresses. */
export async function listen(
  pairs: readonly PortPair[],
  addresses: readonly string[],
  forwarding: Forwarding,
): Promise<Server[]> {
  const servers: Server[] = []
  try {
    for (const pair of pairs) servers.push(...(await listenOn(pair, addresses, forwarding)))
    return servers
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
}

async function listenOn({ local, remote }: PortPair, addresses: readonly string[], forwarding: Forwarding): Promise<Server[]> {
  const servers: Server[] = []
  const faults: string[] = []
  let port = local
  for (const host of addresses.flatMap(each => (each === 'localhost' ? ['127.0.0.1', '::1'] : [each]))) {
    const server = createServer({ allowHalfOpen: true }, socket => {
      forwarding.out(`Handling connection for ${port}\n`)
      void join(socket, port, remote, forwarding)
    })
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => resolve())
      })
    } catch (error) {
      faults.push((error as Error).message)
      continue
    }
    port = (server.address() as AddressInfo).port
    servers.push(server)
    const shown = host.includes(':') ? `[${host}]` : host
    forwarding.out(`Forwarding from ${shown}:${port} -> ${remote}\n`)
  }
  if (servers.length === 0) {
    forwarding.err(`Unable to listen on port ${local}: ${faults.join('; ')}\n`)
    throw new Error(`unable to listen on any of the requested ports: [{${local} ${remote}}]`)
  }
  return servers
}

/** Leads bytes both ways until one side has closed. */
async function join(socket: Socket, local: number, remote: number, { connect, err, sleep }: Forwarding): Promise<void> {
  const complain = (why: string) => err(`error: an error occurred forwarding ${local} -> ${remote}: ${why}\n`)
  socket.pause()
  socket.on('error', () => socket.destroy())
  let pod: PortConnection
  try {
    pod = await connect(remote)
  } catch (error) {
    complain((error as Error).message)
    return void socket.destroy()
  }
  const closed = new AbortController()
  socket.on('close', () => {
    closed.abort()
    pod.close()
  })
  const whenQuiet = async () => {
    for (let heard = -1; !socket.destroyed && heard !== socket.bytesWritten; ) {
      heard = socket.bytesWritten
      await sleep(halfClosedInMs, closed.signal)
    }
    socket.destroy()
  }
  socket.on('end', () => void whenQuiet())
  socket.on('data', chunk => {
    socket.pause()
    pod.write(chunk).then(
      () => socket.resume(),
      () => socket.destroy(),
    )
  })
  socket.resume()
  for await (const chunk of pod.data) {
    if (socket.destroyed) break
    if (!socket.write(chunk)) await new Promise<void>(resolve => socket.once('drain', resolve).once('close', () => resolve()))
  }
  const fault = await pod.done
  if (fault) complain(fault)
  // Nothing more can be said to a pod that has closed.
  socket.end(() => socket.destroy())
}
