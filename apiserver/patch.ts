import { ApiError } from '../api/errors.ts'
import { fieldError, invalidObject } from '../api/field-errors.ts'
import type { AnyKind } from '../api/kind.ts'
import { type PatchType, patchTypes } from '../api/transport.ts'
import type { ObjectResponse } from './create.ts'
import { isRecord } from './decode-body.ts'
import { goText } from './go-text.ts'
import { applyJsonPatch, jsonPatchErrors } from './patch/json.ts'
import { mergePatch } from './patch/merge.ts'
import { strategicMerge } from './patch/strategic.ts'
import type { ApiRequest } from './request.ts'
import { duplicateField, isFromYaml } from './strict-errors.ts'
import type { Rewrite, Updates } from './update.ts'

/** After so many lost races a patch is a conflict. */
export const patchAttempts = 5

interface Dependencies {
  readonly rewrite: Rewrite
  readonly next: Updates['next']
  /** PATCH of type apply. */
  readonly apply: (kind: AnyKind, request: ApiRequest) => Promise<ObjectResponse>
}

/** PATCH of an object or its status: what the patch makes of the stored object is then updated like a PUT. */
export function patcher({ rewrite, next, apply }: Dependencies) {
  return async function patch(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    checkPatchOptions(request)
    if (request.patchType === 'apply') return apply(kind, request)
    let warnings: readonly string[] = []
    const written = await rewrite(
      kind,
      request,
      async old => {
        const result = await next(kind, request, patched(kind, request, old), old)
        warnings = result.warnings
        return result.draft
      },
      patchAttempts,
    )
    return { type: 'object', status: 200, ...written, warnings }
  }
}

/** An object that a patch has made: not yet decoded, and how to refuse it if that fails. */
export interface Patched {
  readonly body: unknown
  /** Problems of the patch itself that strict validation objects to. */
  readonly problems: readonly string[]
  readonly refuse: (why: string) => ApiError
}

/** What a patch of any type but apply makes of an object. Changes nothing. */
export function patched(kind: AnyKind, request: ApiRequest, target: object): Patched {
  const { patchType, body: patch, duplicates = [], options } = request
  const validates = options?.fieldValidation !== 'Ignore'
  const repeated = validates ? duplicates.map(path => (isFromYaml(path) ? path : duplicateField(path))) : []
  if (patchType === 'json') {
    const body = applyJsonPatch(target, patch)
    const problems = validates ? [...jsonPatchErrors(patch), ...repeated.map(text => `json patch ${text}`)] : []
    return { body, problems, refuse: why => invalidPatch(JSON.stringify(body), why) }
  }
  const supported = supportedPatches(kind)
  if (patchType !== 'merge' && (patchType !== 'strategic' || !supported.includes('strategic'))) throw unsupportedPatch(supported)
  if (!isRecord(patch)) throw undecodable(patch, patchType)
  if (patchType === 'strategic') {
    const body = strategicMerge(kind, target, patch)
    return { body, problems: repeated, refuse: why => invalidPatch(goText(patch), why) }
  }
  const body = mergePatch(target, patch)
  return { body, problems: repeated, refuse: why => invalidPatch(JSON.stringify(body), why) }
}

/** Objects whose schema is data know no strategies to merge by. */
const supportedPatches = (kind: AnyKind): readonly PatchType[] =>
  kind.dynamic ? ['json', 'merge', 'apply'] : ['json', 'merge', 'strategic', 'apply']

function undecodable(patch: unknown, patchType: PatchType): ApiError {
  const type = Array.isArray(patch) ? 'array' : patch === null ? 'null' : typeof patch === 'boolean' ? 'bool' : typeof patch
  const why = `json: cannot unmarshal ${type} into Go value of type map[string]interface {}`
  return new ApiError('BadRequest', patchType === 'merge' ? `error decoding patch: ${why}` : why)
}

function unsupportedPatch(supported: readonly PatchType[]): ApiError {
  const list = supported.map(type => patchTypes[type]).join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`
  return new ApiError('UnsupportedMediaType', message)
}

function invalidPatch(value: string, why: string): ApiError {
  return invalidObject({ group: '', kind: '' }, '', [fieldError.invalid('patch', value, why)])
}

/** What a patch's options must fulfil (apimachinery pkg/apis/meta/v1/validation, ValidatePatchOptions). */
export function checkPatchOptions({ patchType, options = {} }: ApiRequest): void {
  const { fieldManager, force } = options
  const errors = []
  if (patchType === 'apply') {
    if (!fieldManager) errors.push(fieldError.required('fieldManager', 'is required for apply patch'))
  } else if (force !== undefined) errors.push(fieldError.forbidden('force', 'may not be specified for non-apply patch'))
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors)
}
