import type { Clock } from '../../../lib/clock.ts'
import { systemRandom } from '../../../lib/random.ts'
import { type DockerConnection, unless } from './connection.ts'

/**
 * Containers that are made for a moment, to find something out or to read an image, and are no pod's. Whoever makes one removes it,
 * unless the kubelet or the engine is killed in between. They are told by their names, which an image has no say in.
 */
const longestUseInMs = { probe: 60_000, unpack: 600_000 } as const
export type HelperPurpose = keyof typeof longestUseInMs

/** `key` makes the name one that is found again; without it no two are the same. */
export const helperName = (purpose: HelperPurpose, key = systemRandom.suffix(12)): string => `wherry_${purpose}_${key}`

/** Removes those that are too old to be still in use. */
export async function removeOldHelpers(engine: DockerConnection, clock: Clock): Promise<void> {
  const listed = await engine.read(docker =>
    docker.listContainers({ all: true, filters: { name: ['^/wherry_(probe|unpack)_'] } }),
  )
  const old = listed.filter(({ Names, Created }) => {
    const [, purpose] = /^\/wherry_(probe|unpack)_/.exec(Names[0] ?? '') ?? []
    return purpose !== undefined && clock.now() - Created * 1000 > longestUseInMs[purpose as HelperPurpose]
  })
  for (const { Id } of old)
    await engine.change('finish', docker => docker.getContainer(Id).remove({ force: true, v: true })).catch(unless(404, 409))
}
