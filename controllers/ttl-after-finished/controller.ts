import { Job } from '../../api/batch/job.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { expiresAt } from './plan.ts'

/** Deletes jobs, pods first, so long after they have ended as they say themselves (pkg/controller/ttlafterfinished). */
export const ttlAfterFinished: Controller = {
  name: 'ttl-after-finished',
  watches: [on(Job, ({ type, object }) => (type !== 'deleted' && expiresAt(object as Job) !== undefined ? [keyOf(object)] : []))],
  writes: [Job],
  async reconcile({ lister, client, clock }, key) {
    const known = lister(Job).get(key)
    const shownAt = known && expiresAt(known)
    if (!known || shownAt === undefined) return
    if (shownAt > clock.now()) return { requeueAfterMs: shownAt - clock.now() }
    // Asks the server once more: it may have been given more time just now.
    const fresh = await client.get(Job, known.metadata).catch(ignore('NotFound'))
    const at = fresh && expiresAt(fresh)
    if (!fresh || at === undefined) return
    if (at > clock.now()) return { requeueAfterMs: at - clock.now() }
    const { ttlSecondsAfterFinished = 0 } = fresh.spec
    const text = `it ended ${ttlSecondsAfterFinished} s ago or more, and was not to stay longer`
    const note = { rule: 'ttl-after-finished/delete', text, data: { ttlSecondsAfterFinished } }
    const { uid } = fresh.metadata
    await client
      .delete(Job, fresh.metadata, { propagationPolicy: 'Foreground', preconditions: { uid }, note })
      .catch(ignore('NotFound'))
  },
}
