import { Scale } from '../../api/autoscaling/scale.ts'
import { fieldError, invalidObject } from '../../api/field-errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { notFound } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { copy, deepEqual, deepFreeze } from '../../lib/json.ts'
import { type AnyDraft, decodeBody } from '../decode-body.ts'
import { checkIdentity, countGeneration, place } from '../metadata.ts'
import { applyPatch } from '../patch.ts'
import type { ApiRequest } from '../request.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'

/** GET, PUT and PATCH of .../scale: the number of replicas, whatever the kind calls it. */
export function scale({ rewrite, access }: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    const { namespace, name = '', verb, options } = request
    if (verb === 'get') {
      const object = await access.get(kind, namespace, name)
      if (!object) throw notFound(kind, name)
      return { type: 'object', status: 200, object: deepFreeze(scaleOf(kind, object)), warnings: [] }
    }
    let warnings: readonly string[] = []
    const { object } = await rewrite(
      kind,
      request,
      old => {
        const isPatched = verb === 'patch'
        const body = isPatched ? applyPatch(Scale, request, scaleOf(kind, old)) : request.body
        const decoded = decodeBody(Scale, body, { fieldValidation: options?.fieldValidation, isPatched })
        warnings = decoded.warnings
        return scaled(kind, request, decoded.draft, old)
      },
      verb === 'patch' ? 5 : undefined,
    )
    return { type: 'object', status: 200, object: deepFreeze(scaleOf(kind, object)), warnings }
  }
}

function scaled(kind: AnyKind, request: ApiRequest, given: AnyDraft, old: KubeObject): AnyDraft {
  place(Scale, given.metadata, request)
  checkIdentity(kind, given.metadata, old)
  const { replicas } = (given as unknown as Scale).spec
  if (replicas < 0) {
    const error = fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalidObject(Scale, given.metadata.name, [error])
  }
  const next = copy(old) as AnyDraft
  kind.scale?.setReplicas(next, replicas)
  if (kind.generationOf) countGeneration(kind, next, !deepEqual(kind.generationOf(next), kind.generationOf(old)))
  return next
}

function scaleOf(kind: AnyKind, object: KubeObject): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: kind.scale?.specReplicas(object) ?? 0 },
    status: { replicas: kind.scale?.statusReplicas(object) ?? 0, selector: kind.scale?.selector(object) ?? '' },
  }
}
