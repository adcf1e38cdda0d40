import { ApiError } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import { type PatchType, patchTypes } from '../api/transport.ts'
import type { ObjectResponse } from './create.ts'
import { isRecord } from './decode-body.ts'
import { applyJsonPatch } from './patch/json.ts'
import { mergePatch } from './patch/merge.ts'
import { strategicMerge } from './patch/strategic.ts'
import type { ApiRequest } from './request.ts'
import type { Rewrite, Updates } from './update.ts'

/** After so many lost races a patch is a conflict. */
const attempts = 5

/** PATCH of an object or its status: what the patch makes of the stored object is then updated like a PUT. */
export function patcher({ rewrite, next }: { rewrite: Rewrite; next: Updates['next'] }) {
  return async function patch(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    let warnings: readonly string[] = []
    const written = await rewrite(
      kind,
      request,
      async old => {
        const result = await next(kind, request, applyPatch(kind, request, old), old, true)
        warnings = result.warnings
        return result.draft
      },
      attempts,
    )
    return { type: 'object', status: 200, ...written, warnings }
  }
}

/** The patched object, not yet decoded. Changes nothing. */
export function applyPatch(kind: AnyKind, { patchType, body }: ApiRequest, target: object): unknown {
  if (patchType === 'json') return applyJsonPatch(target, body)
  if (patchType !== 'merge' && patchType !== 'strategic') throw unsupportedPatch(['json', 'merge', 'strategic'])
  if (!isRecord(body)) throw new ApiError('BadRequest', 'error decoding patch: json: cannot unmarshal into Go value of type map')
  return patchType === 'merge' ? mergePatch(target, body) : strategicMerge(kind, target, body)
}

function unsupportedPatch(supported: readonly PatchType[]): ApiError {
  const list = supported.map(type => patchTypes[type]).join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`
  return new ApiError('UnsupportedMediaType', message)
}
