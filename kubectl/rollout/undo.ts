import type { ControllerRevision } from '../../api/apps/controller-revision.ts'
import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import { deepEqual } from '../../lib/json.ts'
import { type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { type DryRun, dryRunOf, type ResultPrinter, resultPrinter } from '../result.ts'
import type { Session } from '../session.ts'
import { eachTarget, type Target } from '../targets.ts'
import { byRevision, fetchVersions } from './deployments.ts'
import { templateText } from './history.ts'
import { keptRevisions, keptTemplate } from './revisions.ts'
import { isSameTemplate, revisionOf, withoutHash } from './versions.ts'
import { fetchWorkload } from './workloads.ts'

/** Annotations that are the Deployment's own and not a revision's. */
const own = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
])

type Annotations = Readonly<Record<string, string>>

/** What is undone, and how to tell of it. */
interface Undoing {
  readonly session: Session
  readonly target: Target
  readonly toRevision: number
  readonly dryRun: DryRun
  readonly print: ResultPrinter
}

/** `rollout undo`: a workload gets the template of an earlier revision. */
export async function undo(context: CommandContext, words: readonly string[]): Promise<number> {
  const toRevision = flag.number(context, 'to-revision') ?? 0
  const dryRun = dryRunOf(context)
  const print = resultPrinter(context)
  const { code } = await eachTarget(context, { words }, async (target, session) => {
    const { kind, group } = target.resource
    const otherKind = `no rollbacker has been implemented for "${kind}${group && `.${group}`}"`
    const workload = await fetchWorkload(session, target, otherKind)
    const undoing = { session, target, toRevision, dryRun, print }
    if (workload.kind === 'Deployment') await undoDeployment(undoing, workload.object)
    else await undoSet(undoing, workload.object)
  })
  return code
}

const optionsOf = (dryRun: DryRun) => (dryRun === 'server' ? { dryRun: true } : {})

async function undoDeployment({ session, target, toRevision, dryRun, print }: Undoing, deployment: Deployment): Promise<void> {
  const { name, namespace } = deployment.metadata
  const set = revisionToRestore(byRevision(await fetchVersions(session, deployment)), toRevision, name)
  if (deployment.spec.paused && dryRun !== 'client') {
    throw new Error("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again")
  }
  if (isSameTemplate(set.spec.template, deployment.spec.template)) return print(target, skipped(toRevision), deployment)
  const body = [
    { op: 'replace', path: '/spec/template', value: withoutHash(set.spec.template) },
    {
      op: 'replace',
      path: '/metadata/annotations',
      value: restoredAnnotations(deployment.metadata.annotations, set.metadata.annotations),
    },
  ]
  if (dryRun === 'client') return print(target, 'rolled back', deployment)
  const call = callOf('patch', target.resource, { namespace, name }, { body, patchType: 'json', options: optionsOf(dryRun) })
  await print(target, 'rolled back', await session.transport.call(call))
}

/** What a ControllerRevision keeps is the patch that brings it back. */
async function undoSet({ session, target, toRevision, dryRun, print }: Undoing, set: StatefulSet | DaemonSet): Promise<void> {
  const { name, namespace } = set.metadata
  const kept = keptToRestore(await keptRevisions(session, set), toRevision)
  const template = keptTemplate(kept) ?? set.spec.template
  if (dryRun === 'client') return print(target, `will roll back to ${templateText({ template })}`, set)
  if (deepEqual(template, set.spec.template)) return print(target, skipped(toRevision), set)
  const call = { body: kept.data, patchType: 'strategic' as const, options: optionsOf(dryRun) }
  try {
    const answer = await session.transport.call(callOf('patch', target.resource, { namespace, name }, call))
    await print(target, 'rolled back', answer)
  } catch (error) {
    throw new Error(`failed restoring revision ${toRevision}: ${(error as Error).message}`, { cause: error })
  }
}

const skipped = (toRevision: number) => `skipped rollback (current template already matches revision ${toRevision})`

/** Of ControllerRevisions, the lowest first, that of a number; the last but one for 0. Throws when there is none. */
export function keptToRestore(kept: readonly ControllerRevision[], toRevision: number): ControllerRevision {
  const found = toRevision === 0 ? kept.at(-2) : kept.find(({ revision }) => revision === toRevision)
  if (found) return found
  throw new Error(
    toRevision === 0 ? 'no last revision to roll back to' : `unable to find specified revision ${toRevision} in history`,
  )
}

/** The ReplicaSet of a revision; of the last but one for 0. Throws when there is none. */
export function revisionToRestore(sets: readonly ReplicaSet[], toRevision: number, name: string): ReplicaSet {
  if (toRevision === 0) {
    const previous = sets.at(-2)
    if (!previous) throw new Error(`no rollout history found for deployment "${name}"`)
    return previous
  }
  const found = sets.find(set => revisionOf(set) === toRevision)
  if (!found) throw new Error(`unable to find specified revision ${toRevision} in history`)
  return found
}

/** The revision's annotations, with those of the Deployment that are no part of a revision. */
export function restoredAnnotations(deployment: Annotations = {}, revision: Annotations = {}): Annotations {
  return Object.fromEntries([
    ...Object.entries(deployment).filter(([key]) => own.has(key)),
    ...Object.entries(revision).filter(([key]) => !own.has(key)),
  ])
}
