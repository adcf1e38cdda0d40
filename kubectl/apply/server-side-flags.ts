import { type CommandContext, flag } from '../command.ts'
import type { FlagSpecs } from '../flags.ts'
import { dryRunOf } from '../result.ts'
import { usualManager } from './server-side.ts'

/** Flags of verbs that can leave the merging to the server. */
export const serverSideFlags = {
  'server-side': { type: 'bool', help: 'The server merges, and keeps who owns which field' },
  'force-conflicts': { type: 'bool', help: 'With --server-side: take over fields that others own' },
} as const satisfies FlagSpecs

/** Whether the server is to merge. Throws when flags contradict one another. */
export function isServerSide(context: CommandContext): boolean {
  const isWanted = flag.on(context, 'server-side')
  if (!isWanted && flag.on(context, 'force-conflicts')) throw new Error('--force-conflicts only works with --server-side')
  if (!isWanted && flag.text(context, 'subresource')) throw new Error('--subresource can only be specified for --server-side')
  if (isWanted && dryRunOf(context) === 'client') {
    throw new Error("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
  }
  return isWanted
}

/** In whose name `apply` and `diff` set fields. */
export function managerOf(context: CommandContext): string {
  const usual = flag.on(context, 'server-side') ? usualManager : 'kubectl-client-side-apply'
  return flag.text(context, 'field-manager') ?? usual
}
