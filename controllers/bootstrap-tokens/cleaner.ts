import { bootstrapTokenType, tokenExpiry } from '../../api/bootstrap-tokens.ts'
import { Secret } from '../../api/core/secret.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'

/** Removes bootstrap tokens the moment that they are over (pkg/controller/bootstrap/tokencleaner.go). */
export const tokenCleaner: Controller = {
  name: 'tokencleaner',
  watches: [
    on(Secret, ({ type, object }) => {
      const { metadata, type: of } = object as Secret
      return type !== 'deleted' && of === bootstrapTokenType && metadata.namespace === 'kube-system'
        ? [`kube-system/${metadata.name}`]
        : []
    }),
  ],
  writes: [Secret],

  async reconcile({ client, lister, clock }, key) {
    const secret = lister(Secret).get(key)
    const until = secret && secret.type === bootstrapTokenType ? tokenExpiry(secret) : undefined
    if (!secret || until === undefined) return
    const left = until - clock.now()
    if (left > 0) return { requeueAfterMs: left }
    const { namespace, name, uid } = secret.metadata
    const note = { rule: 'tokencleaner/expired', text: 'the token is over' }
    await client.delete(Secret, { namespace, name }, { preconditions: { uid }, note }).catch(ignore('NotFound', 'Conflict'))
  },
}
