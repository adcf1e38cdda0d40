import { Event } from '../../api/core/event.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import { sameAmounts } from '../../api/quota/amounts.ts'
import { evaluatorOf } from '../../api/quota/evaluators.ts'
import { boundedMap } from '../../client/bounded-map.ts'
import type { Controller, Watch } from '../../client/controller.ts'
import type { Lister } from '../../client/informer.ts'
import { on } from '../../client/watches.ts'
import { differs, givesBack, statusOf } from './plan.ts'

/** How long a charge may wait for the object it is for. */
const quietForMs = 500
/** A quota that is charged all the time is not waited for any longer. */
const longestWaitMs = 5_000
/** Counted again every so often, whatever happens (upstream's --resource-quota-sync-period). */
const syncEveryMs = 300_000
const mostWaits = 1_000

interface Wait {
  readonly revision: string
  readonly since: number
  readonly first: number
}

/** Counts what quotas limit (pkg/controller/resourcequota). */
export function resourceQuota(allKinds: readonly AnyKind[]): Controller {
  const always = allKinds.filter(kind => kind.namespaced && !kind.storedAs && kind !== Event)
  let kinds = always
  const waits = boundedMap<string, Wait>(mostWaits)

  /** How long to wait before something is given back; 0: no longer. */
  function patience(key: string, revision: string, now: number): number {
    const wait = waits.get(key)
    if (wait && now - wait.first >= longestWaitMs) return 0
    if (wait?.revision === revision) return Math.max(0, wait.since + quietForMs - now)
    waits.set(key, { revision, since: now, first: wait?.first ?? now })
    return quietForMs
  }

  return {
    name: 'resource-quota',
    watches: [on(ResourceQuota), ...always.map(kind => on(kind, quotasOf(kind)))],
    custom: {
      watch: kind => on(kind, kind.namespaced ? quotasOf(kind) : () => []),
      changed(custom) {
        kinds = [...always, ...custom.filter(kind => kind.namespaced)]
      },
    },
    writes: [ResourceQuota],
    concurrency: 5,
    periodic: { everyMs: syncEveryMs, keys: lister => lister(ResourceQuota).list().map(keyOf) },

    async reconcile({ client, lister, clock }, key) {
      const quota = lister(ResourceQuota).get(key)
      if (!quota || quota.metadata.deletionTimestamp) {
        waits.delete(key)
        return undefined
      }
      const now = clock.now()
      const { namespace, resourceVersion } = quota.metadata
      const objectsOf = (kind: AnyKind) => {
        const objects: Lister = lister(kind)
        return objects.isSynced ? objects.list(namespace) : undefined
      }
      const status = statusOf(quota, kinds, objectsOf, now)
      if (!differs(quota, status)) {
        waits.delete(key)
        return undefined
      }
      const waitMs = givesBack(quota, status) ? patience(key, resourceVersion, now) : 0
      if (waitMs > 0) return { requeueAfterMs: waitMs }
      waits.delete(key)
      const note = {
        rule: 'resource-quota/usage',
        text: `what is used in namespace ${namespace} was counted`,
        data: { used: status.used },
      }
      await client.updateStatus(ResourceQuota, { ...quota, status }, { note }).catch(ignore('NotFound'))
      return undefined
    },
  }
}

/** Every quota of the namespace, if the change is one of what the object counts for. Most namespaces have none. */
function quotasOf(kind: AnyKind): Watch['keys'] {
  const { usage } = evaluatorOf(kind)
  return ({ type, object, previous }, lister) => {
    const all = lister(ResourceQuota)
    const quotas = all.size === 0 ? [] : all.list(object.metadata.namespace)
    if (quotas.length === 0) return []
    // Time plays no part in it: that a pod should be gone is noticed when everything is counted anew.
    const isSame = type === 'modified' && previous && sameAmounts(usage(object, 0), usage(previous, 0))
    return isSame ? [] : quotas.map(keyOf)
  }
}
