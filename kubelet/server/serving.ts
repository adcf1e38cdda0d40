import type { NodeAgent } from '../../api/node-agent.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { aborted, type Run } from '../../lib/run.ts'
import type { KubeletOptions } from '../kubelet-options.ts'
import type { KubeletServerOptions } from './server.ts'
import type { Host } from './visit.ts'

/** When and where a kubelet serves. */
export interface Serving {
  readonly run: Run
  /** undefined: not yet, or not at all. */
  readonly port: () => number | undefined
  /** Pending until it listens, which may be for ever. */
  readonly address: Promise<{ readonly host: string; readonly port: number }>
}

interface Options {
  readonly nodeName: string
  readonly server: KubeletOptions['server']
  readonly agent: () => NodeAgent
  readonly find: Host['find']
  readonly client: Client
  /** Serving begins when this resolves. */
  readonly isReady: () => Promise<void>
  readonly onListening: () => void
  readonly onRequest: KubeletServerOptions['onRequest']
  readonly clock: Clock
  readonly log: Log
}

/** The server is loaded when pods can run already: nobody waits for it. */
export function serving(options: Options): Serving {
  let port: number | undefined
  const address = deferred<{ host: string; port: number }>()
  return {
    port: () => port,
    address: address.promise,
    async run(signal) {
      if (!options.server) return
      await Promise.race([options.isReady(), aborted(signal)])
      if (signal.aborted) return
      const { certificate, ...own } = options.server
      const [{ kubeletServer }, { defaultServerConfig }] = await Promise.all([import('./server.ts'), import('./config.ts')])
      const { nodeName, client, find, onRequest, clock, log } = options
      const server = kubeletServer({
        nodeName,
        host: { agent: options.agent(), find },
        client,
        config: { ...defaultServerConfig, ...own },
        certificate,
        onRequest,
        clock,
        log,
      })
      const tell = async () => {
        const listening = await server.address
        port = listening.port
        options.onListening()
        address.resolve(listening)
      }
      tell().catch(() => {}) // `run` says so
      await server.run(signal)
    },
  }
}
