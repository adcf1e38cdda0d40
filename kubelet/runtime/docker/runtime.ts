import { statfs } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { limitBytes } from '../byte-stream.ts'
import { type ContainerConfig, type ContainerRuntime, RuntimeError } from '../runtime.ts'
import { answerWithinInMs, failAs, unless } from './connection.ts'
import { createNamed } from './create-named.ts'
import { containerOptions, limits } from './create-options.ts'
import { type DockerEngine, dockerEngine } from './engine.ts'
import { dockerEvents } from './events.ts'
import { dockerImages, imageRefs } from './images.ts'
import { dockerConnect } from './connect.ts'
import { dockerName, type Labels, type Owner, ownerFilter, ownLabel } from './labels.ts'
import { dockerLogs } from './logs.ts'
import { nodeNetwork } from './network.ts'
import { removeById, removeSandbox, requireSandbox, runSandbox, sandboxInfo, stopSandbox } from './sandboxes.ts'
import { dockerAttach, dockerExec, dockerExecSync } from './sessions.ts'
import { inspectedContainer, inspectedSandbox, listedContainer, listedSandbox } from './states.ts'
import { dockerStats } from './stats.ts'

export interface DockerRuntimeOptions {
  /** Names the cluster's containers on this engine; must be the same after a restart. */
  cluster: string
  node: string
  podCIDR: () => string | undefined
  clock: Clock
  log: Log
  /** Shared by the runtimes of several nodes, so that together they do not overrun dockerd. */
  engine?: DockerEngine
  /** Where to find it, if no engine is given: default /var/run/docker.sock. */
  socketPath?: string
  host?: string
}

/** Real containers, through a Docker engine (API 1.41 and up). Loads its client library on the first call. */
export function dockerRuntime(options: DockerRuntimeOptions): ContainerRuntime {
  const { cluster, node, podCIDR, clock, log, socketPath, host } = options
  const engine = options.engine ?? dockerEngine({ clock, log, socketPath, host })
  const owner: Owner = { cluster, node }
  const network = nodeNetwork(engine, owner, podCIDR)
  const imageRef = imageRefs(engine)
  const images = dockerImages(engine)
  /** The labels of sandboxes that run, by id: what their containers must share with them. */
  const sandboxes = new Map<string, Labels>()
  /** Being started right now: Docker answers no inspection of these. */
  const starting = new Set<string>()

  const labelsOf = async (sandboxId: string): Promise<Labels> => {
    const known = sandboxes.get(sandboxId)
    if (known) return known
    const { Config } = requireSandbox(await sandboxInfo(engine, sandboxId), sandboxId)
    sandboxes.set(sandboxId, Config.Labels)
    return Config.Labels
  }
  const listOurs = (all: boolean, more: string[] = [], size = false) =>
    engine.read(docker => docker.listContainers({ all, size, filters: { label: [...ownerFilter(owner), ...more] } }))
  const inspect = async (id: string) => {
    const info = await engine.read(docker => docker.getContainer(id).inspect()).catch(unless(404))
    return info && inspectedContainer(info, await imageRef(info.Image))
  }
  const createContainer = async (sandboxId: string, config: ContainerConfig): Promise<string> => {
    const needsImageUser = config.security.runAsGroup !== undefined && config.security.runAsUser === undefined
    const created = await containerOptions(owner, config, {
      sandboxId,
      sandboxLabels: await labelsOf(sandboxId),
      allowsNegativeOomScore: (config.resources.oomScoreAdj ?? 0) < 0 && (await engine.allowsNegativeOomScore()),
      imageUser: needsImageUser ? ((await images.status(config.image))?.user ?? '') : '',
      createdAt: clock.now(),
    })
    const name = dockerName(owner, config.pod, config.name, config.attempt)
    return createNamed(engine, 'finish', name, created, owner).catch(failAs('create'))
  }

  return {
    name: 'docker',
    async version() {
      const { Version } = await engine.read(docker => docker.version()).catch(failAs('other'))
      void engine.allowsNegativeOomScore().catch(() => undefined) // so that the first pod need not wait for it
      return { name: 'docker', version: Version }
    },

    async runSandbox(config) {
      const { sandbox, labels } = await runSandbox({ engine, owner, network, clock, log }, config)
      sandboxes.set(sandbox.id, labels)
      return sandbox
    },
    stopSandbox: id => stopSandbox(engine, id),
    async removeSandbox(id) {
      await removeSandbox(engine, id)
      sandboxes.delete(id)
    },

    createContainer,
    async startContainer(id) {
      starting.add(id)
      await engine
        .change('finish', docker => docker.getContainer(id).start())
        .catch(failAs('start'))
        .finally(() => starting.delete(id))
    },
    async stopContainer(id, graceInSeconds) {
      const stop = () =>
        graceInSeconds > 0
          ? engine.open(
              docker => docker.getContainer(id).stop({ t: Math.ceil(graceInSeconds) }),
              graceInSeconds * 1000 + answerWithinInMs,
            )
          : engine.change('finish', docker => docker.getContainer(id).kill({ signal: 'SIGKILL' }))
      await stop().catch(unless(304, 404, 409))
    },
    removeContainer: id => removeById(engine, id),
    async updateResources(id, resources) {
      await engine.change('finish', docker => docker.getContainer(id).update(limits(resources))).catch(failAs('other'))
    },

    async list() {
      const all = await listOurs(true)
      const isSandbox = (labels: Labels) => labels[ownLabel.type] === 'sandbox'
      const containers = all.filter(({ Labels }) => Labels[ownLabel.type] === 'container').map(listedContainer)
      // Docker lists a container that could not be started as merely created; only an inspection tells them apart.
      const settled = containers.map(async container =>
        container.state === 'created' && !starting.has(container.id) ? ((await inspect(container.id)) ?? container) : container,
      )
      return {
        sandboxes: all.filter(({ Labels }) => isSandbox(Labels)).map(listedSandbox),
        containers: await Promise.all(settled),
      }
    },
    inspect,
    async inspectSandbox(id) {
      const info = await sandboxInfo(engine, id)
      return info && inspectedSandbox(info)
    },
    watchEvents: onEvent => dockerEvents(engine, owner, { clock, log }, onEvent),

    images,
    logs: (id, logOptions, signal) => limitBytes(dockerLogs(engine, id, logOptions, clock.now(), signal), logOptions.limitBytes),
    exec: (id, execOptions) => dockerExec(engine, clock, id, execOptions),
    execSync: (id, command, timeoutInMs) => dockerExecSync(engine, clock, id, command, timeoutInMs),
    attach: (id, execOptions) => dockerAttach(engine, clock, id, execOptions),
    async connect(sandboxId, port) {
      const info = requireSandbox(await sandboxInfo(engine, sandboxId), sandboxId)
      return dockerConnect(engine, clock, info, port)
    },
    stats: dockerStats(engine, clock, ({ size } = { size: false }) => listOurs(false, [`${ownLabel.type}=container`], size)),
    async imageFilesystem() {
      const { rootDirectory } = await engine.info()
      const { bsize, blocks, bavail, files, ffree } = await statfs(rootDirectory).catch(cause => {
        throw new RuntimeError('other', `${rootDirectory}, where Docker keeps its images, is not on this machine`, { cause })
      })
      return { capacityInBytes: bsize * blocks, availableInBytes: bsize * bavail, inodes: files, inodesFree: ffree }
    },
    cleanUp: () => network.remove(),
  }
}
