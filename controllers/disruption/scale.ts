import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Scale } from '../../api/autoscaling/scale.ts'
import type { Pod } from '../../api/core/pod.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject, OwnerReference } from '../../api/transport.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import type { Lister } from '../../client/informer.ts'
import { controllerOf, groupOf } from '../../client/watches.ts'

/** Controllers whose scale is read from the cache; for all others, the server is asked. */
export const cached: readonly AnyKind[] = [ReplicationController, ReplicaSet, StatefulSet, Deployment]
/** Where the one is controlled by the other, the other's scale counts. */
const above = new Map<AnyKind, AnyKind>([[ReplicaSet, Deployment]])

/** How many pods the controllers of some pods want, together; and which pods have none. */
export interface ExpectedScale {
  readonly scale: number
  readonly unmanaged: readonly Pod[]
}

/** Adds up the scales of the controllers of pods, each once (pkg/controller/disruption getExpectedScale). Throws where one has no scale. */
export async function expectedScale(
  context: ReconcileContext,
  kinds: readonly AnyKind[],
  pods: readonly Pod[],
): Promise<ExpectedScale> {
  const unmanaged: Pod[] = []
  const asked = new Set<string>()
  const scales = new Map<string, number>()
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (!owner) unmanaged.push(pod)
    if (!owner || asked.has(owner.uid)) continue
    asked.add(owner.uid)
    const found = fromCache(context, owner, pod.metadata.namespace) ?? (await fromServer(context, kinds, owner, pod))
    if (!found) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`)
    scales.set(found.uid, found.replicas)
  }
  return { scale: [...scales.values()].reduce((sum, each) => sum + each, 0), unmanaged }
}

interface Found {
  readonly uid: string
  readonly replicas: number
}

/** The kind that an owner reference names. */
const kindOf = (kinds: readonly AnyKind[], { kind, apiVersion }: OwnerReference) =>
  kinds.find(each => each.kind === kind && each.group === groupOf({ apiVersion }))

function fromCache({ lister }: ReconcileContext, owner: OwnerReference, namespace: string): Found | undefined {
  const find = (reference: OwnerReference, kind: AnyKind | undefined) => {
    const object = kind && ((lister(kind) as Lister).get(keyOf({ metadata: { namespace, name: reference.name } })) as KubeObject)
    return object?.metadata.uid === reference.uid ? object : undefined
  }
  const kind = kindOf(cached, owner)
  const object = find(owner, kind)
  if (!kind || !object) return undefined
  const over = controllerOf(object)
  const overKind = above.get(kind)
  if (!over || overKind?.kind !== over.kind) return replicasOf(kind, object)
  const top = find(over, kindOf([overKind], over))
  return top && replicasOf(overKind, top)
}

const replicasOf = (kind: AnyKind, object: KubeObject): Found => ({
  uid: object.metadata.uid,
  replicas: kind.scale?.specReplicas(object) ?? 1,
})

/** The scale of any other controller, which must have one: asked of the server. */
async function fromServer(
  { client }: ReconcileContext,
  kinds: readonly AnyKind[],
  owner: OwnerReference,
  { metadata: { namespace } }: Pod,
): Promise<Found | undefined> {
  const kind = kindOf(kinds, owner)
  if (!kind) throw new Error(`no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`)
  const ref = { name: owner.name, ...(kind.namespaced && { namespace }) }
  const scale = (await client.getSubresource(kind, ref, 'scale').catch(ignore('NotFound', 'MethodNotAllowed'))) as
    | Scale
    | undefined
  if (scale) return scale.metadata.uid === owner.uid ? { uid: owner.uid, replicas: scale.spec.replicas } : undefined
  // Not found may mean that there is no such object, or that its kind has no scale.
  const object = await client.get(kind, ref).catch(ignore('NotFound'))
  if (!object) return undefined
  throw new Error(`${kind.plural}${kind.group && `.${kind.group}`} does not implement the scale subresource`)
}
