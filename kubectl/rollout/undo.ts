import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, resultPrinter } from '../result.ts'
import { eachTarget } from '../targets.ts'
import { byRevision, fetchDeployment, fetchVersions } from './deployments.ts'
import { isSameTemplate, revisionOf, withoutHash } from './versions.ts'

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

/** `rollout undo`: a Deployment gets the template of an earlier revision. */
export async function undo(context: CommandContext, words: readonly string[]): Promise<number> {
  const toRevision = flag.number(context, 'to-revision') ?? 0
  const dryRun = dryRunOf(context)
  const print = resultPrinter(context)
  const { code } = await eachTarget(context, { words }, async (target, session) => {
    const { kind, group } = target.resource
    const deployment = await fetchDeployment(
      session,
      target,
      `no rollbacker has been implemented for "${kind}${group && `.${group}`}"`,
    )
    const { name, namespace } = deployment.metadata
    const set = revisionToRestore(byRevision(await fetchVersions(session, deployment)), toRevision, name)
    if (deployment.spec.paused && dryRun !== 'client') {
      throw new Error("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again")
    }
    if (isSameTemplate(set.spec.template, deployment.spec.template)) {
      const what = `skipped rollback (current template already matches revision ${toRevision})`
      return print(target, what, deployment)
    }
    const body = [
      { op: 'replace', path: '/spec/template', value: withoutHash(set.spec.template) },
      {
        op: 'replace',
        path: '/metadata/annotations',
        value: restoredAnnotations(deployment.metadata.annotations, set.metadata.annotations),
      },
    ]
    if (dryRun === 'client') return print(target, 'rolled back', deployment)
    const options = dryRun === 'server' ? { dryRun: true } : {}
    const call = callOf('patch', target.resource, { namespace, name }, { body, patchType: 'json', options })
    await print(target, 'rolled back', await session.transport.call(call))
  })
  return code
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
