import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isReason } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { lastApplied, withLastApplied } from '../apply/last-applied.ts'
import { schemaSource } from '../apply/schema.ts'
import { threeWayPatch } from '../apply/three-way.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { complaint } from '../complaint.ts'
import { header, isEmptyEdit, withoutHeader } from '../edit/document.ts'
import { openEditor } from '../edit/editor.ts'
import { type ManifestObject, readManifest } from '../manifest.ts'
import { manifestComplaint } from '../manifest-faults.ts'
import { callOf, selectionFlags } from '../objects.ts'
import { type Printer, printerFor } from '../print/output.ts'
import { resultPrinter } from '../result.ts'
import { displayName } from '../selection.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'
import { fieldValidationOf, validationFlags } from '../validation.ts'

type Json = Record<string, unknown>

export const edit: Command = {
  name: 'edit',
  usage: 'edit (TYPE NAME | TYPE/NAME | -f FILE) [flags]',
  summary: 'Opens objects in an editor (KUBE_EDITOR, EDITOR, else vi) and sends what was changed.',
  examples: ['wherry edit deploy web', "KUBE_EDITOR='code --wait' wherry edit cm settings"],
  flags: {
    ...selectionFlags,
    ...validationFlags,
    output: { type: 'string', short: 'o', help: 'yaml or json: the form to edit in', placeholder: 'yaml' },
    'save-config': { type: 'bool', help: 'Note what it was made from, for a later apply' },
    'show-managed-fields': { type: 'bool', help: 'metadata.managedFields too' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const form = flag.text(context, 'output') ?? 'yaml'
    const print =
      form === 'yaml' || form === 'json'
        ? printerFor(form, { showManagedFields: flag.on(context, 'show-managed-fields') })
        : undefined
    if (!print) throw new Error(`unable to edit in the output format ${JSON.stringify(form)}: it is yaml or json`)
    const { code } = await eachTarget(context, { doing: 'editing' }, target => editOne(context, target, { form, print }))
    return code
  },
}

async function editOne(
  context: CommandContext,
  target: Target,
  { form, print }: { form: string; print: Printer },
): Promise<void> {
  const session = await context.session()
  const current = target.object ?? (await fetchTarget(session, target))
  const original = await print(current)
  const folder = await mkdtemp(join(tmpdir(), 'wherry-edit-'))
  const file = join(folder, `${target.name}.${form}`)
  let keepsCopy = false
  const keepCopy = (message: string) => {
    keepsCopy = true
    return new Error(`${message}\nA copy of your changes has been stored to ${JSON.stringify(file)}`)
  }
  try {
    let text = original
    let faults: string[] = []
    for (;;) {
      // JSON has no comments, but YAML holds all of JSON: both are read back as YAML.
      await writeFile(file, header(faults) + text)
      await openEditor(context.io, file)
      const edited = withoutHeader(await readFile(file, 'utf8'))
      if (isEmptyEdit(edited)) return context.io.err('Edit cancelled, saved file was empty.\n')
      if (edited === text && faults.length > 0) throw keepCopy('Edit cancelled, no valid changes were saved.')
      if (edited === original) return context.io.err('Edit cancelled, no changes made.\n')
      text = edited
      const failed = await save(context, target, { current, edited })
      if (!failed) return
      if (!failed.isCurable) throw keepCopy(failed.text)
      context.io.err(`${failed.text}\n`)
      faults = [`${displayName(target.resource, target.name)} was not valid:`, ...failed.text.split('\n')]
    }
  } finally {
    if (!keepsCopy) await rm(folder, { recursive: true, force: true })
  }
}

interface Failure {
  readonly text: string
  /** Whether another edit may help. */
  readonly isCurable: boolean
}

/** Sends what was changed. Answers what the user got wrong; throws nothing that another edit might cure. */
async function save(
  context: CommandContext,
  target: Target,
  { current, edited }: { current: KubeObject; edited: string },
): Promise<Failure | undefined> {
  const session = await context.session()
  const schemas = schemaSource(session)
  const { resource, namespace, name } = target
  let manifest: ManifestObject | undefined
  try {
    ;[manifest] = readManifest(edited, 'the edited file')
    if (!manifest) throw new Error('there is no object in it')
    const wanted = manifest.value
    refuseOther(current, wanted)
    const schema = await schemas(resource)
    const old = current as unknown as Json
    const keepsBooks =
      flag.on(context, 'save-config') && lastApplied in ((wanted.metadata as { annotations?: object }).annotations ?? {})
    const body = threeWayPatch(old, withHidden(keepsBooks ? withLastApplied(wanted) : wanted, old), old, schema)
    if (Object.keys(body).length === 0) {
      context.io.err('Edit cancelled, no changes made.\n')
      return undefined
    }
    const options = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-edit',
      fieldValidation: fieldValidationOf(context),
    }
    const patchType = schema ? 'strategic' : 'merge'
    const after = await session.transport.call(callOf('patch', resource, { namespace, name }, { body, patchType, options }))
    await resultPrinter({ ...context, flags: {} })(target, 'edited', after)
    return undefined
  } catch (error) {
    if (context.signal.aborted) throw error
    const schema = () => schemas(resource)
    const text = manifest ? await manifestComplaint(error, { manifest, doing: 'editing', schema }) : complaint(error)
    return { text, isCurable: !isReason(error, 'NotFound', 'Conflict', 'Forbidden', 'Unauthorized', 'ServiceUnavailable') }
  }
}

/** Managed fields and the rest that was not shown is not to be taken for removed. */
function withHidden(wanted: Json, current: Json): Json {
  const { managedFields } = (current.metadata ?? {}) as Json
  return managedFields === undefined ? wanted : { ...wanted, metadata: { managedFields, ...(wanted.metadata as Json) } }
}

function refuseOther(current: KubeObject, wanted: Json): void {
  const { name, namespace } = (wanted.metadata ?? {}) as { name?: string; namespace?: string }
  const { metadata } = current
  if (
    wanted.kind === current.kind &&
    wanted.apiVersion === current.apiVersion &&
    name === metadata.name &&
    namespace === metadata.namespace
  )
    return
  throw new Error('At least one of apiVersion, kind and name was changed')
}
