import type { CallOptions } from '../../api/transport.ts'
import { withLastApplied } from '../apply/last-applied.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { findGenerator, generators } from '../create/generators.ts'
import { createToken, tokenFlags } from '../create/token.ts'
import type { FlagSpecs } from '../flags.ts'
import { callOf, didYouMean } from '../objects.ts'
import { dryRunOf, type ResultPrinter, resultPrinter, writeFlags } from '../result.ts'
import type { Session } from '../session.ts'
import { eachTarget, type Target } from '../targets.ts'
import { fieldValidationOf, validationFlags } from '../validation.ts'

export const create: Command = {
  name: 'create',
  usage: 'create (-f FILE | TYPE NAME) [flags]',
  summary: 'Makes objects, from files or from a few words.',
  examples: [
    'wherry create -f web.yaml',
    ...generators.map(({ usage }) => `wherry create ${usage}`),
    'wherry create token SERVICE-ACCOUNT [--duration=1h]',
  ],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder, URL or - for standard input', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    ...writeFlags,
    ...validationFlags,
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
    'save-config': { type: 'bool', help: 'Note what it was made from, for a later apply' },
    ...Object.assign({} as FlagSpecs, ...generators.map(({ flags }) => flags)),
    ...tokenFlags,
  },
  async run(context) {
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-create',
      fieldValidation: fieldValidationOf(context),
      ...(dryRunOf(context) === 'server' && { dryRun: true }),
    }
    const say = resultPrinter(context)
    if (flag.list(context, 'filename').length > 0) {
      const { code } = await eachTarget(context, { doing: 'creating' }, (target, session) =>
        createOne(context, session, { target, object: objectOf(target), options, say }),
      )
      return code
    }
    const [first, name] = context.words
    if (first === undefined) throw new Error('must specify one of -f and -k, or what to create: wherry create --help lists it')
    if (first === 'token') {
      await createToken(context, nameIn([name]), { fieldManager: options.fieldManager ?? '' })
      return 0
    }
    return generate(context, options, say)
  },
}

async function generate(context: CommandContext, options: CallOptions, say: ResultPrinter): Promise<number> {
  const [first = ''] = context.words
  const found = findGenerator(context.words)
  if (!found) {
    const known = generators.flatMap(({ name, aliases = [] }) => [name.split(' ')[0] ?? '', ...aliases])
    if (known.includes(first)) throw new Error(`which kind of ${first}? wherry create --help lists them`)
    throw new Error(`cannot create "${first}" without a file${didYouMean(first, known)}`)
  }
  const made = await found.generator.make(context, nameIn(found.rest))
  const object = flag.on(context, 'append-hash') ? (await import('../create/append-hash.ts')).withHashedName(made) : made
  const session = await context.session()
  const resource = (await session.resources()).ofKind(object.apiVersion, object.kind)
  const namespace = resource.namespaced ? session.namespace : undefined
  const placed = { ...object, metadata: { ...object.metadata, ...(session.isNamespaceExplicit && namespace && { namespace }) } }
  const target = { resource, namespace, name: object.metadata.name }
  await createOne(context, session, { target, object: placed, options, say })
  return 0
}

function nameIn(words: readonly (string | undefined)[]): string {
  const [name, ...others] = words
  if (name === undefined || others.length > 0)
    throw new Error(`exactly one NAME is required, got ${name === undefined ? 0 : words.length}`)
  return name
}

function objectOf({ manifest, namespace, resource }: Target): Record<string, unknown> {
  const value = manifest?.value ?? {}
  return { ...value, metadata: { ...(value.metadata as object | undefined), ...(resource.namespaced && { namespace }) } }
}

async function createOne(
  context: CommandContext,
  session: Session,
  { target, object, options, say }: { target: Target; object: Record<string, unknown>; options: CallOptions; say: ResultPrinter },
): Promise<void> {
  const { resource, namespace } = target
  const body = flag.on(context, 'save-config') ? withLastApplied(object) : object
  const isRehearsal = dryRunOf(context) === 'client'
  const made = isRehearsal ? body : await session.transport.call(callOf('create', resource, { namespace }, { body, options }))
  const name = (made as { metadata?: { name?: string } }).metadata?.name ?? target.name
  await say({ resource, name }, 'created', made)
}
