import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { type CommandContext, flag } from '../command.ts'
import { page as newPage } from '../describe/page.ts'
import { podTemplate } from '../describe/template.ts'
import { printerFor } from '../print/output.ts'
import { layOut } from '../print/tab-stops.ts'
import { displayName } from '../selection.ts'
import { eachTarget } from '../targets.ts'
import { byRevision, fetchDeployment, fetchVersions } from './deployments.ts'
import { revisionOf } from './versions.ts'

const changeCause = 'kubernetes.io/change-cause'

/** `rollout history`: the revisions of a Deployment, or what one of them looked like. */
export async function history(context: CommandContext, words: readonly string[]): Promise<number> {
  const revision = flag.number(context, 'revision') ?? 0
  if (revision < 0) throw new Error(`revision must be a positive integer: ${revision}`)
  const printer = printerFor(flag.text(context, 'output') ?? '')
  const { code } = await eachTarget(context, { words }, async (target, session) => {
    const { kind, group } = target.resource
    const deployment = await fetchDeployment(
      session,
      target,
      `no history viewer has been implemented for "${kind}${group && `.${group}`}"`,
    )
    const sets = byRevision(await fetchVersions(session, deployment))
    const chosen = revision > 0 ? sets.filter(set => revisionOf(set) === revision) : sets
    if (revision > 0 && sets.length > 0 && chosen.length === 0) throw new Error('unable to find the specified revision')
    if (printer) for (const set of chosen) context.io.out(await printer(set))
    else {
      const title = `${displayName(target.resource, target.name)} ${revision > 0 ? `with revision #${revision}` : ''}`
      context.io.out(`${title}\n${historyText(chosen, revision > 0)}\n`)
    }
  })
  return code
}

/** A table of revisions, or the template of the only one. */
export function historyText(sets: readonly ReplicaSet[], isOne: boolean): string {
  const [first] = sets
  if (!first) return 'No rollout history found.'
  if (isOne) {
    const page = newPage()
    const cause = first.metadata.annotations?.[changeCause]
    const { metadata, spec } = first.spec.template
    const annotations = { ...metadata?.annotations, ...(cause && { [changeCause]: cause }) }
    podTemplate(page, { spec, metadata: { ...metadata, annotations } })
    return page.text()
  }
  const rows = sets.map(set => `${revisionOf(set)}\t${set.metadata.annotations?.[changeCause] || '<none>'}\n`)
  return layOut(`REVISION\tCHANGE-CAUSE\n${rows.join('')}`)
}
