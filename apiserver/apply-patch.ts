import { ApiError, conflict, isReason } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Create, ObjectResponse, WriteDependencies } from './create.ts'
import { isRecord } from './decode-body.ts'
import { patchAttempts } from './patch.ts'
import type { ApiRequest } from './request.ts'
import { duplicateField, isFromYaml } from './strict-errors.ts'
import type { Rewrite, Updates } from './update.ts'

interface Dependencies extends Pick<WriteDependencies, 'access' | 'managers'> {
  readonly rewrite: Rewrite
  readonly next: Updates['next']
  readonly create: Create
  /** Refuses a request that may update but not create. */
  readonly authorizeCreate: (request: ApiRequest) => Promise<void> | void
}

/** PATCH of type apply: what somebody wants of an object, on top of what is there; creates the object if there is none. */
export function applier({ access, managers, rewrite, next, create, authorizeCreate }: Dependencies) {
  return async function apply(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    const { namespace, name = '' } = request
    for (let attempt = 1; ; attempt++) {
      const isMissing = !request.subresource && !(await access.stored(kind, namespace, name))
      try {
        return await (isMissing ? applyToNothing(kind, request) : applyToStored(kind, request))
      } catch (error) {
        // It came or went meanwhile.
        const hasChanged = isReason(error, isMissing ? 'AlreadyExists' : 'NotFound')
        if (!hasChanged || request.subresource || attempt === patchAttempts) throw error
      }
    }
  }

  async function applyToStored(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    let warnings: readonly string[] = []
    const written = await rewrite(
      kind,
      request,
      async old => {
        const { body, managedFields } = await managers.apply(kind, request, old)
        const result = await next(kind, request, { body, settled: { managedFields } }, old)
        warnings = [...duplicateWarnings(request), ...result.warnings]
        return result.draft
      },
      patchAttempts,
    )
    return { type: 'object', status: 200, ...written, warnings }
  }

  async function applyToNothing(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    const { body, managedFields } = await managers.apply(kind, request, undefined)
    const warnings = duplicateWarnings(request)
    const metadata = isRecord(body.metadata) ? body.metadata : {}
    const { name = '' } = request
    if (metadata.uid) {
      const why = `uid mismatch: the provided object specified uid ${String(metadata.uid)}, and no existing object was found`
      throw conflict(kind, name, why)
    }
    await authorizeCreate(request)
    const { resourceVersion: _version, ...given } = metadata
    const named = { ...body, metadata: { ...given, name: given.name || name } }
    const created = await create(kind, { ...request, body: named }, { managedFields })
    return { ...created, warnings: [...warnings, ...created.warnings] }
  }
}

/** Of an intent only its text can break the rules of strict validation: what the schema does not know is refused anyway. */
function duplicateWarnings({ duplicates = [], options }: ApiRequest): string[] {
  if (duplicates.length === 0 || options?.fieldValidation === 'Ignore') return []
  const problems = duplicates.map(each => `error converting YAML to JSON: ${isFromYaml(each) ? each : duplicateField(each)}`)
  if (options?.fieldValidation !== 'Strict') return problems
  throw new ApiError('BadRequest', `error strict decoding YAML: ${problems.join(', ')}`)
}
