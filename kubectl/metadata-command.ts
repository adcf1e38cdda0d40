import type { CallOptions, KubeObject } from '../api/transport.ts'
import { type Command, type CommandContext, flag } from './command.ts'
import { type Changes, changed, mergePatchOf, splitChanges } from './key-changes.ts'
import { callOf, selectionFlags } from './objects.ts'
import { dryRunOf, type ResultPrinter, resultPrinter, writeFlags } from './result.ts'
import { displayName } from './selection.ts'
import type { Session } from './session.ts'
import { eachTarget, fetchTarget, type Target } from './targets.ts'

interface MetadataVerb {
  /** `label` or `annotate`. */
  readonly verb: string
  /** `label` or `annotation`. */
  readonly what: string
  readonly field: 'labels' | 'annotations'
  /** What to say when something would be overwritten. */
  readonly refusal: (taken: string) => string
  /** What happened: `labeled`. Tells of keys to remove that are not there. */
  readonly outcome: (
    before: Readonly<Record<string, string>>,
    after: Readonly<Record<string, string>>,
    isOverwriting: boolean,
  ) => string
  readonly saysMissingKeys: boolean
  readonly examples: readonly string[]
}

/** The verb `label` or `annotate`: they differ in little more than the field. */
export function metadataCommand(spec: MetadataVerb): Command {
  return {
    name: spec.verb,
    usage: `${spec.verb} (TYPE NAME... | TYPE/NAME... | -f FILE) KEY=VALUE... KEY-... [flags]`,
    summary: `Sets and removes ${spec.what}s.`,
    examples: spec.examples,
    flags: {
      ...selectionFlags,
      ...writeFlags,
      overwrite: { type: 'bool', help: 'Change values that are there already' },
      list: { type: 'bool', help: `Show the ${spec.what}s` },
      'resource-version': { type: 'string', help: 'Only if the object is at this version' },
      'field-manager': { type: 'string', help: 'In whose name fields are set' },
    },
    async run(context) {
      const { names, changes } = splitChanges(context.words, spec.what)
      const isListing = flag.on(context, 'list')
      if (changes.set.size + changes.remove.length === 0 && !isListing)
        throw new Error(`at least one ${spec.what} update is required`)
      const say = resultPrinter(context)
      const { code } = await eachTarget(
        context,
        { words: names, doing: spec.verb === 'label' ? 'labeling' : 'annotating' },
        (target, session) => changeOne(context, session, { target, changes, spec, say }),
      )
      return code
    },
  }
}

async function changeOne(
  context: CommandContext,
  session: Session,
  { target, changes, spec, say }: { target: Target; changes: Changes; spec: MetadataVerb; say: ResultPrinter },
): Promise<void> {
  const { io } = context
  const { resource, namespace, name } = target
  const current = target.object ?? (await fetchTarget(session, target))
  const before = current.metadata[spec.field] ?? {}
  if (flag.on(context, 'list') && changes.set.size + changes.remove.length === 0) {
    return list(context, displayName(resource, name), before)
  }
  const taken = [...changes.set].filter(([key, value]) => before[key] !== undefined && before[key] !== value)
  if (taken.length > 0 && !flag.on(context, 'overwrite')) {
    throw new Error(spec.refusal(taken.map(([key]) => `'${key}' already has a value (${before[key]})`).join('; ')))
  }
  if (spec.saysMissingKeys) {
    for (const key of changes.remove) if (before[key] === undefined) io.out(`${spec.what} "${key}" not found.\n`)
  }
  const version = flag.text(context, 'resource-version')
  const after = changed(before, changes)
  const body = { metadata: { [spec.field]: mergePatchOf(changes), ...(version && { resourceVersion: version }) } }
  const options: CallOptions = {
    fieldManager: flag.text(context, 'field-manager') ?? `kubectl-${spec.verb}`,
    ...(dryRunOf(context) === 'server' && { dryRun: true }),
  }
  const outcome = spec.outcome(before, after, flag.on(context, 'overwrite'))
  const isRehearsal = dryRunOf(context) === 'client'
  const now: KubeObject | unknown = isRehearsal
    ? { ...current, metadata: { ...current.metadata, [spec.field]: after } }
    : await session.transport.call(callOf('patch', resource, { namespace, name }, { body, patchType: 'merge', options }))
  if (flag.on(context, 'list')) return list(context, displayName(resource, name), after)
  await say(target, outcome, now)
}

function list(context: CommandContext, name: string, entries: Readonly<Record<string, string>>): void {
  const names = context.words.length + flag.list(context, 'filename').length
  if (names > 2 || flag.on(context, 'all') || flag.text(context, 'selector') !== undefined) context.io.out(`Listing ${name}:\n`)
  for (const key of Object.keys(entries).sort()) context.io.out(`${key}=${entries[key]}\n`)
}
