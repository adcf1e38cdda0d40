import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { limitBytes } from '../byte-stream.ts'
import type { ContainerConfig, ContainerRuntime } from '../runtime.ts'
import { dockerCgroups, removeCgroups } from './cgroups.ts'
import { dockerConnect } from './connect.ts'
import { answerWithinInMs, failAs, unless } from './connection.ts'
import { createNamed } from './create-named.ts'
import { containerOptions, type LogLimits, limits, needsImageUsers } from './create-options.ts'
import { dockerFilesystem, dockerWritableInodes } from './disk.ts'
import { type DockerEngine, dockerEngine, onceDone } from './engine.ts'
import { buried, dockerEvents } from './events.ts'
import { removeOldHelpers } from './helpers.ts'
import { imageUsers } from './image-users.ts'
import { dockerImages, imageRefs } from './images.ts'
import { dockerName, isGenuine, type Labels, nameOfPod, type Owner, ownerFilter, ownLabel, podUidLabel } from './labels.ts'
import { canReadLogs, dockerLogs } from './logs.ts'
import { type NetworkOptions, nodeNetwork } from './network.ts'
import { dockerNetworkStats } from './network-stats.ts'
import { processUser } from './process-user.ts'
import { removeById, removeSandbox, requireSandbox, runSandbox, sandboxInfo, stopSandbox } from './sandboxes.ts'
import { dockerAttach, dockerExec, dockerExecSync } from './sessions.ts'
import { startById } from './start-by-id.ts'
import { inspectedContainer, inspectedSandbox, listedContainer, listedSandbox } from './states.ts'
import { dockerStats } from './stats.ts'
import { type SandboxPool, warmSandboxes } from './warm-sandboxes.ts'

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
  /** About the network of the node's pods. */
  network?: NetworkOptions
  /** Sandboxes that run before there is a pod for them; default none. */
  sandboxPool?: SandboxPool
  /** How long containers' logs may be; default 10 MiB in each of 5 files. */
  logLimits?: LogLimits
}

/** What is listed, of all that is ours. */
interface Wanted {
  /** `key=value`. */
  readonly labels?: string[]
  /** Regular expressions. */
  readonly names?: string[]
  /** Whether dockerd is to count what each has written. */
  readonly size?: boolean
}

/** Real containers, through a Docker engine (API 1.41 and up). Loads its client library on the first call. */
export function dockerRuntime(options: DockerRuntimeOptions): ContainerRuntime {
  const { cluster, node, podCIDR, clock, log, socketPath, host } = options
  const engine = options.engine ?? dockerEngine({ clock, log, socketPath, host })
  const owner: Owner = { cluster, node }
  const network = nodeNetwork(engine, owner, podCIDR, options.network)
  const imageRef = imageRefs(engine)
  const surroundings = { engine, owner, network, clock, log }
  const warm = warmSandboxes(options.sandboxPool ?? { size: 0, hostname: '' }, surroundings)
  const images = dockerImages(engine)
  const readsLogFiles = onceDone(() => canReadLogs(engine))
  const usersOf = imageUsers(engine, owner)
  /** The labels of sandboxes that run, by id: what their containers must share with them. */
  const sandboxes = new Map<string, Labels>()
  /** Made here and not yet started, or being started right now, when Docker answers no inspection: there is no more to know of them. */
  const unstarted = new Set<string>()

  const labelsOf = async (sandboxId: string): Promise<Labels> => {
    const known = sandboxes.get(sandboxId)
    if (known) return known
    const { Name, Config } = requireSandbox(await sandboxInfo(engine, sandboxId), sandboxId)
    const labels = await warm.identify(sandboxId, [Name], Config.Labels)
    sandboxes.set(sandboxId, labels)
    return labels
  }
  const listOurs = async (all: boolean, { labels = [], names = [], size = false }: Wanted = {}) => {
    const filters = { label: [...ownerFilter(owner), ...labels], ...(names.length > 0 && { name: names }) }
    const listed = await engine.read(docker => docker.listContainers({ all, size, filters }))
    warm.seen(listed)
    const identified = listed.map(async one => ({ ...one, Labels: await warm.identify(one.Id, one.Names, one.Labels) }))
    return (await Promise.all(identified)).filter(isGenuine)
  }
  const listPods = async (wanted?: Wanted) => {
    const all = await listOurs(true, wanted)
    const ofType = (type: 'sandbox' | 'container') => all.filter(({ Labels }) => Labels[ownLabel.type] === type)
    // Docker lists a container that could not be started as merely created; only an inspection tells them apart.
    const settled = ofType('container')
      .map(listedContainer)
      .map(async one => (one.state === 'created' && !unstarted.has(one.id) ? ((await inspect(one.id)) ?? one) : one))
    return { sandboxes: ofType('sandbox').map(listedSandbox), containers: await Promise.all(settled) }
  }
  const inspect = async (id: string) => {
    const info = await engine.read(docker => docker.getContainer(id).inspect()).catch(unless(404))
    if (!info) return undefined
    const user = info.State.Running && engine.isLocal ? await processUser(info.State.Pid) : undefined
    return { ...inspectedContainer(info, await imageRef(info.Image)), ...(user && { user }) }
  }
  const createContainer = async (sandboxId: string, config: ContainerConfig): Promise<string> => {
    const image = needsImageUsers(config.security) ? await images.status(config.image) : undefined
    const created = await containerOptions(owner, config, {
      sandboxId,
      sandboxLabels: await labelsOf(sandboxId),
      allowsNegativeOomScore: (config.resources.oomScoreAdj ?? 0) < 0 && (await engine.allowsNegativeOomScore()),
      users: image && (await usersOf(image.id).catch(failAs('create'))),
      createdAt: clock.now(),
      ...(options.logLimits && { logLimits: options.logLimits }),
      readsLogFiles: await readsLogFiles(),
    })
    const name = dockerName(owner, config.pod, config.name, config.attempt)
    const id = await createNamed(engine, 'finish', name, created, owner).catch(failAs('create'))
    unstarted.add(id)
    return id
  }

  return {
    name: 'docker',
    async version() {
      const { Version } = await engine.read(docker => docker.version()).catch(failAs('other'))
      void engine.allowsNegativeOomScore().catch(() => undefined) // so that the first pod need not wait for it
      return { name: 'docker', version: Version }
    },

    async runSandbox(config) {
      const { sandbox, labels } = (await warm.take(config)) ?? (await runSandbox(surroundings, config))
      sandboxes.set(sandbox.id, labels)
      return sandbox
    },
    stopSandbox: id => stopSandbox(engine, id),
    async removeSandbox(id) {
      await removeSandbox(engine, id)
      sandboxes.delete(id)
      warm.forget(id)
    },

    createContainer,
    async startContainer(id) {
      unstarted.add(id)
      await startById(engine, id).finally(() => unstarted.delete(id))
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
      await buried(engine, id)
    },
    async removeContainer(id) {
      await removeById(engine, id)
      unstarted.delete(id)
    },
    async updateResources(id, resources) {
      await engine.change('finish', docker => docker.getContainer(id).update(limits(resources))).catch(failAs('other'))
    },

    list: () => listPods(),
    // Dockerd matches labels in a third of the time that names take it; but a warm sandbox is its pod's by name alone.
    listPod: uid => listPods(warm.hasAny ? { names: [nameOfPod(uid)] } : { labels: [podUidLabel(uid)] }),
    inspect,
    async inspectSandbox(id) {
      const info = await sandboxInfo(engine, id)
      if (!info) return undefined
      const Labels = await warm.identify(id, [info.Name], info.Config.Labels)
      return inspectedSandbox({ ...info, Config: { ...info.Config, Labels } })
    },
    keepWarm: warm.run,
    watchEvents: (onEvent, onLink) => dockerEvents(engine, owner, { clock, log }, onEvent, onLink),

    images,
    logs: (id, logOptions, signal) => limitBytes(dockerLogs(engine, clock, id, logOptions, signal), logOptions.limitBytes),
    exec: (id, execOptions) => dockerExec(engine, clock, id, execOptions),
    execSync: (id, command, timeoutInMs) => dockerExecSync(engine, clock, id, command, timeoutInMs),
    attach: (id, execOptions) => dockerAttach(engine, clock, id, execOptions),
    async connect(sandboxId, port) {
      const info = requireSandbox(await sandboxInfo(engine, sandboxId), sandboxId)
      return dockerConnect(engine, clock, info, port)
    },
    stats: dockerStats(engine, clock, ({ size } = { size: false }) =>
      listOurs(false, { labels: [`${ownLabel.type}=container`], size }),
    ),
    cgroups: () => dockerCgroups(engine, owner),
    networkStats: dockerNetworkStats(engine, () => listOurs(false, { labels: [`${ownLabel.type}=sandbox`] })),
    imageFilesystem: () => dockerFilesystem(engine),
    writableInodes: id => dockerWritableInodes(engine, id),
    async features() {
      const { hasAppArmor, hasSeLinux, runtimes } = await engine.info()
      const handlers = { userNamespaces: false, handlers: runtimes }
      return { appArmor: hasAppArmor, seLinux: hasSeLinux, supplementalGroupsPolicy: true, ...handlers }
    },
    tidy: () => removeOldHelpers(engine, clock),
    async cleanUp() {
      await warm.clear()
      await network.remove()
      if (engine.isLocal) await removeCgroups(cluster, node)
    },
  }
}
