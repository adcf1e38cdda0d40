import type { Log } from '../../../lib/log.ts'
import { type DockerAddress, type DockerConnection, dockerConnection } from './connection.ts'
import { negativeOomScores } from './oom-probe.ts'
import { importPauseImage } from './pause-image.ts'

/** One dockerd and what was found out about it, shared by the runtimes of all nodes that live on it. */
export interface DockerEngine extends DockerConnection {
  info(): Promise<EngineInfo>
  /** Makes the engine know the pause image; called only after a create has failed for want of it. */
  importPause(): Promise<void>
  /** Whether OomScoreAdj may be below zero here (not without CAP_SYS_RESOURCE): tried out once. */
  allowsNegativeOomScore(): Promise<boolean>
}

export interface EngineInfo {
  rootDirectory: string
  cgroupDriver: string
  cgroupVersion: string
  kernelVersion: string
  isRootless: boolean
  /** Whether the kernel enforces AppArmor profiles, SELinux labels. */
  hasAppArmor: boolean
  hasSeLinux: boolean
  /** What containers can be run with: `runc`, ... */
  runtimes: readonly string[]
}

export function dockerEngine({ log, ...address }: DockerAddress & { log: Log }): DockerEngine {
  const connection = dockerConnection(address)
  const importPause = sharedWhileRunning(() => importPauseImage(connection))
  const readInfo = async (): Promise<EngineInfo> => {
    const info = await connection.read(docker => docker.info())
    const has = (option: string) => ((info.SecurityOptions ?? []) as string[]).some(each => each.includes(`name=${option}`))
    return {
      rootDirectory: info.DockerRootDir,
      cgroupDriver: info.CgroupDriver,
      cgroupVersion: info.CgroupVersion ?? '1',
      kernelVersion: info.KernelVersion,
      isRootless: has('rootless'),
      hasAppArmor: has('apparmor'),
      hasSeLinux: has('selinux'),
      runtimes: Object.keys((info.Runtimes ?? {}) as object),
    }
  }
  return {
    ...connection,
    importPause,
    info: onceDone(readInfo),
    allowsNegativeOomScore: onceDone(() => negativeOomScores(connection, importPause, log)),
  }
}

/** Callers who come while it runs share one run. */
export function sharedWhileRunning<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}

/** Runs until it has succeeded once, then keeps the answer. */
export function onceDone<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => {
    done ??= work().catch(error => {
      done = undefined
      throw error
    })
    return done
  }
}
