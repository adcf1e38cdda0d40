import { Scale } from '../../api/autoscaling/scale.ts'
import { ApiError, notFound } from '../../api/errors.ts'
import { fieldError, invalidObject } from '../../api/field-errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { copy, deepEqual, deepFreeze } from '../../lib/json.ts'
import type { Attempt } from '../admission.ts'
import { setManagedFields } from '../apply/field-manager.ts'
import type { ManagedEntry } from '../apply/managed.ts'
import { entriesWithScale, scaleEntries } from '../apply/scale-view.ts'
import { type AnyDraft, decodeBody } from '../decode-body.ts'
import { checkIdentity, countGeneration, place } from '../metadata.ts'
import { checkPatchOptions, patchAttempts, patched } from '../patch.ts'
import type { ApiRequest } from '../request.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'
import type { Incoming } from '../update.ts'

/** GET, PUT and PATCH of .../scale: the number of replicas, whatever the kind calls it. */
export function scale({ rewrite, access, managers, admission }: SubresourceDependencies): SubresourceHandler {
  /** What the request makes of the scale of an object. */
  async function incoming(request: ApiRequest, old: KubeObject): Promise<Incoming> {
    const { verb, patchType, body, duplicates } = request
    if (verb !== 'patch') return { body, duplicates }
    checkPatchOptions(request)
    if (patchType !== 'apply') return patched(Scale, request, old)
    const { body: applied, managedFields } = await managers.apply(Scale, request, old)
    return { body: applied, settled: { managedFields } }
  }

  return async (kind, request) => {
    const { namespace, name = '', verb, options } = request
    if (verb === 'get') {
      const object = await access.get(kind, namespace, name)
      if (!object) throw notFound(kind, name)
      if (kind.scale?.specReplicas(object) === undefined) throw withoutNumber(kind)
      return { type: 'object', status: 200, object: deepFreeze(scaleOf(kind, object)), warnings: [] }
    }
    let warnings: readonly string[] = []
    const { object } = await rewrite(
      kind,
      request,
      async stored => {
        const old = withEntries(scaleOf(kind, stored), scaleEntries(kind, stored))
        const { body, settled, ...about } = await incoming(request, old)
        const decoded = decodeBody(Scale, body, { fieldValidation: settled ? 'Ignore' : options?.fieldValidation, ...about })
        const { draft } = decoded
        const attempt = attemptOf(kind, request, draft, old, decoded.warnings)
        warnings = attempt.warnings
        await admission?.admit(attempt)
        const next = scaled(kind, request, draft, stored)
        await admission?.check(attempt)
        if (settled) setManagedFields(draft, settled.managedFields)
        else await managers.track({ kind: Scale, request, draft, old })
        setManagedFields(next, entriesWithScale(kind, stored, managedFieldsOf(draft)))
        return next
      },
      verb === 'patch' ? patchAttempts : undefined,
    )
    return { type: 'object', status: 200, object: deepFreeze(scaleOf(kind, object)), warnings }
  }
}

/** The change as admission sees it: one of the scale, whatever the object is. */
function attemptOf(
  kind: AnyKind,
  { options = {}, ...request }: ApiRequest,
  object: AnyDraft,
  old: KubeObject,
  warnings: readonly string[],
): Attempt {
  const { namespace, name, subresource, user, annotate } = request
  const about = { namespace, name, subresource, user, isDryRun: options.dryRun === true, options, annotate }
  return { operation: 'UPDATE', kind, ...about, object, objectKind: Scale, old, warnings: [...warnings] }
}

/** Stands for a number that was never given while a patch is applied: none that anybody can mean (registry/customresource/etcd.go). */
const unset = -(2 ** 31)

const pathOf = ({ scale }: AnyKind) => JSON.stringify(scale?.specReplicasPath ?? '.spec.replicas')

function withoutNumber(kind: AnyKind): ApiError {
  const message = `the spec replicas field ${pathOf(kind)} does not exist`
  return new ApiError('InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ message }] } })
}

const withEntries = (scale: KubeObject, managedFields: readonly ManagedEntry[]): KubeObject => ({
  ...scale,
  metadata: { ...scale.metadata, ...(managedFields.length > 0 && { managedFields }) },
})
const managedFieldsOf = ({ metadata }: AnyDraft) => (metadata as { managedFields?: readonly ManagedEntry[] }).managedFields ?? []

function scaled(kind: AnyKind, request: ApiRequest, given: AnyDraft, old: KubeObject): AnyDraft {
  place(Scale, given.metadata, request)
  checkIdentity(kind, given.metadata, old)
  const { replicas } = (given as unknown as Scale).spec
  if (replicas === unset) throw new ApiError('BadRequest', `the spec replicas field ${pathOf(kind)} cannot be empty`)
  if (replicas < 0) {
    const error = fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalidObject(Scale, given.metadata.name, [error])
  }
  const next = copy(old) as AnyDraft
  kind.scale?.setReplicas(next, replicas)
  if (kind.generationOf) countGeneration(kind, next, !deepEqual(kind.generationOf(next), kind.generationOf(old)))
  return next
}

function scaleOf(kind: AnyKind, object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: kind.scale?.specReplicas(object) ?? unset },
    status: { replicas: kind.scale?.statusReplicas(object) ?? 0, selector: kind.scale?.selector(object) ?? '' },
  } as KubeObject
}
