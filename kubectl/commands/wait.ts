import { ApiError, ignore, isReason } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { changes, type Limit, limited } from '../changes.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { complaint } from '../complaint.ts'
import { parseDuration } from '../duration.ts'
import { callOf, listAll, locate, readFiles, selectionFlags } from '../objects.ts'
import { printerFor } from '../print/output.ts'
import { qualifiedName, type Resource } from '../resources.ts'
import { displayName, select } from '../selection.ts'
import type { Session } from '../session.ts'
import { isAsWanted, parseWanted, type Wanted } from '../wait/conditions.ts'

const weekInMs = 168 * 3_600_000
const pollInMs = 500
const timedOut = 'timed out waiting for the condition'

export const wait: Command = {
  name: 'wait',
  usage:
    "wait (TYPE/NAME... | TYPE (-l LABEL | --all)) --for=(create | delete | condition=NAME[=VALUE] | jsonpath='{...}'[=VALUE])",
  summary: 'Waits until objects are as they should be.',
  examples: [
    'wherry wait --for=condition=Ready pod/web',
    'wherry wait --for=delete pod -l app=web --timeout=60s',
    "wherry wait --for=jsonpath='{.status.phase}'=Running pod/web",
  ],
  flags: {
    ...selectionFlags,
    for: { type: 'string', help: 'What to wait for' },
    timeout: { type: 'string', help: '30s unless said otherwise; 0 looks once, a negative one waits for a week' },
    output: { type: 'string', short: 'o', help: 'How to print what is as it should be' },
  },
  async run(context) {
    const wanted = parseWanted(flag.text(context, 'for') ?? '')
    const asked = parseDuration('timeout', flag.text(context, 'timeout') ?? '30s')
    const session = await context.session()
    const limit = limited(context, asked < 0 ? weekInMs : asked)
    try {
      return await waitForAll({ context, session, wanted, limit, looksOnce: asked === 0 })
    } finally {
      limit.release()
    }
  },
}

interface Waiting {
  readonly context: CommandContext
  readonly session: Session
  readonly wanted: Wanted
  readonly limit: Limit
  readonly looksOnce: boolean
}

interface Subject {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string
}

async function waitForAll(waiting: Waiting): Promise<number> {
  const { context, wanted, session } = waiting
  const printer = printerFor(flag.text(context, 'output') ?? '')
  const subjects = wanted.type === 'create' ? await created(waiting) : await subjectsOf(waiting)
  if (subjects.length === 0) {
    if (wanted.type === 'delete') return 0
    throw new Error('no matching resources found')
  }
  let code = 0
  for (const subject of subjects) {
    try {
      if (wanted.type === 'delete' && (await isMissing(session, subject))) continue
      const object = wanted.type === 'create' ? await fetch(session, subject) : await waitFor(waiting, subject)
      const text = printer && object ? await printer(object) : `${displayName(subject.resource, subject.name)} condition met\n`
      context.io.out(text)
    } catch (error) {
      if (context.signal.aborted) throw error
      context.io.err(`${complaint(error)}\n`)
      code = 1
    }
  }
  return code
}

const fetch = async (session: Session, { resource, namespace, name }: Subject) =>
  (await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject

async function isMissing(session: Session, subject: Subject): Promise<boolean> {
  const found = await fetch(session, subject).catch(ignore('NotFound'))
  return found === undefined
}

/** Everything that the words, files and selectors mean; the names need not be there. */
async function subjectsOf({ context, session }: Waiting): Promise<Subject[]> {
  const files = flag.list(context, 'filename')
  if (files.length > 0) return Promise.all((await readFiles(context, files)).map(manifest => locate(session, manifest)))
  const [labelSelector, fieldSelector] = [flag.text(context, 'selector'), flag.text(context, 'field-selector')]
  const isSelecting = labelSelector !== undefined || fieldSelector !== undefined || flag.on(context, 'all')
  const subjects: Subject[] = []
  for (const { resource, names } of select(context.words, await session.resources())) {
    const namespace = resource.namespaced && !flag.on(context, 'all-namespaces') ? session.namespace : undefined
    subjects.push(...names.map(name => ({ resource, namespace, name })))
    if (names.length > 0) continue
    if (!isSelecting) throw new Error('resource(s) were provided, but no name was specified')
    const chosen = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
    const { items } = await listAll(session, resource, namespace, chosen)
    subjects.push(...items.map(({ metadata }) => ({ resource, namespace: metadata.namespace, name: metadata.name })))
  }
  return subjects
}

/** Looks again and again until all that is meant is there, as nothing tells where a name yet unknown would show up. */
async function created(waiting: Waiting): Promise<Subject[]> {
  const { context, session, limit, looksOnce } = waiting
  for (;;) {
    const subjects = await subjectsOf(waiting)
    const areMissing = await Promise.all(subjects.map(subject => isMissing(session, subject)))
    if (subjects.length > 0 && !areMissing.some(Boolean)) return subjects
    if (looksOnce || limit.isOver()) throw new Error(timedOut)
    if (context.signal.aborted) throw new Error('interrupted')
    await context.io.sleep(pollInMs, limit.signal)
  }
}

/** Resolves with the object when it is as wanted; with what it last was, or nothing, when it is to be gone and is. */
async function waitFor(waiting: Waiting, subject: Subject): Promise<KubeObject | undefined> {
  const { session, wanted, limit, looksOnce } = waiting
  const { resource, namespace, name } = subject
  if (looksOnce) return lookOnce(waiting, subject)
  const fieldSelector = `metadata.name=${name}`
  let uid: string | undefined
  let last: KubeObject | undefined
  for await (const change of changes(session, resource, namespace, { fieldSelector }, limit.signal)) {
    const object = change.type === 'LISTED' ? change.objects[0] : change.object
    const isGone = change.type === 'DELETED' || object === undefined
    if (wanted.type === 'delete') {
      if (isGone || (uid !== undefined && object.metadata.uid !== uid)) return last
    } else if (isGone) throw notThere(resource, name)
    else if (isAsWanted(object, wanted)) return object
    uid ??= object?.metadata.uid
    last = object
  }
  throw new Error(limit.isOver() ? `${timedOut} on ${resource.resource}/${name}` : 'interrupted')
}

async function lookOnce({ session, wanted }: Waiting, subject: Subject): Promise<KubeObject | undefined> {
  const unmet = new Error(`condition not met for ${subject.resource.resource}/${subject.name}`)
  try {
    const object = await fetch(session, subject)
    if (!isAsWanted(object, wanted)) throw unmet
    return object
  } catch (error) {
    if (wanted.type === 'delete' && isReason(error, 'NotFound')) return undefined
    throw error
  }
}

function notThere(resource: Resource, name: string): Error {
  return new ApiError('NotFound', `${qualifiedName(resource)} "${name}" not found`)
}
