import type { ContainerInspectInfo } from 'dockerode'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { RuntimeError, type Sandbox, type SandboxConfig } from '../runtime.ts'
import { type DockerConnection, DockerError, failAs, unless } from './connection.ts'
import { createNamed } from './create-named.ts'
import { sandboxOptions } from './create-options.ts'
import type { DockerEngine } from './engine.ts'
import { buried } from './events.ts'
import { dockerName, isGenuine, type Labels, type Owner, ownLabel } from './labels.ts'
import type { NodeNetwork } from './network.ts'
import { writeResolvConf } from './resolv-conf.ts'
import { inspectedSandbox } from './states.ts'

export interface Surroundings {
  engine: DockerEngine
  owner: Owner
  network: NodeNetwork
  clock: Clock
  log: Log
}

/** Creates and starts the infra container: two calls, and an inspection for the address. */
export async function runSandbox(
  surroundings: Surroundings,
  config: SandboxConfig,
): Promise<{ sandbox: Sandbox; labels: Labels }> {
  const { engine, owner, network, clock, log } = surroundings
  const name = dockerName(owner, config.pod, 'POD', config.attempt)
  await demandHandler(engine, config.runtimeHandler)
  const begin = async () => {
    const oomScoreAdj = (await engine.allowsNegativeOomScore()) ? -998 : 0
    const networkId = config.hostNetwork ? '' : await network.id()
    const options = sandboxOptions(owner, config, { network: networkId, oomScoreAdj, createdAt: clock.now() })
    return createNamed(engine, 'begin', name, options, owner)
  }
  const id = await begin().catch(async error => {
    if (!(error instanceof DockerError) || error.status !== 404) return failAs('create')(error)
    await engine.importPause() // the only image it can miss; it may also have been removed since
    return begin().catch(failAs('create'))
  })
  try {
    await engine.change('begin', docker => docker.getContainer(id).start())
    const info = await engine.read(docker => docker.getContainer(id).inspect())
    if (config.dns) await pointResolver(engine, info, config.dns, log)
    return { sandbox: inspectedSandbox(info), labels: info.Config.Labels }
  } catch (error) {
    network.forget() // it may be the network that is gone: look again next time
    await removeSandbox(engine, id).catch(err => log.warn({ err }, 'failed sandbox left behind'))
    return failAs('create')(error)
  }
}

async function demandHandler(engine: DockerEngine, handler = ''): Promise<void> {
  if (handler === '' || (await engine.info()).runtimes.includes(handler)) return
  throw new RuntimeError('create', `failed to get sandbox runtime: no runtime for "${handler}" is configured`)
}

/** On another machine's engine Docker's own resolver forwards to the servers; here it need not. */
async function pointResolver(
  engine: DockerEngine,
  { ResolvConfPath: path }: ContainerInspectInfo,
  dns: NonNullable<SandboxConfig['dns']>,
  log: Log,
): Promise<void> {
  if (!engine.isLocal || !path) return
  await writeResolvConf(path, dns).catch(err =>
    log.debug({ err, path }, 'resolv.conf cannot be written; Docker forwards names instead'),
  )
}

async function membersOf(engine: DockerEngine, sandboxId: string): Promise<string[]> {
  const filters = { label: [`${ownLabel.sandbox}=${sandboxId}`] }
  const containers = await engine.read(docker => docker.listContainers({ all: true, filters }))
  return containers.filter(isGenuine).map(container => container.Id)
}

/** SIGKILL for everything in the pod; the kubelet has stopped its containers politely before. Dockerd answers when they have ended. */
export async function stopSandbox(engine: DockerEngine, id: string): Promise<void> {
  const kill = async (each: string) => {
    await engine.change('finish', docker => docker.getContainer(each).kill({ signal: 'SIGKILL' })).catch(unless(404, 409))
    await buried(engine, each)
  }
  await Promise.all([...(await membersOf(engine, id)), id].map(kill))
}

export async function removeSandbox(engine: DockerEngine, id: string): Promise<void> {
  await Promise.all((await membersOf(engine, id)).map(each => removeById(engine, each)))
  await removeById(engine, id)
}

/** 404: it is gone. 409: somebody is at it already. */
export async function removeById(engine: DockerConnection, id: string): Promise<void> {
  await engine.change('finish', docker => docker.getContainer(id).remove({ force: true, v: true })).catch(unless(404, 409))
}

export async function sandboxInfo(engine: DockerEngine, id: string): Promise<ContainerInspectInfo | undefined> {
  return engine.read(docker => docker.getContainer(id).inspect()).catch(unless(404))
}

export function requireSandbox(info: ContainerInspectInfo | undefined, id: string): ContainerInspectInfo {
  if (!info) throw new RuntimeError('notFound', `no such sandbox: ${id}`)
  return info
}
