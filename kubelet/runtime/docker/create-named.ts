import type { ContainerCreateOptions } from 'dockerode'
import { DockerError } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { type Owner, ownerFilter } from './labels.ts'
import type { Urgency } from './turns.ts'

/**
 * Creates a container under its unique name. When the name is taken, an earlier try got through although its answer did not: what it
 * left is removed if it never ran.
 */
export async function createNamed(
  engine: DockerEngine,
  urgency: Urgency,
  name: string,
  options: ContainerCreateOptions,
  owner: Owner,
): Promise<string> {
  const create = () => engine.change(urgency, docker => docker.createContainer({ ...options, name }))
  const created = await create().catch(async error => {
    if (!(error instanceof DockerError) || error.status !== 409 || !/already in use/.test(error.message)) throw error
    const filters = { name: [`^/${name}$`], label: ownerFilter(owner) }
    const [left] = await engine.read(docker => docker.listContainers({ all: true, filters }))
    if (left?.State !== 'created') throw error
    await engine.change('finish', docker => docker.getContainer(left.Id).remove({ v: true }))
    return create()
  })
  return created.id
}
