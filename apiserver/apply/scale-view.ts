import { type AnyKind, apiVersionOf } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { copy } from '../../lib/json.ts'
import type { AnyDraft } from '../decode-body.ts'
import { compare } from './compare.ts'
import { difference, hasPath, isEmptySet, type Path, pathsOf, setOf, union } from './field-set.ts'
import { typeOf } from './field-type.ts'
import { entriesOf, fieldsOf, type Identity, type ManagedEntry, type Managers, managersOf, withFields } from './managed.ts'
import { fieldElement } from './path-element.ts'

/**
 * The owners of the number of replicas, as the scale subresource sees them, and back: the field has another name there, and is all
 * that there is to own (apimachinery pkg/util/managedfields/scalehandler.go).
 */
const inScale = setOf([fieldElement('spec'), fieldElement('replicas')])
const scaleVersion = 'autoscaling/v1'

const paths = new WeakMap<AnyKind, Path>()

/** Where a kind keeps its number of replicas: what changes when they are set. */
function replicasPath(kind: AnyKind, object: KubeObject): Path {
  let path = paths.get(kind)
  if (path) return path
  const [none, one] = [0, 1].map(replicas => {
    const scaled = copy(object) as AnyDraft
    kind.scale?.setReplicas(scaled, replicas)
    return scaled
  })
  const { modified, added } = compare(typeOf(kind), none, one)
  path = pathsOf(union(modified, added)).at(-1) ?? []
  paths.set(kind, path)
  return path
}

/** Entries say which version they are of; owners are told apart without it here, because the version is not the same. */
const ownerOf = ({ apiVersion: _version, ...identity }: Identity) => JSON.stringify(Object.values(identityParts(identity)))
const identityParts = ({ manager = '', operation, subresource = '' }: Omit<Identity, 'apiVersion'>) => ({
  manager,
  operation,
  subresource,
})

const entriesIn = ({ metadata }: KubeObject | AnyDraft) =>
  (metadata as { managedFields?: readonly ManagedEntry[] }).managedFields ?? []

/** Who owns the replicas of an object, in the words of its scale. */
export function scaleEntries(kind: AnyKind, object: KubeObject): readonly ManagedEntry[] {
  const path = replicasPath(kind, object)
  return entriesIn(object)
    .filter(entry => entry.apiVersion === apiVersionOf(kind) && hasPath(fieldsOf(entry), path))
    .map(entry => ({ ...entry, apiVersion: scaleVersion, fieldsV1: inScale }))
}

/** Who owns what of an object, once its scale belongs to these. */
export function entriesWithScale(
  kind: AnyKind,
  object: KubeObject,
  scale: readonly ManagedEntry[],
): readonly ManagedEntry[] | undefined {
  const path = replicasPath(kind, object)
  const replicas = setOf(path)
  const left = new Map(scale.map(entry => [ownerOf(entry), entry]))
  const managers: Managers = managersOf(undefined)
  const keep = (entry: ManagedEntry) => managers.set(JSON.stringify([ownerOf(entry), entry.apiVersion]), entry)
  for (const entry of entriesIn(object)) {
    if (!hasPath(fieldsOf(entry), path) || left.delete(ownerOf(entry))) {
      keep(entry)
      continue
    }
    const others = difference(fieldsOf(entry), replicas)
    if (!isEmptySet(others)) keep(withFields(entry, others))
  }
  // Without a time, as upstream: it knows only those of the object's own entries.
  for (const { time: _time, ...entry } of left.values()) keep({ ...entry, apiVersion: apiVersionOf(kind), fieldsV1: replicas })
  return entriesOf(managers)
}
