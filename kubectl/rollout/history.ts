import { type CommandContext, flag } from '../command.ts'
import { page as newPage } from '../describe/page.ts'
import { podTemplate } from '../describe/template.ts'
import { printerFor } from '../print/output.ts'
import { layOut } from '../print/tab-stops.ts'
import { displayName } from '../selection.ts'
import { eachTarget } from '../targets.ts'
import { type Revision, revisionsOf } from './revisions.ts'
import { fetchWorkload } from './workloads.ts'

/** `rollout history`: the revisions of a workload, or what one of them looked like. */
export async function history(context: CommandContext, words: readonly string[]): Promise<number> {
  const revision = flag.number(context, 'revision') ?? 0
  if (revision < 0) throw new Error(`revision must be a positive integer: ${revision}`)
  const printer = printerFor(flag.text(context, 'output') ?? '')
  const { code } = await eachTarget(context, { words }, async (target, session) => {
    const { kind, group } = target.resource
    const otherKind = `no history viewer has been implemented for "${kind}${group && `.${group}`}"`
    const all = await revisionsOf(session, await fetchWorkload(session, target, otherKind))
    const chosen = revision > 0 ? all.filter(({ number }) => number === revision) : all
    if (revision > 0 && all.length > 0 && chosen.length === 0) throw new Error('unable to find the specified revision')
    if (printer) for (const { object } of chosen) context.io.out(await printer(object))
    else {
      const title = `${displayName(target.resource, target.name)} ${revision > 0 ? `with revision #${revision}` : ''}`
      context.io.out(`${title}\n${historyText(chosen, revision > 0)}\n`)
    }
  })
  return code
}

/** A table of revisions, or the template of the only one. */
export function historyText(revisions: readonly Revision[], isOne: boolean): string {
  const [first] = revisions
  if (!first) return 'No rollout history found.'
  if (isOne) return templateText(first)
  const rows = revisions.map(({ number, cause }) => `${number}\t${cause || '<none>'}\n`)
  return layOut(`REVISION\tCHANGE-CAUSE\n${rows.join('')}`)
}

/** What a revision's pods look like, as `describe` has it. */
export function templateText({ template }: Pick<Revision, 'template'>): string {
  const page = newPage()
  podTemplate(page, template)
  return page.text()
}
