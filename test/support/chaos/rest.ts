import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Deployment } from '../../../api/apps/deployment.ts'
import { Node } from '../../../api/core/node.ts'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { Pod } from '../../../api/core/pod.ts'
import { systemClock } from '../../../lib/clock.ts'
import { isReady } from '../cluster.ts'
import type { Target } from './deeds.ts'
import { nodeName } from './node.ts'
import { containersWithProcesses, isSandbox, nameOf, type Observer, podCgroups, uidOf } from './observer.ts'
import { type Listed, mountsBelow, type OwnEngine } from './own-engine.ts'
import { codesAnnotation, ledger, type Wanted, wantsAnnotation } from './workload.ts'

/** Exit codes of what was killed, was asked to go by an engine that starts, could not be started by one that was being killed, or ended unseen. */
const killedCodes = [137, 143, 128, 255]

type ContainerStatus = NonNullable<Pod['status']['containerStatuses']>[number]

const statusesOf = ({ status }: Pod): ContainerStatus[] => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? []),
]
const isOver = ({ status }: Pod) => status.phase === 'Succeeded' || status.phase === 'Failed'
const idOf = ({ containerID = '' }: { containerID?: string | undefined }) => containerID.replace('docker://', '')
/** The uid by which the node knows a pod: of a mirror, that of its file. */
export const ownUid = ({ metadata }: Pod) => metadata.annotations?.['kubernetes.io/config.hash'] ?? metadata.uid

export interface Surveyed extends Target {
  readonly clusterId: string
  readonly observer: Observer
}

/** All that is not as it should be once nothing happens any more; empty: all is well. */
export async function complaintsAtRest(target: Surveyed): Promise<string[]> {
  const { node, engine, clusterId } = target
  const [pods, deployments, self, listed] = await Promise.all([
    node.client.list(Pod).then(({ items }) => items),
    node.client.list(Deployment).then(({ items }) => items),
    node.client.get(Node, { name: nodeName }),
    engine.list(),
  ])
  const complaints: string[] = []
  const expect = (isTrue: boolean, text: string) => void (isTrue || complaints.push(text))
  expect(isReady(self), 'the node is not ready')
  for (const pod of pods) for (const text of aboutPod(pod, target)) complaints.push(`pod ${pod.metadata.name}: ${text}`)
  for (const { metadata, spec, status } of deployments) {
    const own = pods.filter(pod => pod.metadata.labels?.app === metadata.name && !isOver(pod))
    const figures = [status.replicas ?? 0, status.updatedReplicas ?? 0, status.availableReplicas ?? 0, own.length]
    const isSeen = status.observedGeneration === metadata.generation
    expect(
      isSeen && figures.every(figure => figure === spec.replicas),
      `deployment ${metadata.name} wants ${spec.replicas}, has ${figures.join()}`,
    )
  }
  complaints.push(...aboutEngine(pods, listed, { clusterId, failed: await failedStarts(engine, listed) }))
  complaints.push(...(await aboutNetwork(target, listed)))
  complaints.push(...aboutLeftovers(pods, target))
  return complaints
}

function aboutPod(pod: Pod, { observer }: Surveyed): string[] {
  const { metadata, spec, status } = pod
  const wants = metadata.annotations?.[wantsAnnotation] as Wanted | undefined
  const told = statusesOf(pod).map(one => `${one.name}:${JSON.stringify(one.state)}x${one.restartCount}`)
  const state = `${status.phase} ${status.reason ?? ''} ${told.join(' ')}`
  if (metadata.deletionTimestamp) return [`is being deleted: ${state}`]
  const complaints: string[] = []
  const expect = (isTrue: boolean, text: string) => void (isTrue || complaints.push(`${text}: ${state}`))
  const apps = status.containerStatuses ?? []
  const allRun = () => apps.length === spec.containers.length && apps.every(one => one.ready && one.state.running)
  const ended = () => apps.map(one => one.state.terminated?.exitCode)
  const hasPhaseOfItsCodes = () => (status.phase === 'Succeeded') === ended().every(code => code === 0)
  const codes = (metadata.annotations?.[codesAnnotation] ?? '').split(',').map(Number)
  switch (wants) {
    case 'stays':
      expect(status.phase === 'Running' && isReady(pod) && allRun(), 'does not run')
      break
    case 'crashes':
      expect(status.phase === 'Running', 'does not run')
      expect((apps.find(one => one.name === 'app')?.restartCount ?? 0) > 0, 'has not been restarted')
      expect(
        apps.some(one => one.name === 'other' && one.state.running !== undefined),
        'its other container does not run',
      )
      break
    case 'done':
      expect(status.phase === 'Succeeded' && ended().every(code => code === 0), 'is not done')
      break
    case 'once': {
      expect(isOver(pod) && hasPhaseOfItsCodes(), 'is not over')
      const isLegal = (code: number | undefined) => code === undefined || [...codes, ...killedCodes].includes(code)
      expect(ended().every(isLegal), 'has a wrong exit code')
      break
    }
    case 'stays if it can': {
      const isRunning = status.phase === 'Running' && apps.some(one => one.state.running)
      expect(isRunning || (isOver(pod) && hasPhaseOfItsCodes()), 'neither runs nor is over')
      expect(
        ended().every(code => code === undefined || killedCodes.includes(code)),
        'has a wrong exit code',
      )
      break
    }
    case undefined:
      complaints.push('nobody knows this pod')
  }
  // A file that comes again is the same pod again, which begins to count anew.
  if (metadata.annotations?.['kubernetes.io/config.mirror']) return complaints
  for (const one of statusesOf(pod)) {
    const seen = observer.starts(ownUid(pod), one.name)
    expect(one.restartCount >= seen - 1, `${one.name} was started ${seen} times, which is not told`)
  }
  return complaints
}

/** One that was made but not started before its kubelet was killed counts as an attempt, and the next has taken its place. */
const hasSuccessor = (one: Listed, listed: readonly Listed[]) =>
  listed.some(
    other =>
      uidOf(other) === uidOf(one) &&
      nameOf(other) === nameOf(one) &&
      other.Created >= one.Created &&
      attemptOf(other) > attemptOf(one),
  )
const attemptOf = ({ Labels }: Listed) => Number(Labels['wherry.dev/attempt'])

/** Containers that could not be started: the engine lists them as merely created. */
async function failedStarts(engine: OwnEngine, listed: readonly Listed[]): Promise<Set<string>> {
  const failed = new Set<string>()
  for (const { Id, State } of listed) {
    if (State !== 'created') continue
    const inspected = await engine.call<{ State: { ExitCode: number } }>('GET', `/containers/${Id}/json`)
    if (inspected.State.ExitCode !== 0) failed.add(Id)
  }
  return failed
}

function aboutEngine(
  pods: readonly Pod[],
  listed: readonly Listed[],
  { clusterId, failed }: { readonly clusterId: string; readonly failed: ReadonlySet<string> },
): string[] {
  const complaints: string[] = []
  const byUid = new Map(pods.map(pod => [ownUid(pod), pod]))
  const processes = new Set(containersWithProcesses(clusterId))
  for (const one of listed) {
    if (isHelperInUse(one)) continue
    const id = one.Id.slice(0, 12)
    const pod = byUid.get(uidOf(one))
    const what = `${isSandbox(one) ? 'sandbox' : `container ${nameOf(one)}`} ${id} (${one.State}) of ${one.Labels['io.kubernetes.pod.name']}`
    if (!pod) {
      complaints.push(`${what} is left of a pod that is gone`)
      continue
    }
    if (one.State === 'created' && !failed.has(one.Id) && !hasSuccessor(one, listed)) complaints.push(`${what} was never started`)
    if (one.State === 'running' && isOver(pod)) complaints.push(`${what} runs though the pod is over`)
    if ((one.State === 'running') !== processes.has(one.Id) && processes.size > 0)
      complaints.push(`${what}: the kernel says otherwise`)
    if (isSandbox(one) || pod.metadata.annotations?.[wantsAnnotation] === 'crashes') continue
    const told = statusesOf(pod).find(status => idOf(status.state.terminated ?? status) === one.Id)
    const isTold = told?.state.running !== undefined
    if ((one.State === 'running') !== isTold && (one.State === 'running' || told))
      complaints.push(`${what}: its status says otherwise`)
  }
  const running = new Set(listed.filter(({ State }) => State === 'running').map(({ Id }) => Id))
  for (const pod of pods)
    for (const one of statusesOf(pod))
      if (one.state.running && !running.has(idOf(one)) && pod.metadata.annotations?.[wantsAnnotation] !== 'crashes')
        complaints.push(`pod ${pod.metadata.name}: ${one.name} does not run, though its status says so`)
  for (const id of processes)
    if (!listed.some(one => one.Id === id)) complaints.push(`the engine knows nothing of ${id}, which runs`)
  const sandboxes = listed.filter(one => isSandbox(one) && one.State === 'running').map(uidOf)
  for (const pod of pods) {
    const own = sandboxes.filter(uid => uid === ownUid(pod)).length
    if (own !== (isOver(pod) ? 0 : 1)) complaints.push(`pod ${pod.metadata.name} has ${own} sandboxes that run`)
  }
  return complaints
}

/** A kubelet that is killed leaves what it makes for a moment; that has to go after some minutes. */
const helpersGoAfterInS = 150
export const isHelperInUse = ({ Names, Created }: Listed) =>
  /^\/wherry_(probe|unpack)_/.test(Names[0] ?? '') && systemClock.now() / 1000 - Created < helpersGoAfterInS

async function aboutNetwork({ engine, clusterId }: Surveyed, listed: readonly Listed[]): Promise<string[]> {
  const networks = await engine.call<{ Id: string; Name: string }[]>('GET', '/networks')
  const own = networks.filter(({ Name }) => Name === `wherry-${clusterId}-${nodeName}`)
  if (own.length !== 1) return own.length === 0 && listed.length === 0 ? [] : [`there are ${own.length} networks`]
  const { Containers } = await engine.call<{ Containers: Record<string, object> | null }>('GET', `/networks/${own[0]!.Id}`)
  const running = new Set(listed.filter(one => isSandbox(one) && one.State === 'running').map(({ Id }) => Id))
  const strays = Object.keys(Containers ?? {}).filter(id => !running.has(id))
  const missing = [...running].filter(id => !(id in (Containers ?? {})))
  return [
    ...strays.map(id => `an endpoint is left of ${id.slice(0, 12)}`),
    ...missing.map(id => `${id.slice(0, 12)} has no endpoint`),
  ]
}

/** Folders, mounts and cgroups of pods that are gone or over. */
function aboutLeftovers(pods: readonly Pod[], { node, clusterId }: Surveyed): string[] {
  const uids = new Set(pods.map(ownUid))
  const alive = new Set(pods.filter(pod => !isOver(pod)).map(ownUid))
  const folders = namesIn(join(node.nodeDir, 'pods')).filter(uid => !uids.has(uid))
  // What of pods' volumes must not touch the disk lies on one mount that stays.
  const inMemory = join(node.nodeDir, 'memory')
  const mounts = mountsBelow(node.nodeDir).filter(
    path => path !== inMemory && !alive.has(/\/pods\/([^/]+)\//.exec(path)?.[1] ?? ''),
  )
  const cgroups = podCgroups(clusterId).filter(path => !alive.has(basename(path).slice('pod'.length)))
  return [
    ...folders.map(uid => `a folder is left of pod ${uid}`),
    ...namesIn(join(inMemory, 'pods'))
      .filter(uid => !uids.has(uid))
      .map(uid => `a folder in memory is left of pod ${uid}`),
    ...mounts.map(path => `still mounted: ${path}`),
    ...cgroups.map(path => `still there: ${path}`),
  ]
}

const namesIn = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** What stands on the volume of the ledger's claim. */
export async function readLedger({ node }: Target): Promise<string> {
  const volumes = (await node.client.list(PersistentVolume)).items
  const path = volumes.find(({ spec }) => spec.claimRef?.name === ledger)?.spec.local?.path
  if (path === undefined) return ''
  try {
    return readFileSync(join(path, 'starts'), 'utf8')
  } catch {
    return ''
  }
}

/** Nothing that was written is lost, and nobody has written more often than it was started. */
export function complaintsAboutLedger(before: string, now: string, pods: readonly Pod[]): string[] {
  const complaints: string[] = []
  if (!now.startsWith(before)) complaints.push(`the ledger has lost lines: ${JSON.stringify([before.length, now.length])}`)
  const lines = now.split('\n').slice(0, -1)
  if (!lines.every(line => /^[-0-9a-f]{36} [-0-9a-f]{36}$/.test(line))) complaints.push('the ledger is damaged')
  if (new Set(lines).size !== lines.length) complaints.push('the ledger has a line twice')
  for (const pod of pods) {
    if (pod.metadata.annotations?.shape !== 'keeps a ledger' || !isReady(pod)) continue
    const written = lines.filter(line => line.startsWith(ownUid(pod))).length
    const starts = (pod.status.containerStatuses?.[0]?.restartCount ?? 0) + 1
    if (written < 1 || written > starts)
      complaints.push(`pod ${pod.metadata.name} started ${starts} times and wrote ${written} lines`)
  }
  return complaints
}
