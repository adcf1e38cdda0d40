import { ApiError } from '../api/errors.ts'
import type { UserInfo } from '../api/user.ts'
import type { Pipeline } from './pipeline.ts'
import { why } from './why.ts'

const path = '/wherry/v1/why'

/**
 * `GET /wherry/v1/why?group=&resource=pods&namespace=&name=`: the steps that led to an object, to those who may get the object. The
 * answer is `{steps: WhyStep[]}`. Other paths are not ours.
 */
export function whyRoute({ journal, authorize }: Pick<Pipeline, 'journal' | 'authorize'>) {
  return (requested: string, query: URLSearchParams, user: UserInfo): Promise<unknown> | undefined => {
    if (requested !== path) return undefined
    return answer(query, user)
  }

  async function answer(query: URLSearchParams, user: UserInfo): Promise<unknown> {
    const resource = query.get('resource')
    const name = query.get('name')
    if (!resource || !name) throw new ApiError('BadRequest', `${path} needs the parameters resource and name`)
    const group = query.get('group') ?? ''
    const namespace = query.get('namespace') || undefined
    await authorize({ user, verb: 'get', group, resource, name, namespace })
    return { steps: await why(journal, { group, resource, name, ...(namespace && { namespace }) }) }
  }
}
