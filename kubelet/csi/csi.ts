import { join } from 'node:path'
import type { Node } from '../../api/core/node.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import type { Objects } from '../objects.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { Mounter } from '../volumes/mounter.ts'
import type { VolumePlugin } from '../volumes/plugin.ts'
import { type PluginConnections, socketConnections } from './connection.ts'
import { csiNodeRecord } from './csi-node.ts'
import { csiDriver } from './driver.ts'
import { type CsiDrivers, csiDrivers } from './drivers.ts'
import { csiFacts } from './facts.ts'
import type { NodeInfo } from './messages.ts'
import { csiPaths, pluginName } from './paths.ts'
import { csiVolume } from './plugin.ts'
import { type PluginHandler, type PluginInfo, pluginRegistry } from './registration.ts'

/** All that a kubelet has to do with storage drivers. */
export interface Csi {
  readonly plugin: VolumePlugin
  readonly drivers: CsiDrivers
  /** Finds drivers and tells the API of them; once the node has registered. */
  readonly run: Run
}

export interface CsiOptions {
  readonly nodeName: string
  readonly rootDir: string
  readonly usesDisk: boolean
  readonly client: Client
  readonly objects: Objects
  readonly node: () => Node | undefined
  readonly mounter: Pick<Mounter, 'mountsBelow'>
  readonly clock: Clock
  readonly log: Log
  /** Other kinds of plugins that register in the same way. */
  readonly handlers?: Readonly<Record<string, PluginHandler>>
  readonly connections?: PluginConnections
}

export function csi(options: CsiOptions): Csi {
  const { nodeName, rootDir, usesDisk, client, objects, node, clock, log } = options
  const drivers = csiDrivers()
  const connections = options.connections ?? socketConnections()
  const record = csiNodeRecord({ nodeName, client, node })
  const facts = csiFacts({ nodeName, client, objects })
  const plugin = csiVolume({ nodeName, drivers, facts, paths: csiPaths(rootDir), mounter: options.mounter, usesDisk })

  const handler: PluginHandler = {
    async register(info, socket) {
      checkVersions(info)
      const driver = csiDriver(info.name, await connections.driver(socket))
      try {
        const about: NodeInfo = await driver.call('Node/NodeGetInfo', {})
        await record.install(info.name, about)
      } catch (error) {
        driver.close()
        throw error
      }
      drivers.add(driver)
      log.info({ driver: info.name }, 'storage driver registered')
      return async () => {
        const isCurrent = drivers.find(info.name) === driver
        drivers.remove(driver)
        if (isCurrent) await record.uninstall(info.name)
        log.info({ driver: info.name }, 'storage driver gone')
      }
    },
  }
  const registry = pluginRegistry({
    folder: join(rootDir, 'plugins_registry'),
    handlers: { CSIPlugin: handler, ...options.handlers },
    connections,
    clock,
    log,
  })
  return {
    plugin,
    drivers,
    async run(signal) {
      await record.begin().catch((err: unknown) => log.warn({ err: messageOf(err) }, 'CSINode not made yet'))
      await registry(signal)
      for (const driver of drivers.list()) driver.close()
    },
  }
}

/** Version 1 it must be (csi_plugin.go validateVersions). */
function checkVersions({ name, supportedVersions = [] }: PluginInfo): void {
  const fail = (why: string) => new Error(`${pluginName}: validate CSI driver: ${why}`)
  if (name === '') throw fail('it has no name')
  if (!supportedVersions.some(version => /^v?1\.\d+(\.\d+)?$/.test(version)))
    throw fail(`none of the CSI versions reported by this driver are supported: [${supportedVersions.join(' ')}]`)
}
