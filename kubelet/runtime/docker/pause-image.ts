import { RuntimeError } from '../runtime.ts'
import { type DockerConnection, readable } from './connection.ts'
import { pauseProgram } from './pause-program.ts'
import { tarOf } from './tar.ts'

/** Goes up whenever the program in it changes. */
export const pauseImage = 'wherry/pause:2'

/** Makes the engine know the pause image, without any registry. Harmless when it does already. */
export async function importPauseImage(engine: DockerConnection): Promise<void> {
  const { Arch: architecture } = await engine.read(docker => docker.version())
  if (architecture !== 'amd64' && architecture !== 'arm64') {
    throw new RuntimeError('image', `no pause program for ${architecture}: only amd64 and arm64 are known`)
  }
  const [repo = '', tag = ''] = pauseImage.split(':')
  const changes = ['ENTRYPOINT ["/pause"]', 'USER 65535:65535']
  await engine.open(async docker => {
    const options = { repo, tag, changes, message: 'built in' } as unknown as undefined
    const answer = readable(await docker.importImage(tarOf('pause', pauseProgram(architecture)) as unknown as string, options))
    const text = Buffer.concat(await answer.toArray()).toString()
    const [, failure] = /"error":"([^"]*)"/.exec(text) ?? []
    if (failure !== undefined) throw new RuntimeError('image', `the pause image could not be imported: ${failure}`)
  })
}
