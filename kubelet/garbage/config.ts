/** When images go (semantics C6, KubeletConfiguration imageGC*). */
export interface ImageGarbageConfig {
  /** The image file system is too full from so many percent on; 100: images never go for want of space. */
  readonly highThresholdPercent: number
  /** ... and is freed down to so many. */
  readonly lowThresholdPercent: number
  /** A younger image stays, so that what was pulled for a container is there when the container is made. */
  readonly minimumAgeInMs: number
  /** Unused for longer, an image goes however much room there is; 0: never for that. */
  readonly maximumAgeInMs: number
  readonly everyMs: number
  /** `own`: only what this kubelet pulled: the engine may be somebody's own. `all`: whatever is on the engine and unused. */
  readonly scope: 'own' | 'all'
}

export const defaultImageGarbage: ImageGarbageConfig = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeInMs: 120_000,
  maximumAgeInMs: 0,
  everyMs: 300_000,
  scope: 'own',
}

/** Which containers that have ended are kept (pkg/kubelet/container GCPolicy). */
export interface ContainerGarbageConfig {
  readonly minimumAgeInMs: number
  /** Dead instances that are kept of each container, for `logs --previous`; negative: all. */
  readonly maxPerPodContainer: number
  /** Dead instances that are kept in all; negative: no limit. */
  readonly maxContainers: number
  readonly everyMs: number
}

export const defaultContainerGarbage: ContainerGarbageConfig = {
  minimumAgeInMs: 0,
  maxPerPodContainer: 1,
  maxContainers: -1,
  everyMs: 60_000,
}

/** How long, and how much of it, the last logs of deleted pods are kept. Not of upstream. */
export interface KeptLogsConfig {
  /** 0: none are kept. */
  readonly keepInMs: number
  readonly mostPods: number
  /** Compressed, of all pods together. */
  readonly mostBytes: number
  /** Of one container, before compression; the end of a longer log. */
  readonly bytesPerContainer: number
}

export const defaultKeptLogs: KeptLogsConfig = {
  keepInMs: 600_000,
  mostPods: 100,
  mostBytes: 32 * 2 ** 20,
  bytesPerContainer: 2 ** 20,
}
