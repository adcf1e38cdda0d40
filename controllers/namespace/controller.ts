import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Controller, ReconcileContext, ReconcileResult, Watch } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { conditionsOf, keyOfKind, type Leftovers, noLeftovers, retryInMs } from './plan.ts'

/**
 * How long a namespace is left alone at first: other API servers may not have noticed that it ends, and still create things in it. Upstream
 * gives them five seconds; those of one store here learn of it within milliseconds, and people wait for this.
 */
const delayInMs = 500

const finalizer = 'kubernetes'

/** While pods go by the thousands, it is looked only so often whether all have gone. */
const podsRestMs = 100

/** Empties namespaces that are being deleted, and lets them go once they are empty (pkg/controller/namespace). */
export function namespace(kinds: readonly AnyKind[]): Controller {
  const always = kinds.filter(kind => kind.namespaced && kind !== Pod)
  let contents = always
  /** When a namespace whose pods have not gone yet is looked at again at the latest. */
  const dueAt = new Map<string, number>()
  return {
    name: 'namespace',
    watches: [on(Namespace), on(Pod, endingNamespace)],
    writes: [Namespace, Pod, ...always],
    custom: {
      changed(custom) {
        contents = [...always, ...custom.filter(kind => kind.namespaced)]
      },
    },
    concurrency: 10,

    async reconcile(context, key): Promise<ReconcileResult | undefined> {
      const found = context.lister(Namespace).get(key)
      if (!found?.metadata.deletionTimestamp || !found.spec.finalizers?.includes(finalizer)) {
        dueAt.delete(key)
        return
      }
      const now = context.clock.now()
      const waited = now - Date.parse(found.metadata.deletionTimestamp)
      if (waited < delayInMs) return { requeueAfterMs: delayInMs - waited }
      const due = dueAt.get(key) ?? now
      if (due > now && context.lister(Pod).list(key).length > 0) return { requeueAfterMs: due - now, restMs: podsRestMs }
      dueAt.delete(key)
      const leftovers = await empty(context, key, contents, waited)
      await report(context, found, leftovers)
      if (leftovers.errors.length > 0)
        throw new AggregateError(leftovers.errors, `namespace not emptied: ${leftovers.errors.join('; ')}`)
      if (leftovers.remaining.size > 0) {
        const requeueAfterMs = retryInMs(leftovers)
        if (leftovers.remaining.has(keyOfKind(Pod))) dueAt.set(key, context.clock.now() + requeueAfterMs)
        return { requeueAfterMs }
      }
      await finalize(context, key)
      return undefined
    },
  }
}

/** A pod that is gone may be the last that a namespace waited for. */
const endingNamespace: Watch['keys'] = ({ type, object }, lister) => {
  const { namespace = '' } = object.metadata
  return type === 'deleted' && lister(Namespace).get(namespace)?.metadata.deletionTimestamp ? [namespace] : []
}

/** Deletes everything in a namespace, pods first: what they use stays until they are gone. Answers what is left. */
async function empty(
  context: ReconcileContext,
  namespace: string,
  contents: readonly AnyKind[],
  deletedMsAgo: number,
): Promise<Leftovers> {
  const leftovers = noLeftovers(namespace, deletedMsAgo)
  await emptyOf(context, namespace, Pod, leftovers)
  if (leftovers.remaining.size > 0 || leftovers.errors.length > 0) return leftovers
  for (const kind of contents) await emptyOf(context, namespace, kind, leftovers)
  return leftovers
}

async function emptyOf({ client }: ReconcileContext, namespace: string, kind: AnyKind, leftovers: Leftovers): Promise<void> {
  const note = { rule: 'namespace/content', text: `namespace ${namespace} is being deleted with everything in it` }
  // Kinds that cannot be listed (reviews, say) leave nothing behind.
  const cannot = ignore('MethodNotAllowed', 'NotFound')
  try {
    const before = await client.list(kind, { namespace, limit: 1 }).catch(cannot)
    if (!before || before.items.length === 0) return
    await client.deleteCollection(kind, { namespace, propagationPolicy: 'Background', note }).catch(cannot)
    const after = await client.list(kind, { namespace }).catch(cannot)
    leftovers.add(kind, (after?.items ?? []) as readonly KubeObject[])
  } catch (error) {
    leftovers.errors.push(error)
  }
}

async function report({ client, clock }: ReconcileContext, found: Namespace, leftovers: Leftovers): Promise<void> {
  const conditions = conditionsOf(found.status.conditions ?? [], leftovers, clock.now())
  const status = { ...found.status, phase: 'Terminating' as const, conditions: [...conditions] }
  if (deepEqual(status, found.status)) return
  const remaining = Object.fromEntries(leftovers.remaining)
  const text = leftovers.remaining.size > 0 ? 'something is left in the namespace' : 'the namespace is empty'
  const note = { rule: 'namespace/status', text, data: { remaining } }
  await client.updateStatus(Namespace, { ...found, status }, { note })
}

async function finalize({ client }: ReconcileContext, name: string): Promise<void> {
  const fresh = await client.get(Namespace, { name }).catch(ignore('NotFound'))
  if (!fresh?.metadata.deletionTimestamp) return
  const spec = { ...fresh.spec, finalizers: fresh.spec.finalizers?.filter(each => each !== finalizer) ?? [] }
  const note = { rule: 'namespace/finalize', text: 'nothing is left in the namespace' }
  await client.update(Namespace, { ...fresh, spec }, { subresource: 'finalize', note }).catch(ignore('NotFound'))
}
