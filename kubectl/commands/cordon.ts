import type { Command, CommandContext } from '../command.ts'
import { nodeFlags, nodeTargets } from '../drain/nodes.ts'
import { setSchedulable } from '../drain/schedulable.ts'

const run = (verb: string, schedulable: boolean) => async (context: CommandContext) => {
  const { targets, code } = await nodeTargets(context, verb)
  for (const target of targets) await setSchedulable(context, target, schedulable)
  return code
}

export const cordon: Command = {
  name: 'cordon',
  usage: 'cordon NODE... [flags]',
  summary: 'Keeps new pods off nodes.',
  examples: ['wherry cordon wherry-1'],
  flags: nodeFlags,
  run: run('cordon', false),
}

export const uncordon: Command = {
  name: 'uncordon',
  usage: 'uncordon NODE... [flags]',
  summary: 'Lets new pods on nodes again.',
  examples: ['wherry uncordon wherry-1'],
  flags: nodeFlags,
  run: run('uncordon', true),
}
