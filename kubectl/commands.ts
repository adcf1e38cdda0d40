import type { Command } from './command.ts'
import { apply } from './commands/apply.ts'
import { get } from './commands/get.ts'

/** Every verb, in the order of the help page. */
export const commands: readonly Command[] = [get, apply]
