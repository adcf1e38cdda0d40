import type { KubeObject } from '../../api/transport.ts'
import { copy } from '../../lib/json.ts'
import { type AnyDraft, decodeBody } from '../decode-body.ts'
import { checkIdentity, place } from '../metadata.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'

interface HoldsItself {
  spec?: { finalizers?: readonly string[] }
}

/** PUT namespaces/x/finalize: replaces spec.finalizers and nothing else. */
export function finalize({ rewrite }: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    const { draft, warnings } = decodeBody(kind, request.body, { fieldValidation: request.options?.fieldValidation })
    place(kind, draft.metadata, request)
    const { finalizers } = (draft as HoldsItself).spec ?? {}
    const written = await rewrite(kind, request, (old: KubeObject) => {
      checkIdentity(kind, draft.metadata, old)
      const next = copy(old) as AnyDraft & HoldsItself
      next.spec = { ...next.spec, ...(finalizers && { finalizers }) }
      if (!finalizers?.length) delete next.spec.finalizers
      return next
    })
    return { type: 'object', status: 200, ...written, warnings }
  }
}
