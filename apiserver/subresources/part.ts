import { notFound } from '../../api/errors.ts'
import type { AnyKind, SpecPart } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { isRecord } from '../decode-body.ts'
import { checkPatchOptions, patchAttempts, patched } from '../patch.ts'
import type { ApiRequest } from '../request.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'
import type { Incoming } from '../update.ts'

/** GET, PUT and PATCH of a part of a spec that has rules of its own: the whole object goes in and out, but only that part changes. */
export function part({ rewrite, access, managers, next }: SubresourceDependencies): SubresourceHandler {
  async function incoming(kind: AnyKind, request: ApiRequest, old: KubeObject): Promise<Incoming> {
    const { verb, patchType, body, duplicates } = request
    if (verb !== 'patch') return { body, duplicates }
    checkPatchOptions(request)
    if (patchType !== 'apply') return patched(kind, request, old)
    const { body: applied, managedFields } = await managers.apply(kind, request, old)
    return { body: applied, settled: { managedFields } }
  }

  return async (kind, request) => {
    const { namespace, name = '', verb, subresource = '' } = request
    const narrow = kind.parts?.[subresource as keyof typeof kind.parts]?.narrow
    if (!narrow) throw notFound(kind, name)
    if (verb === 'get') {
      const object = await access.get(kind, namespace, name)
      if (!object) throw notFound(kind, name)
      return { type: 'object', status: 200, object, warnings: [] }
    }
    let warnings: readonly string[] = []
    const written = await rewrite(
      kind,
      request,
      async old => {
        const given = await incoming(kind, request, old)
        const result = await next(kind, request, { ...given, body: narrowed(given.body, old, narrow) }, old)
        warnings = result.warnings
        return result.draft
      },
      verb === 'patch' ? patchAttempts : undefined,
    )
    return { type: 'object', status: 200, ...written, warnings }
  }
}

/** The old object with that part of the body, and with what of its metadata says which object and version is meant. */
function narrowed(body: unknown, old: KubeObject, narrow: SpecPart<KubeObject>['narrow']): unknown {
  if (!isRecord(body)) return body
  const { metadata } = body
  const { resourceVersion: _old, ...kept } = old.metadata
  const given: Record<string, unknown> = isRecord(metadata) ? metadata : {}
  const identity: Record<string, unknown> = {}
  for (const key of ['name', 'namespace', 'uid', 'resourceVersion']) if (given[key] !== undefined) identity[key] = given[key]
  const { apiVersion, kind } = body
  return { ...old, apiVersion, kind, metadata: { ...kept, ...identity }, spec: narrow(body, old) }
}
