import type { KubeObject } from '../api/transport.ts'
import { schemaSource } from './apply/schema.ts'
import { type CommandContext, flag } from './command.ts'
import { complaint } from './complaint.ts'
import type { ManifestObject } from './manifest.ts'
import { manifestComplaint } from './manifest-faults.ts'
import { callOf, listAll, locate, readFiles } from './objects.ts'
import type { Resource } from './resources.ts'
import { select } from './selection.ts'
import type { Session } from './session.ts'

/** An object that a command line is about, whether or not it is there. */
export interface Target {
  readonly resource: Resource
  /** Undefined for cluster-scoped ones. */
  readonly namespace: string | undefined
  /** Empty when a manifest leaves the choice to the server (`generateName`). */
  readonly name: string
  /** As the server listed it, when it was chosen by a selector. */
  readonly object?: KubeObject
  /** As its file has it. */
  readonly manifest?: ManifestObject
}

export interface TargetsOptions {
  /** What is done to a file's objects, for messages: `creating`. */
  readonly doing?: string
  /** Instead of the context's. */
  readonly words?: readonly string[]
  /** The verb's `--selector` chooses no objects, but means something else. */
  readonly namesOnly?: boolean
}

export interface TargetsOutcome {
  /** 1 when something went wrong with one of them. */
  readonly code: number
  readonly count: number
}

const nothingNamed = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`

/**
 * Does something to each object that files, names or selectors choose, one after the other. What goes wrong with one of them is told at once,
 * with the place in its file, and does not keep the others from their turn. Throws when it cannot be said which objects are meant.
 */
export async function eachTarget(
  context: CommandContext,
  options: TargetsOptions,
  act: (target: Target, session: Session) => Promise<void>,
): Promise<TargetsOutcome> {
  const session = await context.session()
  const schemas = schemaSource(session)
  let code = 0
  let count = 0
  const attempt = async (target: () => Promise<Target>, manifest?: ManifestObject) => {
    let found: Target | undefined
    try {
      found = await target()
      count++
      await act(found, session)
    } catch (error) {
      if (context.signal.aborted) throw error
      code = 1
      const schema = async () => found && schemas(found.resource)
      const doing = doingOf(error) ?? options.doing ?? 'reading'
      context.io.err(`${manifest ? await manifestComplaint(error, { manifest, doing, schema }) : complaint(error)}\n`)
    }
  }
  const files = flag.list(context, 'filename')
  const words = options.words ?? context.words
  if (files.length > 0) {
    if (words.length > 0) {
      throw new Error('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well')
    }
    for (const manifest of await readFiles(context, files)) {
      await attempt(async () => ({ ...(await locate(session, manifest)), manifest }), manifest)
    }
    return { code, count }
  }
  for (const target of await chosenTargets(context, session, words, options.namesOnly)) await attempt(async () => target)
  return { code, count }
}

/** What words and selectors choose: named objects unseen, selected ones as the server lists them. */
async function chosenTargets(
  context: CommandContext,
  session: Session,
  words: readonly string[],
  namesOnly = false,
): Promise<Target[]> {
  const labelSelector = namesOnly ? undefined : flag.text(context, 'selector')
  const fieldSelector = flag.text(context, 'field-selector')
  const isSelecting = labelSelector !== undefined || fieldSelector !== undefined || flag.on(context, 'all')
  const everywhere = flag.on(context, 'all-namespaces')
  if (words.length === 0) throw new Error(nothingNamed)
  const targets: Target[] = []
  for (const { resource, names } of select(words, await session.resources())) {
    const namespace = resource.namespaced && !everywhere ? session.namespace : undefined
    if (names.length > 0) {
      if (isSelecting) throw new Error('name cannot be provided when a selector is specified')
      if (everywhere) throw new Error('a resource cannot be retrieved by name across all namespaces')
      for (const name of names) targets.push({ resource, namespace, name })
      continue
    }
    if (!isSelecting) throw new Error('resource(s) were provided, but no name was specified')
    const chosen = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
    const { items } = await listAll(session, resource, namespace, chosen)
    for (const object of items) {
      targets.push({ resource, namespace: object.metadata.namespace, name: object.metadata.name, object })
    }
  }
  return targets
}

/** The object as it is on the server now. Throws NotFound. */
export async function fetchTarget(session: Session, { resource, namespace, name }: Target): Promise<KubeObject> {
  return (await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject
}

const doings = new WeakMap<object, string>()

/** Marks what was being done when a call failed, for the message: `await during('patching', transport.call(...))`. */
export async function during<T>(doing: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (typeof error === 'object' && error !== null) doings.set(error, doing)
    throw error
  }
}

const doingOf = (error: unknown) => (typeof error === 'object' && error !== null ? doings.get(error) : undefined)
