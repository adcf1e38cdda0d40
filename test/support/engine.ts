import { request } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** The engine of these tests: DOCKER_HOST's socket or the usual one. */
export const engineSocket = process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock'

/** One call of the engine's own API, past all of our code. */
export function engineCall<T = unknown>(method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: engineSocket, method, path }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => {
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
        else resolve((text ? JSON.parse(text) : undefined) as T)
      })
    })
    call.on('error', reject)
    call.end()
  })
}

export interface EngineContainer {
  readonly Id: string
  readonly Image: string
  readonly State: string
  readonly Labels: Readonly<Record<string, string>>
}

const markedBy = (clusterId: string) => encodeURIComponent(JSON.stringify({ label: [`wherry.dev/cluster=${clusterId}`] }))

/** All containers of a cluster, running or not, as the engine itself tells of them. */
export const containersOf = (clusterId: string) =>
  engineCall<EngineContainer[]>('GET', `/containers/json?all=1&filters=${markedBy(clusterId)}`)

export const networksOf = (clusterId: string) => engineCall<{ Id: string }[]>('GET', `/networks?filters=${markedBy(clusterId)}`)

/** A second address of the engine that can be taken away: what it is to a client when dockerd stops and comes back. */
export interface EngineProxy extends AsyncDisposable {
  readonly address: string
  open(): Promise<void>
  /** Hangs up on everyone and refuses whoever comes. */
  close(): Promise<void>
}

export function engineProxy(socketPath: string): EngineProxy {
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  }
  const proxy: EngineProxy = {
    address: `unix://${socketPath}`,
    open: () =>
      new Promise((resolve, reject) => {
        server = createServer({ allowHalfOpen: true }, near => {
          const far = connect({ path: engineSocket, allowHalfOpen: true })
          for (const socket of [near, far]) keep(socket)
          near.pipe(far).pipe(near)
          near.once('close', () => far.destroy())
          far.once('close', () => near.destroy())
        })
        server.once('error', reject)
        server.listen(socketPath, resolve)
      }),
    close: () =>
      new Promise(resolve => {
        server?.close(() => resolve())
        for (const socket of sockets) socket.destroy()
        if (!server) resolve()
        server = undefined
      }),
    [Symbol.asyncDispose]: () => proxy.close(),
  }
  return proxy
}
