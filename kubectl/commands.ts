import type { Command } from './command.ts'

/** Every verb, in the order of the help page. */
export const commands: readonly Command[] = []
