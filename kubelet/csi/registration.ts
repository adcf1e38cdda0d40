import { watch } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { GrpcClient } from '../../lib/grpc/client.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { PluginConnections } from './connection.ts'

/** What a plugin says of itself. */
export interface PluginInfo {
  readonly type: string
  readonly name: string
  readonly endpoint: string
  readonly supportedVersions: readonly string[]
}

/** What becomes of a plugin that has shown up. */
export interface PluginHandler {
  /** Rejects where it cannot be had; then it is asked again later. Answers how to let it go. `socket`: where the plugin serves. */
  register(info: PluginInfo, socket: string): Promise<() => Promise<void>>
}

interface Options {
  /** `<rootDir>/plugins_registry` */
  readonly folder: string
  /** By type of plugin: `CSIPlugin`. */
  readonly handlers: Readonly<Record<string, PluginHandler>>
  readonly connections: PluginConnections
  readonly clock: Clock
  readonly log: Log
}

interface Known {
  readonly stamp: string
  letGo?: () => Promise<void>
  retryAt: number
  waitInMs: number
}

/** A socket that appears is announced before somebody listens behind it. */
const settleInMs = 20
const retry = { initialInMs: 500, maxInMs: 122_000 }
/** Where the file system does not tell, or its news get lost. */
const everyMs = 60_000
const askLimitInMs = 1000

/**
 * Plugins make themselves known by a socket in a folder (pkg/kubelet/pluginmanager): each is asked who it is, handed to whoever is there for
 * its type, and told how that went. When its socket goes, so does the plugin.
 */
export function pluginRegistry({ folder, handlers, connections, clock, log }: Options): Run {
  const known = new Map<string, Known>()

  const introduce = async (socket: string): Promise<() => Promise<void>> => {
    let door: GrpcClient | undefined
    const tell = (status: { pluginRegistered: boolean; error: string }) =>
      door?.call('pluginregistration.Registration/NotifyRegistrationStatus', status, { timeoutInMs: askLimitInMs })
    try {
      door = await connections.registration(socket)
      const info: PluginInfo = await door.call('pluginregistration.Registration/GetInfo', {}, { timeoutInMs: askLimitInMs })
      const handler = handlers[info.type]
      if (!handler) throw new Error(`no handler registered for plugin type: ${info.type} at socket ${socket}`)
      const letGo = await handler.register(info, info.endpoint || socket)
      try {
        await tell({ pluginRegistered: true, error: '' })
      } catch (error) {
        await letGo().catch(() => {})
        throw error
      }
      return letGo
    } catch (error) {
      await tell({ pluginRegistered: false, error: messageOf(error) })?.catch(() => {})
      throw error
    } finally {
      door?.close()
    }
  }

  const release = async (socket: string) => {
    const gone = known.get(socket)
    known.delete(socket)
    await gone?.letGo?.().catch((err: unknown) => log.warn({ err: messageOf(err), socket }, 'plugin not let go'))
  }

  const look = async () => {
    const found = await sockets(folder)
    for (const [socket, { stamp }] of known) if (found.get(socket) !== stamp) await release(socket)
    for (const [socket, stamp] of found) {
      let plugin = known.get(socket)
      if (!plugin) known.set(socket, (plugin = { stamp, retryAt: 0, waitInMs: retry.initialInMs }))
      if (plugin.letGo || clock.now() < plugin.retryAt) continue
      try {
        plugin.letGo = await introduce(socket)
      } catch (err) {
        plugin.retryAt = clock.now() + plugin.waitInMs
        plugin.waitInMs = Math.min(plugin.waitInMs * 2, retry.maxInMs)
        log.warn({ err: messageOf(err), socket }, 'plugin not registered')
      }
    }
  }

  const nextLookInMs = () => {
    const due = [...known.values()].flatMap(({ letGo, retryAt }) => (letGo ? [] : [retryAt - clock.now()]))
    return Math.max(1, Math.min(everyMs, ...due))
  }

  return async signal => {
    await mkdir(folder, { recursive: true, mode: 0o750 })
    let wake = () => {}
    let hasNews = false
    const news = () => {
      hasNews = true
      wake()
    }
    const stopWatching = watchFolder(folder, news)
    while (!signal.aborted) {
      hasNews = false
      await look().catch((err: unknown) => log.warn({ err: messageOf(err), folder }, 'plugins not looked for'))
      await new Promise<void>(resolve => {
        const done = () => {
          cancel()
          signal.removeEventListener('abort', done)
          resolve()
        }
        let cancel = clock.after(nextLookInMs(), done)
        wake = () => {
          wake = () => {}
          cancel()
          cancel = clock.after(settleInMs, done)
        }
        if (signal.aborted) done()
        else if (hasNews) wake()
        signal.addEventListener('abort', done, { once: true })
      })
    }
    stopWatching()
  }
}

function watchFolder(folder: string, news: () => void): () => void {
  try {
    const watcher = watch(folder, news)
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {} // the regular look finds what comes
  }
}

/** Sockets of a folder and of those in it, with what tells one from its successor of the same name. Hidden ones are passed over. */
async function sockets(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.')) continue
    if (entry.isDirectory()) for (const [inner, stamp] of await sockets(path)) found.set(inner, stamp)
    if (!entry.isSocket()) continue
    const info = await stat(path).catch(() => undefined)
    if (info) found.set(path, `${info.ino} ${info.ctimeMs}`)
  }
  return found
}
