import type { AnyKind } from '../kind.ts'
import { type Definition, isTrue } from './definition.ts'
import { dynamicKind } from './dynamic-kind.ts'

const nothing = (): never => {
  throw new Error('only the API server knows what custom resources look like')
}

/** What identifies a kind; it is the same kind as long as this is. */
const made = new Map<string, AnyKind>()

/**
 * The custom resources that are served, as clients need to know them: where they are, not what they look like. One version each;
 * the same value as long as it is the same place.
 */
export function clientKinds(definitions: readonly Definition[]): AnyKind[] {
  return definitions.flatMap(({ spec, status }) => {
    const version = spec.versions.find(({ served, storage }) => served && storage) ?? spec.versions.find(({ served }) => served)
    if (!version || !isTrue(status, 'Established')) return []
    const { kind, plural, singular = '', listKind = `${kind}List` } = status.acceptedNames
    const id = `${spec.group}/${version.name}/${plural} ${kind} ${spec.scope}`
    let known = made.get(id)
    if (!known) {
      const namespaced = spec.scope === 'Namespaced'
      const dynamic = { decode: nothing, jsonSchema: nothing }
      known = dynamicKind({ group: spec.group, version: version.name, kind, listKind, plural, singular, namespaced, dynamic })
      made.set(id, known)
    }
    return [known]
  })
}
