import { nearest } from '../api/nearest.ts'
import type { Call, CallOptions, KubeList, KubeObject, Verb } from '../api/transport.ts'
import { type CommandContext, flag } from './command.ts'
import type { FlagSpecs } from './flags.ts'
import { ManifestError, type ManifestObject, readManifest } from './manifest.ts'
import type { Resource } from './resources.ts'
import { type Place, select, targetOf } from './selection.ts'
import type { Session } from './session.ts'

/** An object and what it is an instance of. */
export interface Found {
  readonly resource: Resource
  readonly object: KubeObject
}

/** The call for a verb on a resource or one of its objects; `namespace` is left out for cluster-scoped ones. */
export function callOf(verb: Verb, resource: Resource, place: Place, more: Partial<Call> = {}): Call {
  return { verb, ...targetOf(resource, place), ...more }
}

/** So many objects are asked for at a time, as kubectl does. */
export const chunkSize = 500

/** Every object of a resource, fetched in chunks. */
export async function listAll(
  session: Session,
  resource: Resource,
  namespace: string | undefined,
  options: CallOptions = {},
): Promise<KubeList> {
  let items: KubeObject[] = []
  let token: string | undefined
  for (;;) {
    const page: CallOptions = { ...options, limit: chunkSize, ...(token && { continue: token }) }
    const list = (await session.transport.call(callOf('list', resource, { namespace }, { options: page }))) as KubeList
    items = items.length === 0 ? [...list.items] : items.concat(list.items)
    token = list.metadata.continue
    if (!token) return { ...list, items }
  }
}

/** Flags by which verbs choose objects. */
export const selectionFlags = {
  filename: {
    type: 'list',
    short: 'f',
    help: 'A file, folder or - for standard input that names the objects',
    placeholder: 'FILE',
  },
  recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
  selector: { type: 'string', short: 'l', help: 'Only objects with these labels: a=b,c!=d,e in (x,y)' },
  'field-selector': { type: 'string', help: 'Only objects with these field values: spec.nodeName=x' },
  'all-namespaces': { type: 'bool', short: 'A', help: 'In every namespace' },
  all: { type: 'bool', help: 'All objects of the type in the namespace' },
} as const satisfies FlagSpecs

/** The objects that words and selection flags choose, as they are on the server. Throws NotFound for a name that is not there. */
export async function chosen(context: CommandContext, words = context.words): Promise<Found[]> {
  const session = await context.session()
  const map = await session.resources()
  const files = flag.list(context, 'filename')
  if (files.length > 0) {
    const manifests = await readFiles(context, files)
    return Promise.all(
      manifests.map(async manifest => {
        const { resource, namespace, name } = await locate(session, manifest)
        return { resource, object: (await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject }
      }),
    )
  }
  const labelSelector = flag.text(context, 'selector')
  const fieldSelector = flag.text(context, 'field-selector')
  const namespace = flag.on(context, 'all-namespaces') ? undefined : session.namespace
  const found: Found[] = []
  for (const { resource, names } of select(words, map)) {
    if (names.length === 0) {
      const options = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
      const { items } = await listAll(session, resource, namespace, options)
      found.push(...items.map(object => ({ resource, object })))
    }
    for (const name of names) {
      found.push({
        resource,
        object: (await session.transport.call(callOf('get', resource, { namespace: session.namespace, name }))) as KubeObject,
      })
    }
  }
  return found
}

/** Where a manifest's object belongs: its resource, namespace and name. A namespace that contradicts the flag is a ManifestError. */
export async function locate(
  session: Session,
  manifest: ManifestObject,
): Promise<{ resource: Resource; namespace: string | undefined; name: string }> {
  const { apiVersion, kind, metadata } = manifest.value as {
    apiVersion?: string
    kind?: string
    metadata?: { name?: string; namespace?: string }
  }
  const fail = (path: string, message: string) => {
    const { line, column } = manifest.at(path)
    return new ManifestError(`${manifest.source}:${line}:${column}: ${message}`)
  }
  if (!apiVersion) throw fail('', 'apiVersion not set')
  if (!kind) throw fail('', 'kind not set')
  const map = await session.resources()
  let resource: Resource
  try {
    resource = map.ofKind(apiVersion, kind)
  } catch {
    throw fail(
      'kind',
      `the server knows no kind "${kind}" in version "${apiVersion}"${didYouMean(
        kind,
        map.all.map(each => each.kind),
      )}`,
    )
  }
  if (!resource.namespaced) return { resource, namespace: undefined, name: metadata?.name ?? '' }
  const namespace = metadata?.namespace
  if (namespace && session.isNamespaceExplicit && namespace !== session.namespace) {
    throw fail(
      'metadata.namespace',
      `the namespace from the provided object "${namespace}" does not match the namespace "${session.namespace}". You must pass '--namespace=${namespace}' to perform this operation.`,
    )
  }
  return { resource, namespace: namespace || session.namespace, name: metadata?.name ?? '' }
}

/** ` (did you mean "x"?)` for the candidate that is only a slip or two away, else nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates)
  return meant === undefined ? '' : ` (did you mean "${meant}"?)`
}

/** The objects in files, folders (`*.yaml`, `*.yml`, `*.json`, in order of name) and standard input. */
export async function readFiles(context: CommandContext, files: readonly string[]): Promise<ManifestObject[]> {
  const { readFile, readdir, stat } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const recursive = flag.on(context, 'recursive')
  const objects: ManifestObject[] = []
  const read = async (file: string): Promise<void> => {
    if (/^https?:\/\//.test(file)) return void objects.push(...readManifest(await download(file, context.signal), file))
    if (file === '-') return void objects.push(...readManifest(await context.io.readStdin(), 'STDIN'))
    const about = await stat(file).catch(() => {
      throw new Error(`the path "${file}" does not exist`)
    })
    if (!about.isDirectory()) return void objects.push(...readManifest(await readFile(file, 'utf8'), file))
    const entries = await readdir(file, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory() ? recursive : /\.(ya?ml|json)$/.test(entry.name)) await read(join(file, entry.name))
    }
  }
  for (const file of files) await read(file)
  if (objects.length === 0) throw new Error('no objects passed to this command')
  return objects
}

async function download(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal }).catch(cause => {
    throw new Error(`unable to read URL "${url}": ${cause.cause?.message ?? cause.message}`, { cause })
  })
  if (!response.ok) throw new Error(`unable to read URL "${url}", server reported ${response.status} ${response.statusText}`)
  return response.text()
}
