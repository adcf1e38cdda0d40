import { mkdir } from 'node:fs/promises'
import { ensureBusyboxImage } from '../../scripts/busybox-image.mjs'
import { engineProcess } from '../support/engine-process.ts'

/** A container as the engine tells of it. */
export interface HostContainer {
  readonly Id: string
  readonly State: string
  readonly Labels: Readonly<Record<string, string>>
}

/** A dockerd of a host's own, in the host's network namespace. */
export interface HostEngine extends AsyncDisposable {
  readonly socketPath: string
  call<T>(method: string, path: string): Promise<T>
  containers(): Promise<HostContainer[]>
  /** Ends it as a crash would, and starts it anew. */
  restart(): Promise<void>
}

interface Options {
  /** Everything it has is below it. */
  readonly folder: string
  readonly namespace: string
  /** Of its usual bridge, which nobody uses here. */
  readonly bip: string
}

export async function hostEngine({ folder, namespace, bip }: Options): Promise<HostEngine> {
  await mkdir(folder, { recursive: true })
  const { socketPath, call, start, kill, end } = engineProcess({
    folder,
    socket: 'docker.sock',
    pidFile: 'docker.pid',
    flags: ['--bip', bip],
    within: ['nsenter', `--net=/var/run/netns/${namespace}`],
  })
  const engine: HostEngine = {
    socketPath,
    call,
    containers: () => call('GET', '/containers/json?all=1'),
    async restart() {
      await kill()
      await start()
    },
    [Symbol.asyncDispose]: end,
  }
  try {
    await start()
    await ensureBusyboxImage({ socketPath })
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}
