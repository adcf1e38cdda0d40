import { keyOf } from '../api/keys.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject, OwnerReference } from '../api/transport.ts'
import type { ListerOf, Watch } from './controller.ts'
import type { Change } from './informer.ts'

/** A change of an object wakes the keys that `keys` names: by default the object's own. */
export function on(kind: AnyKind, keys: Watch['keys'] = ownKey): Watch {
  return { kind, keys }
}

const ownKey: Watch['keys'] = change => [keyOf(change.object)]

/** Wakes the controller of the changed object, if it is of that kind; after a change of hands, the former one as well. */
export function ownerKeys(kind: AnyKind): Watch['keys'] {
  return change => {
    const key = ownerKey(kind, change.object)
    const former = change.previous && ownerKey(kind, change.previous)
    if (former !== undefined && former !== key) return key === undefined ? [former] : [former, key]
    return key === undefined ? [] : [key]
  }
}

function ownerKey(kind: AnyKind, object: KubeObject): string | undefined {
  const owner = controllerOf(object)
  if (owner?.kind !== kind.kind || groupOf(owner) !== kind.group) return undefined
  return keyOf({ metadata: { name: owner.name, namespace: kind.namespaced ? object.metadata.namespace : undefined } })
}

/** The one owner that manages an object. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(owner => owner.controller)
}

/** The group of an owner's kind. */
export function groupOf({ apiVersion }: { apiVersion: string }): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}

/** Both of these may say what a change wakes. */
export function either(...all: Watch['keys'][]): Watch['keys'] {
  return (change: Change, lister: ListerOf) => [...new Set(all.flatMap(keys => keys(change, lister)))]
}
