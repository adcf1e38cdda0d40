import { RuntimeError } from '../runtime.ts'
import { type DockerConnection, DockerError, failAs } from './connection.ts'
import { removeById } from './sandboxes.ts'

/** What dockerd says while its containerd is not there: it has been killed, and dockerd starts another after some seconds. */
const isHalfDown = (error: unknown) => error instanceof DockerError && /containerd\.sock.*: unavailable$/s.test(error.message)

/**
 * Starts a container that was created. One that could not be started because half of the engine was down has not had its chance: it is
 * removed, or it would pass for a run that has failed, which is the end of a pod that is never restarted.
 */
export async function startById(engine: DockerConnection, id: string): Promise<void> {
  try {
    await engine.change('finish', docker => docker.getContainer(id).start())
  } catch (error) {
    if (!isHalfDown(error)) failAs('start')(error)
    await removeById(engine, id).catch(() => undefined)
    throw new RuntimeError('unavailable', error instanceof Error ? error.message : String(error), { cause: error })
  }
}
