import type { Node } from '../../api/core/node.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { type Csi, csi as createCsi } from '../csi/csi.ts'
import { apiObjects, type Objects } from '../objects.ts'
import type { AnyContainer } from '../pod-types.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import type { Images } from '../sync/images.ts'
import { isAnythingRunning } from '../workers/pod-runtime.ts'
import type { RuntimeView } from '../workers/relist.ts'
import { volumePlugins } from './built-in.ts'
import { followedObjects } from './followed-objects.ts'
import { memoryFolder } from './memory-folder.ts'
import type { Mounter } from './mounter.ts'
import { type PodVolumes, podVolumes } from './volumes.ts'

/** What a node keeps data with: put together from its parts. */
export interface NodeVolumes {
  /** What pods refer to, as the API has it. */
  readonly objects: Objects
  readonly csi: Csi
  readonly volumes: PodVolumes
  /** When the kubelet ends. */
  close(): Promise<void>
}

interface Options {
  readonly nodeName: string
  readonly rootDir: string
  readonly usesDisk: boolean
  readonly client: Client
  readonly runtime: ContainerRuntime
  readonly view: RuntimeView
  readonly node: () => Node | undefined
  readonly mounter: Mounter
  readonly images: () => Images
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The volumes that the node's status tells of have changed. */
  readonly onInUse: () => void
}

export function nodeVolumes(options: Options): NodeVolumes {
  const { rootDir, usesDisk, client, runtime, view, node, mounter, clock, random, log } = options
  const followed = followedObjects({ client, clock, onChange: uids => void volumes.refreshNow(uids) })
  const objects = apiObjects({ client, clock, ...(usesDisk && { followed }) })
  const memory = memoryFolder({ rootDir, mounter, log })
  const { nodeName, events } = options
  const csi = createCsi({ nodeName, rootDir, usesDisk, client, objects, node, mounter, clock, log })
  const builtIn = {
    rootDir,
    usesDisk,
    objects,
    mounter,
    memory,
    node,
    clock,
    random,
    pull: async (...[pod, { reference, pullPolicy }]: PullArguments) => {
      const container = { name: '', image: reference, imagePullPolicy: pullPolicy } as AnyContainer
      return (await options.images().ensure(pod, container)).id
    },
    unpack: runtime.images.unpack,
  }
  const volumes = podVolumes({
    rootDir,
    usesDisk,
    plugins: volumePlugins(builtIn, [csi.plugin]),
    objects,
    client,
    node,
    mounter,
    memory,
    events,
    clock,
    log,
    onInUse: options.onInUse,
    isRunning: async uid => {
      if (isAnythingRunning(view.get(uid))) await view.refresh()
      return isAnythingRunning(view.get(uid))
    },
  })
  return {
    objects,
    csi,
    volumes,
    async close() {
      followed.stop()
      await volumes.close()
    },
  }
}

type PullArguments = Parameters<Parameters<typeof volumePlugins>[0]['pull']>
