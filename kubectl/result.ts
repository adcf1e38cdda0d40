import { type CommandContext, flag } from './command.ts'
import type { FlagSpecs } from './flags.ts'
import { printerFor } from './print/output.ts'
import type { Resource } from './resources.ts'
import { displayName } from './selection.ts'

/** Whether a command is to be carried out: at all, or only as far as the server checks it. */
export type DryRun = 'none' | 'client' | 'server'

/** Flags of every verb that writes. */
export const writeFlags = {
  'dry-run': {
    type: 'string',
    bare: 'client',
    help: 'none, client (nothing is sent) or server (it is checked, not kept)',
    placeholder: 'none',
  },
  output: { type: 'string', short: 'o', help: 'What to print of the outcome: json, yaml, name, jsonpath=...' },
  'show-managed-fields': { type: 'bool', help: 'metadata.managedFields too', hidden: true },
} as const satisfies FlagSpecs

/** What `--dry-run` says; throws when it is none of the three. */
export function dryRunOf(context: Pick<CommandContext, 'flags'>): DryRun {
  const text = flag.text(context, 'dry-run') ?? 'none'
  if (text === 'none' || text === 'false') return 'none'
  if (text === 'client' || text === 'true') return 'client'
  if (text === 'server') return 'server'
  throw new Error(`Invalid dry-run value (${text}). Must be "none", "server", or "client".`)
}

/** ` (dry run)` when nothing was really done. */
export function dryRunSuffix(dryRun: DryRun): string {
  return dryRun === 'none' ? '' : dryRun === 'client' ? ' (dry run)' : ' (server dry run)'
}

export type ResultPrinter = (
  target: { readonly resource: Pick<Resource, 'singular' | 'kind' | 'group'>; readonly name: string },
  /** `created`, `image updated`: what happened to it. */
  operation: string,
  /** For `-o`: the object as it is now. */
  object: unknown,
) => Promise<void>

/** Tells what happened to each object in one line, `deployment.apps/web created`, or prints the object in the form that `-o` asks for. */
export function resultPrinter(context: CommandContext): ResultPrinter {
  const output = flag.text(context, 'output') ?? ''
  const printer = printerFor(output, { showManagedFields: flag.on(context, 'show-managed-fields') })
  const suffix = dryRunSuffix(dryRunOf(context))
  let isFirst = true
  return async (target, operation, object) => {
    if (!printer) return context.io.out(`${displayName(target.resource, target.name)} ${operation}${suffix}\n`)
    if (output === 'yaml' && !isFirst) context.io.out('---\n')
    isFirst = false
    context.io.out(await printer(object))
  }
}
