import type { KubeObject } from '../../api/transport.ts'
import { type CommandContext, flag } from '../command.ts'
import { complaint } from '../complaint.ts'
import { type FlagSpecs, UsageError } from '../flags.ts'
import { listAll, selectionFlags } from '../objects.ts'
import { fetchTarget, type Target } from '../targets.ts'

/** Flags of the verbs about nodes. */
export const nodeFlags = {
  selector: selectionFlags.selector,
  'dry-run': { type: 'string', bare: 'client', help: 'none, client or server', placeholder: 'none' },
} as const satisfies FlagSpecs

/** A node, as it was when the command line was read. */
export interface NodeTarget extends Target {
  readonly object: KubeObject & { readonly spec?: { readonly unschedulable?: boolean } }
}

/** The nodes that words (`NAME` or `node/NAME`) or the selector choose. Those that are not there are told; the code is 1 then. */
export async function nodeTargets(context: CommandContext, verb: string): Promise<{ targets: NodeTarget[]; code: number }> {
  const session = await context.session()
  const resource = (await session.resources()).ofKind('v1', 'Node')
  const labelSelector = flag.text(context, 'selector')
  if (labelSelector !== undefined && context.words.length > 0)
    throw new UsageError('cannot specify both a node name and a --selector option')
  if (labelSelector === undefined && context.words.length === 0) throw new UsageError(`USAGE: ${verb} NODE [flags]`)
  if (labelSelector !== undefined) {
    const { items } = await listAll(session, resource, undefined, { labelSelector })
    return { targets: items.map(object => ({ resource, namespace: undefined, name: object.metadata.name, object })), code: 0 }
  }
  const targets: NodeTarget[] = []
  let code = 0
  for (const word of new Set(context.words)) {
    const name = word.replace(/^(nodes?|no)\//, '')
    try {
      const target = { resource, namespace: undefined, name }
      targets.push({ ...target, object: await fetchTarget(session, target) })
    } catch (error) {
      context.io.err(`${complaint(error)}\n`)
      code = 1
    }
  }
  // A slip in one name: better nothing than half of it.
  return { targets: code === 0 ? targets : [], code }
}
