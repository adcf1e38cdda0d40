import { ApiError } from '../../api/errors.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import { isTooDeep } from '../body-limits.ts'
import { isRecord } from '../decode-body.ts'
import { unprocessable } from './errors.ts'

const mostOperations = 10_000
/** How much the copies of one patch may add up to (k8s.io/apiserver/pkg/server/config.go, JSONPatchMaxCopyBytes). */
const mostCopiedBytes = 3 * 1024 * 1024

type Container = Record<string, unknown> | unknown[]

interface Operation {
  readonly op?: unknown
  readonly path?: unknown
  readonly from?: unknown
  readonly value?: unknown
}

/**
 * JSON patch, all or nothing. Changes neither argument. Not quite RFC 6902, but what servers accept: `replace` may name a field
 * that is not there, negative indices count from the end, an absent field equals null (gopkg.in/evanphx/json-patch.v4).
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  const operations = checkedOperations(patch)
  const budget = { bytes: mostCopiedBytes }
  let document = copy(target) as Container
  for (const operation of operations) document = applyOperation(document, operation, budget)
  if (isTooDeep(document)) throw tooDeep()
  return document
}

function checkedOperations(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch))
    throw malformed(`json: cannot unmarshal ${jsonType(patch)} into Go value of type []handlers.jsonPatchOp`)
  for (const operation of patch) checkOperation(operation)
  if (patch.length <= mostOperations) return patch
  const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`
  throw new ApiError('RequestEntityTooLarge', message)
}

function checkOperation(operation: unknown): void {
  if (operation === null) throw fails('Unexpected kind: unknown')
  if (!isRecord(operation)) {
    throw malformed(`json: cannot unmarshal ${jsonType(operation)} into Go value of type handlers.jsonPatchOp`)
  }
  for (const field of ['op', 'path', 'from']) {
    const value = operation[field]
    if (value === undefined || value === null || typeof value === 'string') continue
    throw malformed(`json: cannot unmarshal ${jsonType(value)} into Go struct field jsonPatchOp.${field} of type string`)
  }
}

function applyOperation(document: Container, operation: Operation, budget: { bytes: number }): Container {
  const { op } = operation
  const path = () => pathIn(operation.path, 'path')
  switch (op) {
    case 'add':
      add(document, path(), copy(operation.value ?? null))
      return document
    case 'remove':
      remove(...placeOf(document, path()))
      return document
    case 'replace':
      return replace(document, path(), copy(operation.value ?? null))
    case 'move': {
      const place = placeOf(document, pathIn(operation.from, 'from'))
      const value = get(...place) ?? null
      remove(...place)
      add(document, path(), value)
      return document
    }
    case 'copy': {
      const value = get(...placeOf(document, pathIn(operation.from, 'from'))) ?? null
      if (isTooDeep(value)) throw tooDeep()
      if (value !== null) budget.bytes -= Buffer.byteLength(JSON.stringify(value))
      if (budget.bytes < 0) throw fails('the copies of the patch are too large')
      add(document, path(), copy(value))
      return document
    }
    case 'test':
      test(document, path(), operation.value)
      return document
    default:
      throw fails(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`)
  }
}

function pathIn(path: unknown, name: string): string {
  if (typeof path !== 'string') throw fails(`operation missing ${name} field`)
  return path
}

function replace(document: Container, path: string, value: unknown): Container {
  if (path === '') return typeof value === 'object' && value !== null ? (value as Container) : document
  const [container, key] = placeOf(document, path)
  if (Array.isArray(container)) container[existingIndex(container, key)] = value
  else container[key] = value
  return document
}

function add(document: Container, path: string, value: unknown): void {
  const [container, key] = placeOf(document, path)
  if (!Array.isArray(container)) container[key] = value
  else if (key === '-') container.push(value)
  else container.splice(indexIn(container.length + 1, key), 0, value)
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(existingIndex(container, key), 1)
  else if (Object.hasOwn(container, key)) delete container[key]
  else throw fails(`Unable to remove nonexistent key: ${key}`)
}

function test(document: Container, path: string, expected: unknown): void {
  const found = path === '' ? document : get(...placeOf(document, path))
  const isEqual = found === undefined || found === null ? expected === null : deepEqual(found, expected)
  if (!isEqual) throw fails(`testing value ${path} failed`)
}

/** The container that a path ends in, and the key in it. */
function placeOf(document: Container, path: string): [Container, string] {
  const [, ...keys] = path.split('/').map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = keys.pop()
  if (last === undefined || last === '__proto__') throw fails(`doc is missing path: ${path}`)
  let container = document
  for (const key of keys) {
    const next = get(container, key)
    if (typeof next !== 'object' || next === null) throw fails(`doc is missing path: ${path}`)
    container = next as Container
  }
  return [container, last]
}

function get(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[existingIndex(container, key)]
  return Object.hasOwn(container, key) ? container[key] : undefined
}

const existingIndex = (list: readonly unknown[], key: string) => indexIn(list.length, key)

function indexIn(length: number, key: string): number {
  const index = /^[+-]?\d+$/.test(key) ? Number(key) : Number.NaN
  const place = index < 0 ? index + length : index
  if (!(place >= 0 && place < length)) throw fails(`Unable to access invalid index: ${key}`)
  return place
}

const fails = (why: string) => unprocessable(new Error(why))

/** Each patch can add to what the ones before it have made. */
const tooDeep = () => fails('exceeded max depth')

function malformed(why: string): ApiError {
  return new ApiError('BadRequest', `error decoding patch: ${why}`)
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

const operationFields = new Set(['op', 'path', 'from', 'value'])

/** What strict validation objects to in a JSON patch: fields that operations do not have. */
export function jsonPatchErrors(patch: unknown): string[] {
  if (!Array.isArray(patch)) return []
  return patch.flatMap((operation, at) =>
    Object.keys(isRecord(operation) ? operation : {})
      .filter(field => !operationFields.has(field))
      .map(field => `json patch unknown field ${JSON.stringify(`[${at}].${field}`)}`),
  )
}
