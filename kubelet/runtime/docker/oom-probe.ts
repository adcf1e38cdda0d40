import type { Log } from '../../../lib/log.ts'
import { type DockerConnection, DockerError } from './connection.ts'
import { helperName } from './helpers.ts'
import { pauseImage } from './pause-image.ts'

/**
 * Tries whether containers may have an OOM score below zero. Without CAP_SYS_RESOURCE runc dies with a message that says nothing, so
 * it must be known before. Costs one short-lived container without a network of its own.
 */
export async function negativeOomScores(engine: DockerConnection, importPause: () => Promise<void>, log: Log): Promise<boolean> {
  const create = () =>
    engine.change('finish', docker =>
      docker.createContainer({
        name: helperName('probe'),
        Image: pauseImage,
        Labels: { 'wherry.dev/type': 'probe' },
        HostConfig: { OomScoreAdj: -1, NetworkMode: 'host', AutoRemove: false, LogConfig: { Type: 'none', Config: {} } },
      }),
    )
  const container = await create().catch(async error => {
    if (!(error instanceof DockerError) || error.status !== 404) throw error
    await importPause()
    return create()
  })
  try {
    await engine.change('finish', () => container.start())
    return true
  } catch (error) {
    if (!(error instanceof DockerError)) throw error
    log.info('this engine allows no OOM scores below zero; zero is used instead')
    return false
  } finally {
    await engine
      .change('finish', () => container.remove({ force: true }))
      .catch(err => log.warn({ err }, 'probe container left behind'))
  }
}
