import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Colours } from '../print/colour.ts'
import { revisionOf, versionsOf } from './versions.ts'
import { waitingReasons } from './waiting-reason.ts'

export interface PictureOptions {
  readonly colours: Colours
  /** Of the terminal. */
  readonly columns: number
}

const mostReasons = 4
const widestBar = 40

/** A rollout as a few lines: a bar for each ReplicaSet that has pods, what the strategy allows, and what it waits for. */
export function rolloutPicture(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  pods: readonly Pod[],
  { colours, columns }: PictureOptions,
): string[] {
  const { fresh, old } = versionsOf(deployment, sets)
  const shown = [...(fresh ? [fresh] : []), ...old.filter(({ spec, status }) => spec.replicas > 0 || status.replicas > 0)]
  const widest = Math.max(
    1,
    ...shown.map(({ spec, status }) => Math.max(spec.replicas, status.replicas)),
    deployment.spec.replicas,
  )
  const nameWidth = Math.max(0, ...shown.map(({ metadata }) => metadata.name.length))
  const room = Math.max(8, Math.min(widestBar, columns - nameWidth - 44))
  // So that each pod has the same number of cells, as long as there are not too many of them.
  const cells = (count: number) => (widest > room ? Math.round((count / widest) * room) : count * Math.floor(room / widest))
  const lines = shown.map(set => setLine(set, set === fresh, { cells, nameWidth, width: cells(widest), colours }))
  const own = new Set(shown.map(({ metadata }) => metadata.uid))
  const ours = pods.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => own.has(uid)))
  const reasons = [...ownReasons(deployment, fresh), ...waitingReasons(ours)]
  const told = reasons.slice(0, mostReasons).map(reason => colours.yellow(cut(`  waits: ${reason}`, columns)))
  if (reasons.length > mostReasons) told.push(colours.dim(`  and ${reasons.length - mostReasons} more`))
  return [...lines, colours.dim(cut(budgetLine(deployment), columns)), ...told]
}

/** What holds a rollout up that no pod is to blame for. */
function ownReasons({ spec }: Deployment, fresh: ReplicaSet | undefined): string[] {
  const { readyReplicas = 0, availableReplicas = 0 } = fresh?.status ?? {}
  const young = readyReplicas - availableReplicas
  return [
    ...(spec.paused ? ['the deployment is paused'] : []),
    ...(young > 0 ? [`${young} ready, but not for ${spec.minReadySeconds ?? 0} s yet (minReadySeconds)`] : []),
  ]
}

interface Layout {
  /** How long a bar is for so many pods. */
  readonly cells: (count: number) => number
  readonly nameWidth: number
  /** Of the longest bar. */
  readonly width: number
  readonly colours: Colours
}

/** `new web-6d4 rev 2  ████▒▒░░  4 available, 2 starting of 8`: full is available, half is there, light is wanted. */
function setLine(set: ReplicaSet, isNew: boolean, { cells, nameWidth, width, colours }: Layout): string {
  const { metadata, spec, status } = set
  const available = status.availableReplicas ?? 0
  const full = cells(available)
  const half = Math.max(0, cells(status.replicas) - full)
  const light = Math.max(0, cells(spec.replicas) - full - half)
  const paint = isNew ? colours.green : colours.cyan
  const bar = `${paint('█'.repeat(full))}${colours.yellow('▒'.repeat(half))}${colours.dim('░'.repeat(light))}${' '.repeat(Math.max(0, width - full - half - light))}`
  const starting = status.replicas - available
  const figures = `${available}/${spec.replicas} available${starting > 0 ? `, ${starting} not yet` : ''}`
  return `  ${isNew ? 'new' : 'old'} ${metadata.name.padEnd(nameWidth)} rev ${String(revisionOf(set)).padEnd(3)} ${bar}  ${figures}`
}

/** How many pods there may be and must be, by the strategy, and how many there are. */
export function budgetLine({ spec, status }: Deployment): string {
  const { replicas = 0, availableReplicas = 0 } = status
  const { type, rollingUpdate } = spec.strategy
  if (type === 'Recreate') return `  Recreate: all old pods go before the first new one comes; ${replicas} pods now`
  const { surge, unavailable } = rollingLimits(spec.replicas, rollingUpdate)
  const most = spec.replicas + surge
  const least = spec.replicas - unavailable
  return `  ${spec.replicas} wanted; at most ${most} at a time (surge ${surge}): ${replicas} now; at least ${least} available (${unavailable} may be missing): ${availableReplicas} now`
}

type RollingUpdate = Deployment['spec']['strategy']['rollingUpdate']

/** Percentages as pods: surge rounded up, unavailable down; if both come to nothing, one may be missing. */
export function rollingLimits(replicas: number, rolling: RollingUpdate): { surge: number; unavailable: number } {
  const amount = (value: number | string | undefined, round: (n: number) => number) =>
    typeof value === 'string' ? round((Number.parseInt(value, 10) * replicas) / 100) : (value ?? 0)
  const surge = amount(rolling?.maxSurge ?? '25%', Math.ceil)
  const unavailable = amount(rolling?.maxUnavailable ?? '25%', Math.floor)
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas) }
}

const cut = (text: string, columns: number) => (text.length > columns ? `${text.slice(0, columns - 1)}…` : text)
