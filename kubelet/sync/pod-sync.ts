import type { KubeletContext } from '../context.ts'
import type { PodVolumes } from '../volumes/volumes.ts'
import { type CrashBackoff, crashBackoff } from './crash-backoff.ts'
import { hookRunner } from './hooks.ts'
import { type Images, imagePuller } from './images.ts'
import { killer as createKiller, type Killer } from './kill.ts'
import { containerStarter } from './start-container.ts'
import { podSyncer, type SyncPod } from './sync-pod.ts'

/** What brings pods to where their specs want them, and ends them: put together from its parts. */
export interface PodSync {
  readonly images: Images
  readonly backoff: CrashBackoff
  readonly killer: Killer
  readonly syncPod: SyncPod
}

interface Options {
  readonly context: KubeletContext
  /** The runtime's, watched by whoever removes unused ones. */
  readonly images: Parameters<typeof imagePuller>[0]['images']
  readonly volumes: PodVolumes
  readonly actuateResize: Parameters<typeof podSyncer>[0]['actuateResize']
}

export function podSync({ context, volumes, actuateResize, ...options }: Options): PodSync {
  const { runtime, objects, events, clock, log, config } = context
  const images = imagePuller({ images: options.images, objects, events, clock, limits: config })
  const backoff = crashBackoff({ maxInMs: config.maxContainerRestartPeriodMs })
  const runHook = hookRunner({ runtime, clock, events })
  const killer = createKiller({ runtime, runHook, events, clock, log })
  const startContainer = containerStarter({ context, images, backoff, runHook, killer })
  return { images, backoff, killer, syncPod: podSyncer({ context, volumes, killer, startContainer, actuateResize }) }
}
