import { ApiError } from '../../api/errors.ts'
import { type PatchType, patchTypes } from '../../api/transport.ts'

/** Upstream's limit for a request body (k8s.io/apiserver/pkg/server/config.go, MaxRequestBodyBytes). */
export const longestBody = 3 * 1024 * 1024

const bodyTypes = ['application/json', 'application/yaml']

/** `application/json` of `application/json; charset=utf-8`; absent means JSON, as old kubectl leaves it away. */
function mediaType(contentType: string | undefined): string {
  if (!contentType) return 'application/json'
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

function unsupported(types: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`
  return new ApiError('UnsupportedMediaType', message)
}

/** The kind of patch that a content type announces; 415 for any other. */
export function patchTypeOf(contentType: string | undefined): PatchType {
  const type = mediaType(contentType)
  for (const name in patchTypes) if (patchTypes[name as PatchType] === type) return name as PatchType
  throw unsupported(Object.values(patchTypes))
}

/** The JSON value that a body holds; `undefined` when it is empty. Errors: 415, or 400 naming the place. */
export function decodeBody(bytes: Buffer, contentType: string | undefined): unknown | Promise<unknown> {
  const type = mediaType(contentType)
  const isPatch = contentType !== undefined && Object.values<string>(patchTypes).includes(type)
  if (!isPatch && !bodyTypes.includes(type)) {
    if (bytes.length === 0) return undefined
    throw unsupported(bodyTypes)
  }
  if (bytes.length === 0) return undefined
  return type.endsWith('yaml') ? decodeYaml(bytes) : decodeJson(bytes)
}

function decodeJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unrecognized(`json parse error: ${withPlace((cause as Error).message, text)}`, bytes, cause)
  }
}

/** YAML is rare and its parser large; what starts like JSON is tried as JSON first. */
async function decodeYaml(bytes: Buffer): Promise<unknown> {
  const text = bytes.toString('utf8')
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text)
    } catch {
      // YAML's own flow style looks much the same
    }
  }
  const { parse } = await import('yaml')
  try {
    return parse(text, { merge: true, maxAliasCount: 100 })
  } catch (cause) {
    throw unrecognized(`yaml parse error: ${(cause as Error).message.split('\n', 1)[0]}`, bytes, cause)
  }
}

/** Adds line and column to the offset that JSON.parse gives. */
function withPlace(message: string, text: string): string {
  const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? Number.NaN)
  if (Number.isNaN(offset)) return message
  const before = text.slice(0, offset)
  return `${message} (line ${before.split('\n').length} column ${offset - before.lastIndexOf('\n')})`
}

function unrecognized(why: string, bytes: Buffer, cause: unknown): ApiError {
  const start = bytes.length > 64 ? `${bytes.toString('hex', 0, 64)} ...` : bytes.toString('hex')
  return new ApiError('BadRequest', `the object provided is unrecognized: couldn't get version/kind; ${why} (${start})`, {
    cause,
  })
}
