import { isReason } from '../../api/errors.ts'
import type { CallOptions, DeletionPropagation, KubeObject } from '../../api/transport.ts'
import { limited } from '../changes.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { complaint } from '../complaint.ts'
import { parseDuration } from '../duration.ts'
import type { FlagSpecs } from '../flags.ts'
import { type Leaving, untilGone } from '../gone.ts'
import { callOf, selectionFlags } from '../objects.ts'
import type { Resource } from '../resources.ts'
import { dryRunOf, dryRunSuffix } from '../result.ts'
import { displayName } from '../selection.ts'
import type { Session } from '../session.ts'
import { eachTarget, type Target } from '../targets.ts'

/** Flags that say how an object is to go. */
export const deletionFlags = {
  cascade: {
    type: 'string',
    bare: 'background',
    help: 'What becomes of what it owns: background, foreground, orphan',
    placeholder: 'background',
  },
  'grace-period': { type: 'int', help: 'Seconds that a pod gets to end; -1: its own' },
  force: { type: 'bool', help: 'Forget it at once, whatever still runs' },
  now: { type: 'bool', help: 'As --grace-period=1' },
  wait: { type: 'bool', help: 'Wait until it is gone (the default)' },
  timeout: { type: 'string', help: 'How long to wait: 30s; 0s: for ever', placeholder: '0s' },
} as const satisfies FlagSpecs

export const deleteCommand: Command = {
  name: 'delete',
  usage: 'delete (TYPE NAME... | TYPE/NAME... | TYPE -l SELECTOR | TYPE --all | -f FILE) [flags]',
  summary: 'Deletes objects, and waits until they are gone.',
  examples: [
    'wherry delete pod web-1',
    'wherry delete deploy,svc -l app=web',
    'wherry delete -f web.yaml',
    'wherry delete pods --all --now',
  ],
  flags: {
    ...selectionFlags,
    ...deletionFlags,
    'ignore-not-found': { type: 'bool', help: 'What is not there is no error (the default with --all)' },
    'dry-run': { type: 'string', bare: 'client', help: 'none, client or server', placeholder: 'none' },
    output: { type: 'string', short: 'o', help: 'name' },
  },
  async run(context) {
    const output = flag.text(context, 'output') ?? ''
    if (output !== '' && output !== 'name') throw new Error(`unexpected -o output mode: ${output}. We only support '-o name'`)
    const deletion = deletionOf(context)
    if (deletion.isForced) context.io.err(forceWarning)
    const leaving: Leaving[] = []
    const isLenient = flag.on(context, 'ignore-not-found') || flag.on(context, 'all')
    const { code, count } = await eachTarget(context, { doing: 'deleting' }, async (target, session) => {
      const left = await deleteOne(session, target, deletion).catch(error => {
        if (isLenient && isReason(error, 'NotFound')) return undefined
        throw error
      })
      if (!left) return
      context.io.out(`${sayDeleted(target, deletion, output)}\n`)
      if (left !== 'rehearsed') leaving.push(left)
    })
    if (count === 0 && flag.list(context, 'filename').length === 0) context.io.out('No resources found\n')
    const waits = flag.maybe(context, 'wait') ?? true
    return (waits ? await waitUntilGone(context, leaving) : 0) || code
  },
}

const forceWarning =
  'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n'

/** How to delete, as the flags say. */
export interface Deletion {
  readonly options: CallOptions
  readonly isForced: boolean
  /** Nothing is sent. */
  readonly isRehearsal: boolean
  /** After `deleted`. */
  readonly suffix: string
}

const policies: Readonly<Record<string, DeletionPropagation>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  true: 'Background',
  false: 'Orphan',
}

/** Reads the deletion flags. Throws at a contradiction. */
export function deletionOf(context: CommandContext): Deletion {
  const cascade = flag.text(context, 'cascade') ?? 'background'
  const propagationPolicy = policies[cascade]
  if (!propagationPolicy) throw new Error(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`)
  const isForced = flag.on(context, 'force')
  const grace = flag.number(context, 'grace-period') ?? -1
  if (flag.on(context, 'now') && grace !== -1) throw new Error('--now and --grace-period cannot be specified together')
  if (isForced && grace > 0) throw new Error('--force and --grace-period greater than 0 cannot be specified together')
  // A grace period of 0 forgets a pod that may still run: only --force may ask for that.
  const seconds = isForced ? 0 : flag.on(context, 'now') ? 1 : grace === 0 ? 1 : grace
  const dryRun = dryRunOf(context)
  return {
    options: {
      propagationPolicy,
      ...(seconds >= 0 && { gracePeriodSeconds: seconds }),
      ...(dryRun === 'server' && { dryRun: true }),
    },
    isForced,
    isRehearsal: dryRun === 'client',
    suffix: dryRunSuffix(dryRun),
  }
}

/** Deletes an object and says who is leaving. Throws NotFound. */
export async function deleteOne(
  session: Session,
  target: Target,
  { options, isRehearsal }: Deletion,
): Promise<Leaving | 'rehearsed'> {
  if (isRehearsal) return 'rehearsed'
  const { resource, namespace, name } = target
  const answer = await session.transport.call(callOf('delete', resource, { namespace, name }, { options }))
  if (options.dryRun) return 'rehearsed'
  const { metadata, details } = answer as Partial<KubeObject> & { details?: { uid?: string } }
  return { resource, namespace, name, uid: metadata?.uid ?? details?.uid ?? '' }
}

/** `pod "web" deleted`; `-o name` gives `pod/web`. */
export function sayDeleted({ resource, name }: Target, { isForced, suffix }: Deletion, output = ''): string {
  if (output === 'name') return displayName(resource, name)
  return `${kindName(resource)} "${name}" ${isForced ? 'force deleted' : 'deleted'}${suffix}`
}

const kindName = ({ singular, kind, group }: Resource) => {
  const name = singular || kind.toLowerCase()
  return group ? `${name}.${group}` : name
}

/** Answers 1 when some are still there after the timeout, and says so. */
export async function waitUntilGone(context: CommandContext, leaving: readonly Leaving[]): Promise<number> {
  if (leaving.length === 0) return 0
  const limit = limited(context, parseDuration('timeout', flag.text(context, 'timeout') ?? '0s'))
  try {
    const late = await untilGone(await context.session(), leaving, limit.signal)
    if (context.signal.aborted) return 130
    for (const { resource, name } of late) {
      context.io.err(`${complaint(new Error(`timed out waiting for the condition on ${resource.resource}/${name}`))}\n`)
    }
    return late.length > 0 ? 1 : 0
  } finally {
    limit.release()
  }
}
