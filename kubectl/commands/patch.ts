import type { CallOptions, PatchType } from '../../api/transport.ts'
import { deepEqual } from '../../lib/json.ts'
import { type Command, flag } from '../command.ts'
import { ManifestError, parseValue } from '../manifest.ts'
import { callOf, selectionFlags } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import { eachTarget } from '../targets.ts'

const types: readonly PatchType[] = ['json', 'merge', 'strategic']

export const patch: Command = {
  name: 'patch',
  usage: 'patch (TYPE NAME | TYPE/NAME | -f FILE) (-p PATCH | --patch-file FILE) [flags]',
  summary: 'Changes some fields of an object.',
  examples: [
    `wherry patch deploy web -p '{"spec":{"replicas":3}}'`,
    `wherry patch pod web --type=json -p '[{"op":"remove","path":"/metadata/labels/tier"}]'`,
    'wherry patch deploy web --patch-file patch.yaml --subresource=scale --type=merge',
  ],
  flags: {
    filename: selectionFlags.filename,
    recursive: selectionFlags.recursive,
    ...writeFlags,
    patch: { type: 'string', short: 'p', help: 'The patch, JSON or YAML' },
    'patch-file': { type: 'string', help: 'A file that holds the patch', placeholder: 'FILE' },
    type: { type: 'string', help: 'strategic, merge or json', placeholder: 'strategic' },
    subresource: { type: 'string', help: 'status, scale: patch this instead' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const [text, file] = [flag.text(context, 'patch'), flag.text(context, 'patch-file')]
    if (text === undefined && file === undefined)
      throw new Error('must specify --patch or --patch-file containing the contents of the patch')
    if (text !== undefined && file !== undefined) throw new Error('cannot specify --patch and --patch-file together')
    const patchType = types.find(type => type === (flag.text(context, 'type') ?? 'strategic').toLowerCase())
    if (!patchType)
      throw new Error(`--type must be one of [json merge strategic], not ${JSON.stringify(flag.text(context, 'type'))}`)
    const body = parsePatch(file === undefined ? (text ?? '') : await readText(file), file ?? 'the patch', patchType)
    const subresource = flag.text(context, 'subresource')
    // What a patch leads to is known to the server only, so a rehearsal asks it too.
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-patch',
      ...(dryRunOf(context) !== 'none' && { dryRun: true }),
    }
    const say = resultPrinter(context)
    const { code } = await eachTarget(context, { doing: 'patching' }, async (target, session) => {
      const { resource, namespace, name } = target
      const place = { namespace, name, ...(subresource && { subresource }) }
      const before = await session.transport.call(callOf('get', resource, place))
      const after = await session.transport.call(callOf('patch', resource, place, { body, patchType, options }))
      await say(target, deepEqual(before, after) ? 'patched (no change)' : 'patched', after)
    })
    return code
  },
}

async function readText(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`unable to read patch file: ${cause.message}`, { cause })
  })
}

/** A patch as JSON; a JSON patch must be a list, the others an object. */
export function parsePatch(text: string, source: string, patchType: PatchType): unknown {
  const value = parseValue(text, source)
  const isList = Array.isArray(value)
  if (patchType === 'json' ? !isList : isList || typeof value !== 'object' || value === null) {
    const wanted = patchType === 'json' ? 'a list of operations' : 'an object'
    throw new ManifestError(`${source}: a ${patchType} patch must be ${wanted}, not ${JSON.stringify(value)}`)
  }
  return value
}
