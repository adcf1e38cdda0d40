import { isReason } from '../../api/errors.ts'
import type { CallOptions } from '../../api/transport.ts'
import { lastApplied, withLastApplied } from '../apply/last-applied.ts'
import { limited } from '../changes.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { parseDuration } from '../duration.ts'
import { untilGone } from '../gone.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import type { Session } from '../session.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'
import { fieldValidationOf, validationFlags } from '../validation.ts'
import { manifestOf } from './apply.ts'
import { deleteOne, deletionFlags, deletionOf, sayDeleted } from './delete.ts'

export const replace: Command = {
  name: 'replace',
  usage: 'replace -f FILE [flags]',
  summary: 'Puts objects from files in the place of those that are there.',
  examples: ['wherry replace -f web.yaml', 'wherry replace --force -f pod.yaml'],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder, URL or - for standard input', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    ...writeFlags,
    ...validationFlags,
    ...deletionFlags,
    force: { type: 'bool', help: 'Delete what is there, then make it anew' },
    'save-config': { type: 'bool', help: 'Note what it was made from, for a later apply' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    if (flag.list(context, 'filename').length === 0) throw new Error('must specify one of -f and -k')
    const say = resultPrinter(context)
    const dryRun = dryRunOf(context)
    if (flag.on(context, 'force') && dryRun !== 'none') throw new Error('--dry-run can not be used when --force is set')
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-replace',
      fieldValidation: fieldValidationOf(context),
      ...(dryRun === 'server' && { dryRun: true }),
    }
    const { code } = await eachTarget(context, { doing: 'replacing' }, async (target, session) => {
      const body = bodyOf(context, target)
      if (dryRun === 'client') return say(target, 'replaced', body)
      const made = flag.on(context, 'force')
        ? await replaceByForce(context, session, target, { body, options })
        : await replaceInPlace(session, target, { body, options })
      await say(target, 'replaced', made)
    })
    return code
  },
}

/** An object that was applied before keeps saying from what. */
function bodyOf(context: CommandContext, target: Target): Record<string, unknown> {
  const object = manifestOf(target)
  const { annotations = {} } = object.metadata as { annotations?: Record<string, string> }
  return flag.on(context, 'save-config') || lastApplied in annotations ? withLastApplied(object) : object
}

interface Replacement {
  readonly body: Record<string, unknown>
  readonly options: CallOptions
}

async function replaceInPlace(session: Session, target: Target, { body, options }: Replacement): Promise<unknown> {
  const { resource, namespace, name } = target
  const { metadata } = await fetchTarget(session, target)
  const wanted = body.metadata as { resourceVersion?: string }
  // Without a version in the file, whatever is there is meant; some kinds want one all the same.
  const placed = { ...body, metadata: { ...wanted, resourceVersion: wanted.resourceVersion ?? metadata.resourceVersion } }
  return session.transport.call(callOf('update', resource, { namespace, name }, { body: placed, options }))
}

async function replaceByForce(
  context: CommandContext,
  session: Session,
  target: Target,
  { body, options }: Replacement,
): Promise<unknown> {
  const deletion = { ...deletionOf(context), isForced: false }
  const limit = limited(context, parseDuration('timeout', flag.text(context, 'timeout') ?? '0s'))
  try {
    const leaving = await deleteOne(session, target, deletion)
    context.io.out(`${sayDeleted(target, deletion)}\n`)
    if (leaving !== 'rehearsed') {
      const late = await untilGone(session, [leaving], limit.signal)
      if (late.length > 0) throw new Error(`timed out waiting for the condition on ${target.resource.resource}/${target.name}`)
    }
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error
  } finally {
    limit.release()
  }
  const { resourceVersion: _, uid: __, ...metadata } = body.metadata as Record<string, unknown>
  const { resource, namespace } = target
  return session.transport.call(callOf('create', resource, { namespace }, { body: { ...body, metadata }, options }))
}
