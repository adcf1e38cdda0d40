import jsonPatch from 'fast-json-patch'
import { ApiError } from '../../api/errors.ts'
import { copy } from '../../lib/json.ts'
import { isRecord } from '../decode-body.ts'
import { unprocessable } from './errors.ts'

const mostOperations = 10_000
const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

/** JSON patch (RFC 6902), all or nothing. Changes neither argument. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw malformed('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (patch.length > mostOperations) {
    const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`
    throw new ApiError('RequestEntityTooLarge', message)
  }
  for (const operation of patch) checkOperation(operation)
  try {
    return jsonPatch.applyPatch(copy(target), copy(patch), true, true, true).newDocument
  } catch (cause) {
    throw unprocessable(cause)
  }
}

function checkOperation(operation: unknown): void {
  if (!isRecord(operation)) throw malformed('json: cannot unmarshal into Go value of type jsonpatch.Operation')
  const { op, path } = operation
  if (typeof op !== 'string' || !operations.has(op)) throw unprocessable(new Error(`Unexpected kind: ${String(op)}`))
  if (typeof path !== 'string') throw unprocessable(new Error('no path'))
}

function malformed(why: string): ApiError {
  return new ApiError('BadRequest', `error decoding patch: ${why}`)
}
