import { notFound } from '../../api/errors.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'

/** POST serviceaccounts/x/token: whoever was injected issues it. */
export function token({ access, issueToken }: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    const { namespace = '', name = '', body, user, annotate, options } = request
    const serviceAccount = await access.get(kind, namespace, name)
    if (!serviceAccount) throw notFound(kind, name)
    if (!issueToken) throw notFound({ group: kind.group, plural: `${kind.plural}/token` }, name)
    const object = await issueToken({ serviceAccount, body, user, isDryRun: options?.dryRun === true, annotate })
    return { type: 'object', status: 201, object, warnings: [] }
  }
}
