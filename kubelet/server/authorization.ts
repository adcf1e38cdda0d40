import { SubjectAccessReview } from '../../api/authorization/subject-access-review.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import { answerCache } from './answer-cache.ts'
import { nodeAttributes } from './attributes.ts'
import type { KubeletServerConfig } from './config.ts'

/** Why a request is refused: a code and the text of the answer. */
export interface Refusal {
  readonly code: number
  readonly text: string
}

/** `undefined`: go on. */
export type Authorize = (user: UserInfo, method: string, path: string) => Promise<Refusal | undefined>

interface Options {
  readonly nodeName: string
  readonly client: Client
  readonly clock: Clock
  readonly config: Pick<KubeletServerConfig, 'authorization' | 'allowedLifetimeInMs' | 'deniedLifetimeInMs'>
}

/** Asks the API server whether a user may do this to the node; each answer is good for a while (pkg/kubelet/server/server.go). */
export function requestAuthorizer({ nodeName, client, clock, config }: Options): Authorize {
  const answers = answerCache<boolean>({
    clock,
    lifetimeInMs: allowed => (allowed ? config.allowedLifetimeInMs : config.deniedLifetimeInMs),
  })
  const ask = async ({ name, uid, groups, extra }: UserInfo, verb: string, subresource: string): Promise<boolean> => {
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName }
    const who = { user: name, groups: [...groups], ...(uid && { uid }), ...(extra && { extra: mutable(extra) }) }
    const { status } = await client.create(SubjectAccessReview, { metadata: {}, spec: { resourceAttributes, ...who } })
    return status?.allowed === true
  }
  return async (user, method, path) => {
    if (config.authorization === 'alwaysAllow') return undefined
    const { verb, subresources } = nodeAttributes(method, path)
    const who = JSON.stringify([user.name, user.uid, user.groups, user.extra])
    for (const subresource of subresources) {
      try {
        const allowed = await answers.get(`${verb} ${subresource} ${who}`, () => ask(user, verb, subresource))
        if (allowed) return undefined
      } catch {
        const about = `user=${user.name}, verb=${verb}, resource=nodes, subresource=${subresource}`
        return { code: 500, text: `Authorization error (${about})` }
      }
    }
    const about = `user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`
    return { code: 403, text: `Forbidden (${about})\n` }
  }
}

const mutable = (extra: NonNullable<UserInfo['extra']>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
