import { isReason } from '../../api/errors.ts'
import type { CallOptions, KubeObject, PatchType } from '../../api/transport.ts'
import { lastApplied, lastAppliedOf, withLastApplied } from '../apply/last-applied.ts'
import { schemaSource } from '../apply/schema.ts'
import { applyOnServer } from '../apply/server-side.ts'
import { isServerSide, managerOf, serverSideFlags } from '../apply/server-side-flags.ts'
import { threeWayPatch } from '../apply/three-way.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import type { Session } from '../session.ts'
import { during, eachTarget, fetchTarget, type Target } from '../targets.ts'
import { fieldValidationOf, validationFlags } from '../validation.ts'

export const apply: Command = {
  name: 'apply',
  usage: 'apply -f FILE [flags]',
  summary: 'Brings objects to the state that files describe; makes those that are not there.',
  examples: ['wherry apply -f web.yaml', 'wherry apply -f manifests/ -R', 'wherry apply -f - --dry-run=server'],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder, URL or - for standard input', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    ...writeFlags,
    ...validationFlags,
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
    overwrite: { type: 'bool', help: 'Set fields that others changed meanwhile (always so)', hidden: true },
    kustomize: { type: 'string', short: 'k', help: 'Not supported', hidden: true },
    ...serverSideFlags,
    subresource: { type: 'string', help: 'With --server-side: apply to status or scale' },
    prune: { type: 'bool', help: 'Not supported', hidden: true },
  },
  async run(context) {
    refuseUnsupported(context)
    if (flag.list(context, 'filename').length === 0) throw new Error('must specify one of -f and -k')
    if (context.words.length > 0) throw new Error(`Unexpected args: [${context.words.join(' ')}]`)
    const session = await context.session()
    const tools = { context, schemas: schemaSource(session), say: resultPrinter(context), options: writeOptions(context) }
    const applyTo = isServerSide(context) ? applyOneOnServer : applyOne
    const { code } = await eachTarget(context, { doing: 'applying' }, target => applyTo(target, session, tools))
    return code
  },
}

function refuseUnsupported(context: CommandContext): void {
  if (flag.text(context, 'kustomize') !== undefined) {
    throw new Error('kustomizations (-k) are not supported; build them first: kustomize build DIR | wherry apply -f -')
  }
  if (flag.on(context, 'prune'))
    throw new Error('--prune is not supported; delete what you no longer need: wherry delete -f FILE')
}

function writeOptions(context: CommandContext): CallOptions {
  return {
    fieldManager: managerOf(context),
    fieldValidation: fieldValidationOf(context),
    ...(dryRunOf(context) === 'server' && { dryRun: true }),
  }
}

interface Tools {
  readonly context: CommandContext
  readonly schemas: ReturnType<typeof schemaSource>
  readonly say: ReturnType<typeof resultPrinter>
  readonly options: CallOptions
}

async function applyOneOnServer(target: Target, session: Session, { context, say, options }: Tools): Promise<void> {
  const applied = await applyOnServer(session, target, manifestOf(target), {
    options: { ...options, force: flag.on(context, 'force-conflicts') },
    subresource: flag.text(context, 'subresource'),
    warn: text => context.io.err(`Warning: ${text}\n`),
  })
  warnIfLeaving(context, target, applied)
  await say(target, 'serverside-applied', applied)
}

async function applyOne(target: Target, session: Session, { context, schemas, say, options }: Tools): Promise<void> {
  const wanted = manifestOf(target)
  const current = await during('retrieving', existing(session, target))
  const isRehearsal = dryRunOf(context) === 'client'
  if (!current) {
    const { resource, namespace } = target
    const call = callOf('create', resource, { namespace }, { body: withLastApplied(wanted), options })
    const made = isRehearsal ? wanted : await during('creating', session.transport.call(call))
    return say(target, 'created', made)
  }
  warn(context, target, current)
  const schema = await schemas(target.resource)
  const planned = (live: KubeObject) =>
    threeWayPatch(lastAppliedOf(live) ?? {}, withLastApplied(wanted), live as unknown as Record<string, unknown>, schema)
  if (Object.keys(planned(current)).length === 0) return say(target, 'unchanged', current)
  if (isRehearsal) return say(target, 'configured', wanted)
  // Kinds that the server does not describe have no merge keys: their lists are replaced whole.
  const patchType = schema ? 'strategic' : 'merge'
  await say(target, 'configured', await during('patching', patched(session, target, { current, planned, patchType, options })))
}

/** The manifest's object as it is sent: with its namespace. */
export function manifestOf({ manifest, namespace, name, resource }: Target): Record<string, unknown> {
  const value = manifest?.value ?? {}
  const metadata = (value.metadata ?? {}) as Record<string, unknown>
  if (name === '') {
    throw new Error(
      metadata.generateName
        ? `from ${String(metadata.generateName)}: cannot use generate name with apply`
        : 'resource name may not be empty',
    )
  }
  return { ...value, metadata: { ...metadata, ...(resource.namespaced && { namespace }) } }
}

function existing(session: Session, target: Target): Promise<KubeObject | undefined> {
  return fetchTarget(session, target).catch(error => {
    if (isReason(error, 'NotFound')) return undefined
    throw error
  })
}

function warn(context: CommandContext, target: Target, current: KubeObject): void {
  if (lastAppliedOf(current) === undefined) {
    context.io.err(
      `Warning: resource ${plainName(target)} is missing the ${lastApplied} annotation which is required by wherry apply. wherry apply should only be used on resources created declaratively by either wherry create --save-config or wherry apply. The missing annotation will be patched automatically.\n`,
    )
  }
  warnIfLeaving(context, target, current)
}

function warnIfLeaving({ io }: CommandContext, target: Target, current: KubeObject): void {
  if (current.metadata.deletionTimestamp === undefined) return
  io.err(`Warning: Detected changes to resource ${plainName(target)} which is currently being deleted.\n`)
}

/** `deployments/web`, without a group: how these warnings name an object. */
const plainName = ({ resource, name }: Target) => `${resource.resource}/${name}`

/** Conflicts are met by looking again, this often, as kubectl does. */
const attempts = 5

async function patched(
  session: Session,
  target: Target,
  how: { current: KubeObject; planned: (live: KubeObject) => object; patchType: PatchType; options: CallOptions },
): Promise<unknown> {
  const { resource, namespace, name } = target
  const { planned, patchType, options } = how
  for (let attempt = 1, { current } = how; ; attempt++) {
    const call = callOf('patch', resource, { namespace, name }, { body: planned(current), patchType, options })
    try {
      return await session.transport.call(call)
    } catch (error) {
      if (!isReason(error, 'Conflict') || attempt >= attempts) throw error
      current = await fetchTarget(session, target)
    }
  }
}
