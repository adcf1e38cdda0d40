import { type Definition, isTrue, storageVersionOf } from '../../api/apiextensions/definition.ts'
import type { AnyKind } from '../../api/kind.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Random } from '../../lib/random.ts'
import { loadCel } from '../cel/load.ts'
import type { KindTable } from '../kind-table.ts'
import { mustBeCleaned } from './cleanup.ts'
import { conversionWebhook, type PostJson } from './conversion-webhook.ts'
import { customKinds } from './kinds.ts'
import { namedStatus } from './naming.ts'
import { hasRules } from './rules.ts'
import { compareVersions } from './version-order.ts'

/** A definition that is served. */
interface Entry {
  readonly spec: Definition['spec']
  readonly names: Definition['status']['acceptedNames']
  readonly kinds: readonly AnyKind[]
}

/** The kinds that definitions define, in the table of all kinds. */
export interface ServedDefinitions {
  /** Learns what is to be served of a definition, and answers the status that then is true, unless it is on its way out. */
  take(name: string): Promise<{ definition: Definition; status: Definition['status'] } | undefined>
  /** Serves what was taken. */
  serve(): void
  /** The version in which a definition's objects are best read and removed; undefined if it is served in none. */
  versionOf(definition: Definition): string | undefined
}

export interface ServedDefinitionsOptions {
  /** All definitions there are, by name, as they are now. */
  readonly definitions: ReadonlyMap<string, Definition>
  readonly kinds: KindTable
  readonly clock: Clock
  readonly random: Random
  /** How conversion webhooks are reached. */
  readonly post: PostJson
}

const source = 'custom resources'

/** Makes kinds of definitions, anew only where something about them has changed. */
export function servedDefinitions({ definitions, kinds, clock, random, post }: ServedDefinitionsOptions): ServedDefinitions {
  const entries = new Map<string, Entry>()

  async function entryOf(definition: Definition): Promise<Entry> {
    const { spec, status, metadata } = definition
    const isBuiltIn = kinds.all.some(kind => !kind.dynamic && kind.group === spec.group && kind.plural === spec.names.plural)
    if (isBuiltIn) return { spec, names: status.acceptedNames, kinds: [] }
    const needsCel = spec.versions.some(({ schema }) => schema?.openAPIV3Schema && hasRules(schema.openAPIV3Schema))
    const made = customKinds({
      definition,
      cel: needsCel ? await loadCel() : undefined,
      elsewhere: conversionWebhook({ definition, post, random }),
      isTerminating: () => definitions.get(metadata.name)?.metadata.deletionTimestamp !== undefined,
    })
    return { spec, names: status.acceptedNames, kinds: made }
  }

  return {
    async take(name) {
      const definition = definitions.get(name)
      if (!definition) {
        entries.delete(name)
        return undefined
      }
      const spec = reachable(definition)
      const others = [...definitions.values()].filter(other => other.spec.group === spec.group && other.metadata.name !== name)
      const planned = definition.metadata.deletionTimestamp ? undefined : namedStatus(definition, others, timestamp(clock.now()))
      const status = planned ?? definition.status
      const known = entries.get(name)
      const isUnchanged = known && deepEqual(known.spec, spec) && deepEqual(known.names, status.acceptedNames)
      if (!isTrue(status, 'Established')) entries.delete(name)
      else if (!isUnchanged) entries.set(name, await entryOf({ ...definition, spec, status }))
      return planned && { definition, status: planned }
    },
    serve() {
      const all = [...entries.values()].flatMap(entry => entry.kinds)
      if (all.length === kinds.all.filter(({ dynamic }) => dynamic).length && all.every(kind => kinds.all.includes(kind))) return
      kinds.serve(
        source,
        all.sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : compareVersions(a.version, b.version))),
      )
    },
    versionOf({ metadata, spec }) {
      const served = entries.get(metadata.name)?.kinds ?? []
      // The version that is kept needs nobody to convert it.
      return (served.find(({ version }) => version === storageVersionOf(spec)) ?? served[0])?.version
    },
  }
}

/** A definition that goes is served in some version as long as there are objects to remove, even if it was served in none. */
function reachable(definition: Definition): Definition['spec'] {
  const { spec } = definition
  if (!mustBeCleaned(definition) || spec.versions.some(({ served }) => served)) return spec
  const versions = spec.versions.map(version => (version.storage ? { ...version, served: true } : version))
  return { ...spec, versions }
}
