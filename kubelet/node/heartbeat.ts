import { Lease } from '../../api/coordination/lease.ts'
import { Node } from '../../api/core/node.ts'
import { ignore, isReason } from '../../api/errors.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/events.ts'
import { type Clock, microTimestamp } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Run } from '../../lib/run.ts'
import { aborted } from '../../lib/run.ts'
import type { KubeletConfig } from '../config.ts'
import type { ContainerRuntime, ImageInfo } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { Machine } from './machine.ts'
import { computeNodeStatus, hasChanged, type NodeCondition, type NodeStatus } from './node-status.ts'

/** Tells the API that the node is there, and how it is. */
export interface Heartbeat {
  /** Makes the Node object, or takes over the one there is; its first status is posted. Rejects when the API cannot be reached. */
  register(): Promise<Node>
  /** What it would register: for a node whose API is out of reach. Has no uid. */
  draft(): Promise<Node>
  /** As this kubelet posted it last. */
  readonly node: Node | undefined
  /** Resolves when a status that says Ready has been posted. */
  readonly ready: Promise<void>
  /** Something about the node's health has changed: posts the status soon. */
  poke(): void
  readonly run: Run
}

interface Options {
  nodeName: string
  client: Client
  runtime: ContainerRuntime
  machine: Machine
  config: KubeletConfig
  events: EventRecorder
  clock: Clock
  random: Random
  log: Log
  problems: () => readonly string[]
  pressures: () => readonly string[]
  /** Attachable volumes that are used here; `poke` when that changes. */
  volumesInUse?: () => readonly string[]
  /** The newest object from the watch. */
  latest: () => Node | undefined
  /** What device plugins offer; absent: there are none. */
  devices?: () => { readonly capacity: Readonly<Record<string, string>>; readonly allocatable: Readonly<Record<string, string>> }
  /** Where the kubelet serves; undefined: not yet, or not at all. */
  port: () => number | undefined
}

const leaseNamespace = 'kube-node-lease'
const attachAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach'
const imagesEveryMs = 60_000

/** Reasons of the events that tell of a condition's change (pkg/kubelet/kubelet_node_status.go). */
const eventReasons: Record<string, { True: string; False: string }> = {
  Ready: { True: 'NodeReady', False: 'NodeNotReady' },
  MemoryPressure: { True: 'NodeHasInsufficientMemory', False: 'NodeHasSufficientMemory' },
  DiskPressure: { True: 'NodeHasDiskPressure', False: 'NodeHasNoDiskPressure' },
  PIDPressure: { True: 'NodeHasInsufficientPID', False: 'NodeHasSufficientPID' },
}

export function heartbeat(options: Options): Heartbeat {
  const { nodeName, runtime, machine, config, events, clock, random, log } = options
  const client = options.client.as({ actor: 'kubelet' })
  let node: Node | undefined
  let postedAt = Number.NEGATIVE_INFINITY
  let posted: Partial<NodeStatus> | undefined
  let lease: Lease | undefined
  let images: { at: number; list: readonly ImageInfo[] } = { at: Number.NEGATIVE_INFINITY, list: [] }
  let runtimeVersion: string | undefined
  let poked = () => {}
  const becameReady = deferred()

  const labels = () => ({
    'beta.kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    ...config.nodeLabels,
  })

  const metadata = () => ({ name: nodeName, labels: labels(), annotations: { [attachAnnotation]: 'true' } })
  const draft = async (): Promise<Node> => {
    const taints = config.registerWithTaints.map(taint => ({ ...taint }))
    const status = computeNodeStatus(await facts(undefined), [])
    return Node.schema.parse({ apiVersion: 'v1', kind: 'Node', metadata: metadata(), spec: { taints }, status }) as Node
  }

  const register = async () => {
    const metadata = { name: nodeName, labels: labels(), annotations: { [attachAnnotation]: 'true' } }
    const taints = config.registerWithTaints.map(taint => ({ ...taint }))
    try {
      node = await client.create(Node, { metadata, spec: taints.length > 0 ? { taints } : {} })
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error
      const { labels, annotations } = metadata
      node = await client.patch(Node, { name: nodeName }, 'merge', { metadata: { labels, annotations } })
    }
    await postStatus()
    return node
  }

  const facts = async (known: Readonly<Record<string, string>> | undefined) => {
    if (runtimeVersion === undefined) {
      const known = await runtime.version().catch(() => undefined)
      if (known) runtimeVersion = `${known.name}://${known.version}`
    }
    if (clock.monotonic() - images.at >= imagesEveryMs)
      images = { at: clock.monotonic(), list: await runtime.images.list().catch(() => images.list) }
    return {
      nodeName,
      config,
      machine,
      filesystem: await machine.nodeFilesystem(),
      runtimeVersion: runtimeVersion ?? '',
      images: images.list,
      ...(options.devices && { devices: options.devices() }),
      known,
      ...volumesInUse(),
      problems: options.problems(),
      pressures: options.pressures(),
      port: options.port(),
      now: clock.now(),
    }
  }

  /** An empty list is told only to take back a longer one. */
  const volumesInUse = () => {
    const now = options.volumesInUse?.() ?? []
    const before = (options.latest() ?? node)?.status.volumesInUse ?? []
    return now.length + before.length > 0 ? { volumesInUse: now } : {}
  }

  const postStatus = async () => {
    const latest = options.latest()
    // The watch may lag behind our own last write.
    const current =
      latest && Number(latest.metadata.resourceVersion) > Number(node?.metadata.resourceVersion ?? 0) ? latest : node
    if (!current) return
    const old = (current.status.conditions ?? []) as readonly NodeCondition[]
    const status = computeNodeStatus(await facts(current.status.capacity), old)
    const isDue = clock.monotonic() - postedAt >= config.nodeStatusReportEveryMs
    // Quantities may come back spelt differently, so all but the conditions is compared with what was posted.
    if (!isDue && posted && !hasChanged({ ...posted, conditions: current.status.conditions }, status)) return
    tellRebooted(current, status.nodeInfo?.bootID ?? '')
    tellTransitions(old, status.conditions ?? [])
    const ready = status.conditions?.find(condition => condition.type === 'Ready')
    const note = { rule: 'kubelet/node-status', text: ready?.message ?? '' }
    const patch = {
      metadata: { uid: current.metadata.uid },
      status: { ...status, addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] },
    }
    node = await client.patch(Node, { name: nodeName }, 'strategic', patch, { subresource: 'status', note })
    postedAt = clock.monotonic()
    posted = status
    if (ready?.status === 'True') becameReady.resolve()
  }

  /** Events name a node by its name as uid, so that `describe node` finds them even when the object is new. */
  const aboutNode = () => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, uid: nodeName, resourceVersion: '', creationTimestamp: '' },
  })

  const tellRebooted = (current: Node, bootId: string) => {
    const before = current.status.nodeInfo.bootID
    if (before && bootId && before !== bootId)
      events.record(aboutNode(), 'Warning', 'Rebooted', `Node ${nodeName} has been rebooted, boot id: ${bootId}`)
  }

  const tellTransitions = (old: readonly NodeCondition[], next: readonly NodeCondition[]) => {
    for (const { type, status } of next) {
      const before = old.find(condition => condition.type === type)
      if (before?.status === status || (status !== 'True' && status !== 'False')) continue
      const reason = eventReasons[type]?.[status]
      if (reason) events.record(aboutNode(), 'Normal', reason, `Node ${nodeName} status is now: ${reason}`)
    }
  }

  const renewLease = async () => {
    const renewTime = microTimestamp(clock.now())
    if (!lease) lease = await client.get(Lease, { namespace: leaseNamespace, name: nodeName }).catch(ignore('NotFound'))
    const spec = { ...lease?.spec, holderIdentity: nodeName, leaseDurationSeconds: config.leaseDurationSeconds, renewTime }
    if (lease) {
      lease = await client.update(Lease, { ...lease, spec })
      return
    }
    const owner = node && [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid }]
    const metadata = { name: nodeName, namespace: leaseNamespace, ...(owner && { ownerReferences: owner }) }
    lease = await client.create(Lease, { metadata, spec })
  }

  /** An object that was deleted stays so until the kubelet starts again, as upstream. */
  const beat = async () => {
    await renewLease().catch((err: unknown) => {
      lease = undefined
      log.debug({ err: messageOf(err), node: nodeName }, 'lease not renewed')
    })
    await postStatus().catch(ignore('NotFound'))
  }

  return {
    register,
    draft,
    get node() {
      return node
    },
    ready: becameReady.promise,
    poke: () => poked(),
    async run(signal) {
      let cancel = () => {}
      let current: Promise<void> = Promise.resolve()
      const schedule = (ms: number) => {
        cancel()
        if (!signal.aborted) cancel = clock.after(ms, tick)
      }
      const tick = () => {
        const before = current
        current = before.then(async () => {
          if (signal.aborted) return
          await beat().catch((err: unknown) => {
            if (!signal.aborted) log.warn({ err: messageOf(err), node: nodeName }, 'node status not posted')
          })
          schedule(config.nodeStatusUpdateEveryMs)
        })
      }
      poked = () => schedule(0)
      events.record(aboutNode(), 'Normal', 'Starting', 'Starting kubelet.')
      tick()
      // Many nodes of one process do not all beat in the same instant.
      await current
      schedule(config.nodeStatusUpdateEveryMs - random.below(config.nodeStatusUpdateEveryMs / 2))
      await aborted(signal)
      poked = () => {}
      cancel()
      await current
    },
  }
}
