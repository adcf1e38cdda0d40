import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isReason } from '../../api/errors.ts'
import type { CallOptions, KubeObject } from '../../api/transport.ts'
import { lastAppliedOf, withoutLastApplied } from '../apply/last-applied.ts'
import { schemaSource } from '../apply/schema.ts'
import { isServerSide, managerOf, serverSideFlags } from '../apply/server-side-flags.ts'
import { threeWayPatch } from '../apply/three-way.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { complaint } from '../complaint.ts'
import { callOf } from '../objects.ts'
import { printerFor } from '../print/output.ts'
import { apiVersionOf } from '../resources.ts'
import type { Session } from '../session.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'
import { manifestOf } from './apply.ts'

export const diff: Command = {
  name: 'diff',
  usage: 'diff -f FILE [flags]',
  summary: 'Shows what apply would change; the exit code is 0 when that is nothing, 1 when it is something.',
  examples: ['wherry diff -f web.yaml', "KUBECTL_EXTERNAL_DIFF='diff -u -N --color=always' wherry diff -f web.yaml"],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder, URL or - for standard input', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    'show-managed-fields': { type: 'bool', help: 'metadata.managedFields too' },
    'field-manager': { type: 'string', help: 'In whose name fields would be set' },
    ...serverSideFlags,
  },
  async run(context) {
    try {
      return await run(context)
    } catch (error) {
      // 1 is taken: it says that there are differences.
      context.io.err(`${complaint(error)}\n`)
      return 2
    }
  },
}

async function run(context: CommandContext): Promise<number> {
  if (flag.list(context, 'filename').length === 0) throw new Error('must specify one of -f and -k')
  isServerSide(context)
  const session = await context.session()
  const schemas = schemaSource(session)
  const print = printerFor('yaml', { showManagedFields: flag.on(context, 'show-managed-fields') })
  const folder = await mkdtemp(join(tmpdir(), 'wherry-diff-'))
  try {
    const sides = { live: join(folder, 'LIVE'), merged: join(folder, 'MERGED') }
    await Promise.all(Object.values(sides).map(side => mkdir(side)))
    const { code } = await eachTarget(context, { doing: 'comparing' }, async target => {
      const { live, merged } = await bothSides(context, session, target, schemas)
      const { group, version, kind } = target.resource
      const file = [apiVersionOf({ group, version }).replace('/', '.'), kind, target.namespace ?? '', target.name].join('.')
      if (live) await writeFile(join(sides.live, file), (await print?.(masked(live))) ?? '')
      await writeFile(join(sides.merged, file), (await print?.(masked(merged, live))) ?? '')
    })
    return code === 0 ? await compare(context, sides) : 2
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The object as it is, if it is, and as it would be. */
async function bothSides(
  context: CommandContext,
  session: Session,
  target: Target,
  schemas: ReturnType<typeof schemaSource>,
): Promise<{ live: KubeObject | undefined; merged: KubeObject }> {
  const { resource, namespace, name } = target
  const wanted = withoutLastApplied(manifestOf(target))
  const options: CallOptions = { dryRun: true, fieldManager: managerOf(context) }
  const live = await fetchTarget(session, target).catch(error => {
    if (isReason(error, 'NotFound')) return undefined
    throw error
  })
  if (isServerSide(context)) {
    const force = flag.on(context, 'force-conflicts')
    const place = { namespace, name }
    const call = callOf('patch', resource, place, {
      body: manifestOf(target),
      patchType: 'apply',
      options: { ...options, force },
    })
    return { live, merged: withoutRehearsal((await session.transport.call(call)) as KubeObject, live) }
  }
  const schema = await schemas(resource)
  const body = live ? threeWayPatch(lastAppliedOf(live) ?? {}, wanted, live as never, schema) : wanted
  if (live && Object.keys(body).length === 0) return { live, merged: live }
  const call = live
    ? callOf('patch', resource, { namespace, name }, { body, patchType: schema ? 'strategic' : 'merge', options })
    : callOf('create', resource, { namespace }, { body, options })
  return { live, merged: withoutRehearsal((await session.transport.call(call)) as KubeObject, live) }
}

/** Without what differs only because it was a rehearsal. */
function withoutRehearsal(object: KubeObject, live: KubeObject | undefined): KubeObject {
  if (!live) return object
  return { ...object, metadata: { ...object.metadata, resourceVersion: live.metadata.resourceVersion } }
}

/** Secrets' values do not belong on a screen: the same on both sides, or told apart only by being changed. */
function masked(object: KubeObject, other?: KubeObject): unknown {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return object
  const data = (object as KubeObject & { data?: Record<string, string> }).data ?? {}
  const before = (other as (KubeObject & { data?: Record<string, string> }) | undefined)?.data ?? {}
  const mask = (key: string) =>
    other === undefined || before[key] === data[key] || before[key] === undefined ? '***' : '*** (changed)'
  const { annotations: _, ...metadata } = object.metadata
  return { ...object, metadata, data: Object.fromEntries(Object.keys(data).map(key => [key, mask(key)])) }
}

/** Lets `diff -u -N`, or KUBECTL_EXTERNAL_DIFF, show the differences between two folders. Answers its exit code. */
function compare({ io, signal }: CommandContext, { live, merged }: { live: string; merged: string }): Promise<number> {
  const [program = 'diff', ...flags] = (io.env.KUBECTL_EXTERNAL_DIFF ?? 'diff -u -N').split(' ').filter(Boolean)
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...flags, live, merged], { stdio: ['ignore', 'pipe', 'pipe'], signal })
    child.stdout.setEncoding('utf8').on('data', io.out)
    child.stderr.setEncoding('utf8').on('data', io.err)
    child.on('error', error => reject(new Error(`${program} cannot be run: ${error.message}`, { cause: error })))
    child.on('close', code => resolve(code ?? 2))
  })
}
