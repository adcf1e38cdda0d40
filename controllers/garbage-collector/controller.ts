import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject, OwnerReference } from '../../api/transport.ts'
import { boundedMap } from '../../client/bounded-map.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import type { Lister } from '../../client/informer.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { concernedBy, type Dependent, dependentsOf, ownersIndex } from './graph.ts'
import { kindsByName, ownerRef } from './object-keys.ts'
import { blocks, foreground, isOrphaning, isWaiting, type OwnerState, orphan, plan } from './plan.ts'

/** How many owners that are known to be gone for good are remembered: UIDs never come back. */
const absentOwners = 500

/** Deletes what has lost all its owners, and lets go of what waits for its dependents (pkg/controller/garbagecollector). */
export function garbageCollector(allKinds: readonly AnyKind[]): Controller {
  // Events own nothing, are owned by nothing, and are many.
  const always = allKinds.filter(kind => kind.kind !== 'Event')
  let kinds = always
  let names = kindsByName(kinds)
  const absent = boundedMap<string, true>(absentOwners)

  return {
    name: 'garbage-collector',
    watches: always.map(watch),
    writes: always,
    indexes: always.map(ownersIndex),
    custom: {
      watch,
      index: ownersIndex,
      changed(custom) {
        kinds = [...always, ...custom]
        names = kindsByName(kinds)
      },
    },
    concurrency: 20,

    async reconcile(context, key) {
      const named = names.ofKey(key)
      if (!named) return
      const object = (context.lister(named.kind) as Lister).get(named.key)
      if (!object) return
      const item: Dependent = { kind: named.kind, object }
      if (isOrphaning(object)) return releaseDependents(context, item, dependentsOf(kinds, context.lister, object))
      if (isWaiting(object)) return finishForeground(context, item, dependentsOf(kinds, context.lister, object))
      return collect(context, item)
    },
  }

  function watch(kind: AnyKind): Watch {
    return { kind, keys: (change, lister) => concernedBy(change, kind, kinds, names, lister) }
  }

  /** Deletes an object, or strips it of owners, if the plan says so; decided anew on the object as the server has it. */
  async function collect(context: ReconcileContext, { kind, object: cached }: Dependent): Promise<void> {
    const dependents = dependentsOf(kinds, context.lister, cached).map(dependent => dependent.object)
    if (plan(cached, await ownerStates(context, cached), dependents).type === 'keep') return
    const object = (await context.client.get(kind, cached.metadata).catch(ignore('NotFound'))) as KubeObject | undefined
    if (object?.metadata.uid !== cached.metadata.uid) return
    const { name, uid, resourceVersion } = object.metadata
    const decision = plan(object, await ownerStates(context, object), dependents)
    if (decision.type === 'keep') return
    if (decision.type === 'forget') {
      const note = { rule: 'gc/forget-owner', text: `${name} loses owners that are gone; others remain`, data: decision }
      const left = object.metadata.ownerReferences?.filter(owner => !decision.uids.includes(owner.uid))
      return patchOwners(context, kind, object, left, note)
    }
    if (decision.unblock) {
      const note = { rule: 'gc/unblock', text: `${name} and its dependents wait for each other: it blocks its owners no more` }
      const unblocked = object.metadata.ownerReferences?.map(owner => ({ ...owner, blockOwnerDeletion: false }))
      await patchOwners(context, kind, object, unblocked, note)
    }
    const preconditions = decision.unblock ? { uid } : { uid, resourceVersion }
    const note = {
      rule: `gc/${decision.propagation.toLowerCase()}`,
      text: decision.because,
      data: { owners: object.metadata.ownerReferences },
    }
    const options = { propagationPolicy: decision.propagation, preconditions, note }
    await context.client.delete(kind, object.metadata, options).catch(ignore('NotFound'))
  }

  /** Looks at every owner: in the cache if it is there, or else by asking the server. */
  async function ownerStates(context: ReconcileContext, object: KubeObject): Promise<(owner: OwnerReference) => OwnerState> {
    const states = new Map<string, OwnerState>()
    for (const owner of object.metadata.ownerReferences ?? []) states.set(owner.uid, await ownerState(context, object, owner))
    return owner => states.get(owner.uid) ?? 'solid'
  }

  async function ownerState(context: ReconcileContext, object: KubeObject, owner: OwnerReference): Promise<OwnerState> {
    const kind = names.ofOwner(owner)
    const ref = kind && ownerRef(kind, owner, object)
    if (kind && !ref) tellOfWrongNamespace(context, kind, object, owner)
    // An owner that cannot be looked for cannot be said to be gone.
    if (!kind || !ref) return 'solid'
    const cached = (context.lister(kind) as Lister).get(keyOf({ metadata: ref }))
    if (cached?.metadata.uid === owner.uid) return isWaiting(cached) ? 'waiting' : 'solid'
    const id = `${object.metadata.namespace ?? ''} ${owner.uid}`
    if (absent.get(id)) return 'absent'
    const fresh = (await context.client.get(kind, ref).catch(ignore('NotFound'))) as KubeObject | undefined
    if (fresh?.metadata.uid === owner.uid) return isWaiting(fresh) ? 'waiting' : 'solid'
    tellOfWrongNamespace(context, kind, object, owner)
    absent.set(id, true)
    return 'absent'
  }

  function tellOfWrongNamespace(
    { lister, events }: ReconcileContext,
    kind: AnyKind,
    object: KubeObject,
    owner: OwnerReference,
  ): void {
    const elsewhere = kind.namespaced && (lister(kind) as Lister).list().some(other => other.metadata.uid === owner.uid)
    if (!elsewhere) return
    const { namespace = '' } = object.metadata
    const reference = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`
    const message = `ownerRef ${reference} does not exist in namespace ${JSON.stringify(namespace)}`
    events.record(object, 'Warning', 'OwnerRefInvalidNamespace', message)
  }
}

/** Orphan: all dependents forget this owner, then it may go. */
async function releaseDependents(context: ReconcileContext, owner: Dependent, dependents: readonly Dependent[]): Promise<void> {
  const { uid, name } = owner.object.metadata
  const note = { rule: 'gc/orphan', text: `its owner ${owner.kind.kind} ${name} goes and leaves its dependents behind` }
  await inParallel(dependents, ({ kind, object }) => {
    const left = object.metadata.ownerReferences?.filter(each => each.uid !== uid)
    return patchOwners(context, kind, object, left, note)
  })
  const text = `its ${dependents.length} dependents have been let go`
  await removeFinalizer(context, owner, orphan, { rule: 'gc/orphaned', text, data: { dependents: dependents.length } })
}

/** Foreground: once no dependent blocks it any more, the owner may go. The dependents were woken when it began to wait. */
async function finishForeground(context: ReconcileContext, owner: Dependent, dependents: readonly Dependent[]): Promise<void> {
  const blocking = dependents.filter(({ object }) => blocks(object, owner.object.metadata.uid))
  if (blocking.length > 0) return
  const note = { rule: 'gc/foreground-done', text: 'no dependent blocks its deletion any more' }
  await removeFinalizer(context, owner, foreground, note)
}

async function removeFinalizer(context: ReconcileContext, { kind, object }: Dependent, name: string, note: Note): Promise<void> {
  const { uid, resourceVersion, finalizers = [] } = object.metadata
  const patch = { metadata: { uid, resourceVersion, finalizers: finalizers.filter(each => each !== name) } }
  await context.client.patch(kind, object.metadata, 'merge', patch, { note }).catch(ignore('NotFound'))
}

type Note = { rule: string; text: string; data?: unknown }

async function patchOwners(
  { client }: ReconcileContext,
  kind: AnyKind,
  { metadata }: KubeObject,
  ownerReferences: readonly OwnerReference[] = [],
  note: Note,
): Promise<void> {
  const { uid, resourceVersion } = metadata
  const patch = { metadata: { uid, resourceVersion, ownerReferences } }
  await client.patch(kind, metadata, 'merge', patch, { note }).catch(ignore('NotFound'))
}
