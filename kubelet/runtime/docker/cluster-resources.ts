import { removeCgroups } from './cgroups.ts'
import { unless } from './connection.ts'
import { dockerEngine } from './engine.ts'
import { ownLabel } from './labels.ts'

type EngineOptions = Parameters<typeof dockerEngine>[0]

/** Removes every container and network that a cluster made on an engine, of all its nodes. Answers how many there were. */
export async function removeCluster({
  cluster,
  ...options
}: EngineOptions & { cluster: string }): Promise<{ containers: number; networks: number }> {
  const engine = dockerEngine(options)
  const filters = { label: [`${ownLabel.cluster}=${cluster}`] }
  const containers = await engine.read(docker => docker.listContainers({ all: true, filters }))
  await Promise.all(
    containers.map(({ Id }) =>
      engine.change('finish', docker => docker.getContainer(Id).remove({ force: true, v: true })).catch(unless(404, 409)),
    ),
  )
  const networks = await engine.read(docker => docker.listNetworks({ filters }))
  for (const { Id } of networks) await engine.change('finish', docker => docker.getNetwork(Id).remove()).catch(unless(404))
  if (engine.isLocal) await removeCgroups(cluster)
  return { containers: containers.length, networks: networks.length }
}
