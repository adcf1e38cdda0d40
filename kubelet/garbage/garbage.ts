import { join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import type { KubeletConfig } from '../config.ts'
import type { NodeReclaim } from '../eviction/eviction.ts'
import type { ContainerRuntime, ImageService } from '../runtime/runtime.ts'
import type { PodRuntime } from '../workers/pod-runtime.ts'
import { containerGarbage } from './container-garbage.ts'
import type { PodStage } from './container-plan.ts'
import { imageGarbage } from './image-garbage.ts'
import { type KeptLogs, keptLogs } from './kept-logs.ts'
import { pulledImages } from './pulled-images.ts'

/** What a node can do without: images that nobody uses, containers that have ended, logs of pods that are gone. */
export interface NodeGarbage {
  /** Looks after images. */
  readonly run: Run
  /** One look at the containers and the logs that are kept; to be called every minute. */
  collect(): Promise<void>
  /** What eviction may ask for before any pod has to go. */
  readonly reclaim: NodeReclaim
  /** The runtime's images, with every pull written down: only what this kubelet pulled is its own to remove. */
  readonly images: ImageService
  readonly logs: KeptLogs
}

interface Options {
  nodeName: string
  runtime: ContainerRuntime
  config: Pick<KubeletConfig, 'usesDisk' | 'imageGarbage' | 'containerGarbage' | 'keptLogs'>
  rootDir: string
  /** What the runtime holds, as the kubelet saw it last. */
  seen: () => Iterable<PodRuntime>
  /** Looks at the runtime again. */
  refresh: () => Promise<void>
  stageOf: (podUid: string) => PodStage
  activePods: () => readonly Pod[]
  events: EventRecorder
  clock: Clock
  log: Log
  /** The kubelet ends. */
  signal: AbortSignal
}

export function nodeGarbage(options: Options): NodeGarbage {
  const { nodeName, runtime, config, seen, refresh, stageOf, activePods, events, clock, log, signal } = options
  const rootDir = config.usesDisk ? options.rootDir : undefined
  const pulled = pulledImages({ path: rootDir && join(rootDir, 'pulled-images.json') })
  const logs = keptLogs({ runtime, rootDir, config: config.keptLogs, clock, log, signal })
  const collectContainers = containerGarbage({ runtime, seen, config: config.containerGarbage, stageOf, clock, log })
  const images = imageGarbage({
    nodeName,
    runtime,
    config: config.imageGarbage,
    pulled,
    alsoUsed: () => activePods().flatMap(({ spec }) => (spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? [])),
    events,
    clock,
    log,
  })
  return {
    run: images.run,
    async collect() {
      await collectContainers()
      await logs.sweep()
    },
    reclaim: {
      async removeDeadContainers() {
        await logs.clear()
        await refresh()
        await collectContainers({ isShort: true })
      },
      removeUnusedImages: images.removeUnused,
    },
    logs,
    images: {
      ...runtime.images,
      async pull(image, ...rest) {
        const before = await runtime.images.status(image)
        const id = await runtime.images.pull(image, ...rest)
        const after = await runtime.images.status(image)
        if (after) await pulled.note(image, before, after).catch((err: unknown) => log.warn({ err }, 'pull not written down'))
        return id
      },
    },
  }
}
