import { ApiError } from '../../api/errors.ts'
import { type AnyKind, apiVersionOf } from '../../api/kind.ts'
import { shapeOf } from '../../api/shape.ts'
import { type PatchType, patchTypes, type Target } from '../../api/transport.ts'
import { deepestBody, type Excess, excessOf, excessOfText, mostValues } from '../body-limits.ts'
import { countKeys, duplicateFields, looksUnique } from './duplicate-fields.ts'
import type { YamlBody } from './yaml-body.ts'
import type { YamlReader } from './yaml-reader.ts'

/** Upstream's limit for a request body (k8s.io/apiserver/pkg/server/config.go, MaxRequestBodyBytes). */
export const longestBody = 3 * 1024 * 1024

/** The kinds that bodies may be of. */
export interface BodyKinds {
  byKind(group: string, version: string, kind: string): AnyKind | undefined
  byResource(group: string, version: string, resource: string): AnyKind | undefined
}

/** The kinds that are served, and those that only ever are bodies. */
export function withBodyKinds(served: BodyKinds, bodyKinds: readonly AnyKind[]): BodyKinds {
  const more = new Map(bodyKinds.map(kind => [`${apiVersionOf(kind)}/${kind.kind}`, kind]))
  return {
    byResource: served.byResource,
    byKind: (group, version, kind) =>
      served.byKind(group, version, kind) ?? more.get(`${apiVersionOf({ group, version })}/${kind}`),
  }
}

/** What a body holds. */
export interface Body {
  /** A JSON value; `undefined`: the body is empty. */
  readonly value: unknown
  /** See ApiRequest. */
  readonly duplicates?: readonly string[]
}

export interface BodyOptions {
  readonly kinds: BodyKinds
  readonly target: Target
  /** Whether anybody wants to know of fields that are set twice. */
  readonly findsDuplicates: boolean
  /** Reads large YAML; without it all is read at once. */
  readonly yaml?: YamlReader | undefined
  /** Aborts when nobody waits any more. Asked for only when reading takes long. */
  readonly gone?: (() => AbortSignal) | undefined
  /** It is not the resource itself that the body is, but options (DELETE). */
  readonly isOptions?: boolean
}

const json = 'application/json'
const yaml = 'application/yaml'
const protobuf = 'application/vnd.kubernetes.protobuf'

/** What bodies are written in. */
export const bodyTypes: readonly string[] = [...new Set([json, yaml, protobuf, ...Object.values(patchTypes)])]

/** `application/json` of `application/json; charset=utf-8`; absent means JSON, as old kubectl leaves it away. */
function mediaType(contentType: string | undefined): string {
  if (!contentType) return json
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

function unsupported(types: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`
  return new ApiError('UnsupportedMediaType', message)
}

/** Custom resources come as JSON and YAML only. */
const isCustom = ({ kinds, target: { group, version, resource } }: Pick<BodyOptions, 'kinds' | 'target'>) =>
  kinds.byResource(group, version, resource)?.dynamic !== undefined

/** The kind of patch that a content type announces; 415 for any other. */
export function patchTypeOf(contentType: string | undefined, options: Pick<BodyOptions, 'kinds' | 'target'>): PatchType {
  const type = mediaType(contentType)
  // How the lists of a custom resource are merged nobody has told.
  const isKnown = (name: PatchType) => name !== 'strategic' || !isCustom(options)
  const known = (Object.keys(patchTypes) as PatchType[]).filter(isKnown)
  const found = known.find(name => patchTypes[name] === type)
  if (!found) throw unsupported(known.map(name => patchTypes[name]))
  return found
}

/** Reads a body that holds an object or options. Errors: 415, or 400 naming the place. */
export function decodeBody(bytes: Buffer, contentType: string | undefined, options: BodyOptions): Body | Promise<Body> {
  const type = mediaType(contentType)
  const isEmpty = bytes.length === 0
  if (isEmpty && options.isOptions) return { value: undefined }
  if (type === json) return isEmpty ? { value: undefined } : decodeJson(bytes, options)
  if (type === yaml) return isEmpty ? { value: undefined } : decodeYaml(bytes, options)
  const takesProtobuf = options.isOptions || !isCustom(options)
  if (type === protobuf && takesProtobuf) return isEmpty ? { value: undefined } : decodeProtobuf(bytes, options)
  throw unsupported(takesProtobuf ? [json, yaml, protobuf] : [json, yaml])
}

/** Reads the body of a patch. Errors: 400 naming the place. */
export function decodePatch(bytes: Buffer, type: PatchType, options: BodyOptions): Body | Promise<Body> {
  if (bytes.length === 0) return { value: undefined }
  return type === 'apply' ? decodeYaml(bytes, options) : decodeJson(bytes, options, true)
}

/** Text that is longer is looked through before it is parsed. What can be wrong with a shorter one takes no time. */
const longestUnseenJson = 64 * 1024

function decodeJson(bytes: Buffer, options: BodyOptions, isPatch = false): Body {
  if (bytes.length > longestUnseenJson) refuse(excessOfText(bytes), bytes)
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw unrecognized(`json parse error: ${withPlace((cause as Error).message, text)}`, bytes, cause)
  }
  const keys = countKeys(value, deepestBody)
  if (Number.isNaN(keys)) throw tooDeep(bytes)
  if (!options.findsDuplicates || looksUnique(text, keys)) return { value }
  const kind = isPatch ? undefined : kindOf(value, options)
  const duplicates = duplicateFields(text, kind && !kind.dynamic ? shapeOf(kind.schema) : undefined)
  return duplicates.length === 0 ? { value } : { value, duplicates }
}

/** What a body says it is, or else what the place it was sent to holds. */
function kindOf(value: unknown, { kinds, target }: BodyOptions): AnyKind | undefined {
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    return kinds.byResource(target.group, target.version, target.resource)
  const { group, version } = groupVersionOf(apiVersion)
  return kinds.byKind(group, version, kind)
}

function groupVersionOf(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1) }
}

/** YAML that is longer than this is read elsewhere, so that others need not wait: text that is made to hurt takes 2 ms a kilobyte. */
const longestYamlHere = 16 * 1024

/** YAML is rare and its parser large. */
async function decodeYaml(bytes: Buffer, options: BodyOptions): Promise<Body> {
  const { findsDuplicates } = options
  const text = bytes.toString('utf8')
  if (/^\s*[{[]/.test(text) && !excessOfText(bytes)) {
    try {
      const value: unknown = JSON.parse(text)
      const keys = countKeys(value, deepestBody)
      if (!findsDuplicates || looksUnique(text, keys) || duplicateFields(text, undefined).length === 0) return { value }
    } catch {
      // YAML's own flow style looks much the same
    }
  }
  const { value, duplicates } = await readAnyYaml(bytes, text, options)
  refuse(excessOf(value), bytes)
  return duplicates === undefined ? { value } : { value, duplicates: [duplicates] }
}

async function readAnyYaml(bytes: Buffer, text: string, { findsDuplicates, yaml: reader, gone }: BodyOptions): Promise<YamlBody> {
  const refused = (why: string, cause: unknown) => unrecognized(`yaml parse error: ${why}`, bytes, cause)
  if (reader && bytes.length > longestYamlHere) {
    const { json: read, duplicates, error } = await reader.read({ text, findsDuplicates, longest: longestBody }, gone?.())
    if (error !== undefined) throw refused(error, undefined)
    const value: unknown = read === undefined ? undefined : JSON.parse(read)
    return duplicates === undefined ? { value } : { value, duplicates }
  }
  const { readYaml } = await import('./yaml-body.ts')
  try {
    return readYaml(text, findsDuplicates)
  } catch (cause) {
    throw refused((cause as Error).message, cause)
  }
}

/** Go clients send built-in kinds as protobuf; the decoder comes with the first of them. */
async function decodeProtobuf(bytes: Buffer, options: BodyOptions): Promise<Body> {
  const { openEnvelope, readKind, readOptions } = await import('../../api/protobuf.ts')
  const { ProtobufError } = await import('../../api/protobuf-reader.ts')
  const { kinds, target } = options
  let named: { kind: string; version: string } | undefined
  try {
    const { apiVersion, kind, raw } = openEnvelope(bytes)
    // Options are of no group: they come in the version of what they are about.
    if (kind === 'DeleteOptions') return { value: readOptions(apiVersion, raw) }
    const { group, version } = apiVersion === '' ? target : groupVersionOf(apiVersion)
    const found =
      kind === '' ? kinds.byResource(target.group, target.version, target.resource) : kinds.byKind(group, version, kind)
    if (!kinds.byResource(target.group, target.version, target.resource)) return { value: { apiVersion, kind } } // 404 comes first
    if (!found || found.dynamic) {
      const why = `no kind "${kind}" is registered for version "${apiVersion}" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`
      throw new ApiError('BadRequest', `${kind} in version "${version}" cannot be handled as a ${expectedKind(options)}: ${why}`)
    }
    named = found
    const value = readKind(found, raw)
    refuse(excessOf(value), bytes) // free JSON comes as text
    return { value }
  } catch (cause) {
    if (!(cause instanceof ProtobufError)) throw cause
    if (!named) throw unrecognized(cause.message, bytes, cause)
    const subject = `${named.kind} in version "${named.version}" cannot be handled as a ${expectedKind(options)}`
    throw new ApiError('BadRequest', `${subject}: ${cause.message}`, { cause })
  }
}

const expectedKind = ({ kinds, target }: BodyOptions) =>
  kinds.byResource(target.group, target.version, target.resource)?.kind ?? target.resource

/** Adds line and column to the offset that JSON.parse gives. */
function withPlace(message: string, text: string): string {
  const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? Number.NaN)
  if (Number.isNaN(offset)) return message
  const before = text.slice(0, offset)
  return `${message} (line ${before.split('\n').length} column ${offset - before.lastIndexOf('\n')})`
}

const tooDeep = (bytes: Buffer) => unrecognized('exceeded max depth', bytes, undefined)

function refuse(excess: Excess | undefined, bytes: Buffer): void {
  if (excess === 'depth') throw tooDeep(bytes)
  if (excess === 'values') throw new ApiError('RequestEntityTooLarge', `Request entity too large: more than ${mostValues} values`)
}

function unrecognized(why: string, bytes: Buffer, cause: unknown): ApiError {
  const start = bytes.length > 64 ? `${bytes.toString('hex', 0, 64)} ...` : bytes.toString('hex')
  return new ApiError('BadRequest', `the object provided is unrecognized: couldn't get version/kind; ${why} (${start})`, {
    cause,
  })
}
