import type { CommandContext } from '../command.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, dryRunSuffix } from '../result.ts'
import { displayName } from '../selection.ts'
import type { NodeTarget } from './nodes.ts'

/** Cordons a node or takes that back, and says so. */
export async function setSchedulable(
  context: CommandContext,
  { resource, name, object }: NodeTarget,
  schedulable: boolean,
): Promise<void> {
  const dryRun = dryRunOf(context)
  const verb = schedulable ? 'uncordoned' : 'cordoned'
  const say = (outcome: string) => context.io.out(`${displayName(resource, name)} ${outcome}${dryRunSuffix(dryRun)}\n`)
  if ((object.spec?.unschedulable === true) !== schedulable) return say(`already ${verb}`)
  if (dryRun !== 'client') {
    const session = await context.session()
    const body = { spec: { unschedulable: schedulable ? null : true } }
    const options = dryRun === 'server' ? { dryRun: true } : {}
    await session.transport.call(callOf('patch', resource, { name }, { body, patchType: 'strategic', options }))
  }
  say(verb)
}
