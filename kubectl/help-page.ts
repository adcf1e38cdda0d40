import { type Command, globalFlags } from './command.ts'
import { describeFlags } from './flags.ts'

/** A command's help page. */
export function helpOf(command: Command): string {
  const examples = command.examples?.length ? `\nExamples:\n${command.examples.map(line => `  ${line}\n`).join('')}` : ''
  const own = Object.values(command.flags).some(({ hidden }) => !hidden) ? `\nFlags:\n${describeFlags(command.flags)}` : ''
  return `${command.summary}\n\nUsage:\n  wherry ${command.usage}\n${examples}${own}\nGlobal flags:\n${describeFlags(globalFlags)}`
}
