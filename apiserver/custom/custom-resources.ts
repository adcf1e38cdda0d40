import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import { cleanupFinalizer, type Definition, isTrue, storageVersionOf } from '../../api/apiextensions/definition.ts'
import { ignore } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { exponentialBackoff } from '../../lib/backoff.ts'
import { bell } from '../../lib/bell.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { aborted, type Run } from '../../lib/run.ts'
import { followed, serverUser } from '../followed.ts'
import { loadCel } from '../cel/load.ts'
import type { KindTable } from '../kind-table.ts'
import type { Handle } from '../request.ts'
import { cleanup, mustBeCleaned } from './cleanup.ts'
import { conversionWebhook, type PostJson } from './conversion-webhook.ts'
import { customKinds } from './kinds.ts'
import { namedStatus } from './naming.ts'
import { hasRules } from './rules.ts'
import { compareVersions } from './version-order.ts'

/** Serves what CustomResourceDefinitions define, and tells in their status how far that has got. */
export interface CustomResources {
  readonly run: Run
  /** Resolves when the definitions that were there are served. */
  readonly ready: Promise<void>
}

interface Options {
  readonly handle: Handle
  readonly kinds: KindTable
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** How conversion webhooks are reached. */
  readonly post: PostJson
}

/** A definition that is served. */
interface Entry {
  readonly spec: Definition['spec']
  readonly names: Definition['status']['acceptedNames']
  readonly kinds: readonly AnyKind[]
}

/** A definition that goes is served in some version as long as there are objects to remove, even if it was served in none. */
function reachable(definition: Definition): Definition['spec'] {
  const { spec } = definition
  if (!mustBeCleaned(definition) || spec.versions.some(({ served }) => served)) return spec
  const versions = spec.versions.map(version => (version.storage ? { ...version, served: true } : version))
  return { ...spec, versions }
}

const source = 'custom resources'

export function customResources({ handle, kinds, clock, random, log, post }: Options): CustomResources {
  const ready = deferred()
  const wake = bell()
  const dirty = new Set<string>()
  const entries = new Map<string, Entry>()
  const cleaning = new Set<string>()
  const definitions = followed(CustomResourceDefinition, { handle, clock, log }, key => {
    dirty.add(key)
    wake.ring()
  })
  const find = (key: string) => definitions.byKey.get(key) as Definition | undefined
  const clean = cleanup({
    handle,
    clock,
    write: writeTermination,
    servedVersion({ metadata, spec }) {
      const served = entries.get(metadata.name)?.kinds ?? []
      // The version that is kept needs nobody to convert it.
      return (served.find(({ version }) => version === storageVersionOf(spec)) ?? served[0])?.version
    },
  })

  /** Serves what can be served of a definition, and answers the status that then is true. */
  async function take(key: string): Promise<{ definition: Definition; status: Definition['status'] } | undefined> {
    const definition = find(key)
    if (!definition) return void entries.delete(key)
    const spec = reachable(definition)
    const siblings = [...definitions.byKey.values()] as unknown as Definition[]
    const others = siblings.filter(other => other.spec.group === spec.group && other.metadata.name !== key)
    const planned = definition.metadata.deletionTimestamp ? undefined : namedStatus(definition, others, timestamp(clock.now()))
    const status = planned ?? definition.status
    const known = entries.get(key)
    const isUnchanged = known && deepEqual(known.spec, spec) && deepEqual(known.names, status.acceptedNames)
    if (!isTrue(status, 'Established')) entries.delete(key)
    else if (!isUnchanged) entries.set(key, await entryOf({ ...definition, spec, status }))
    return planned && { definition, status: planned }
  }

  async function entryOf(definition: Definition): Promise<Entry> {
    const { spec, status, metadata } = definition
    const isBuiltIn = kinds.all.some(kind => !kind.dynamic && kind.group === spec.group && kind.plural === spec.names.plural)
    if (isBuiltIn) return { spec, names: status.acceptedNames, kinds: [] }
    const needsCel = spec.versions.some(({ schema }) => schema?.openAPIV3Schema && hasRules(schema.openAPIV3Schema))
    const made = customKinds({
      definition,
      cel: needsCel ? await loadCel() : undefined,
      elsewhere: conversionWebhook({ definition, post, random }),
      isTerminating: () => find(metadata.name)?.metadata.deletionTimestamp !== undefined,
    })
    return { spec, names: status.acceptedNames, kinds: made }
  }

  function serve(): void {
    const all = [...entries.values()].flatMap(entry => entry.kinds)
    if (all.length === kinds.all.filter(({ dynamic }) => dynamic).length && all.every(kind => kinds.all.includes(kind))) return
    kinds.serve(
      source,
      all.sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : compareVersions(a.version, b.version))),
    )
  }

  /** Definitions whose names may be decided anew: those that changed, and those of the same groups that still wait for theirs. */
  function concerned(): string[] {
    const keys = new Set(dirty)
    dirty.clear()
    const groups = new Set([...keys].map(key => key.slice(key.indexOf('.') + 1)))
    for (const [key, definition] of definitions.byKey) {
      if (groups.has(definition.spec.group) && !isTrue(definition.status as Definition['status'], 'NamesAccepted')) keys.add(key)
    }
    return [...keys]
  }

  async function reconcile(signal: AbortSignal): Promise<void> {
    for (const key of concerned()) {
      try {
        const news = await take(key)
        serve() // before it is said: who reads that it is established asks for it at once
        if (news) await write(news.definition, news.status)
      } catch (err) {
        log.error({ err, definition: key }, 'a custom resource could not be served')
      }
      const definition = find(key)
      if (definition && mustBeCleaned(definition) && !cleaning.has(key)) void finish(key, signal)
    }
  }

  /** Cleans up after a definition, until that has worked. */
  async function finish(key: string, signal: AbortSignal): Promise<void> {
    cleaning.add(key)
    const backoff = exponentialBackoff({ initialInMs: 100, maxInMs: 10_000 })
    while (!signal.aborted) {
      const definition = find(key)
      if (!definition || !mustBeCleaned(definition)) break
      try {
        await clean(definition, signal)
      } catch (err) {
        log.warn({ err, definition: key }, 'the objects of a definition that goes could not be removed')
      }
      await clock.sleep(backoff.next(), signal)
    }
    cleaning.delete(key)
  }

  async function write(definition: Definition, status: Definition['status'], finalizers?: readonly string[]) {
    const { group, version, plural } = CustomResourceDefinition
    const metadata = finalizers ? { ...definition.metadata, finalizers } : definition.metadata
    const body = { ...definition, metadata, status }
    const target = { group, version, resource: plural, name: definition.metadata.name, subresource: 'status' }
    const options = { fieldValidation: 'Ignore', fieldManager: 'kube-apiserver' } as const
    const response = await handle({ ...target, verb: 'update', body, user: serverUser, options }).catch(
      ignore('NotFound', 'Conflict'), // it is seen again as it is now
    )
    return response?.type === 'object' ? (response.object as Definition) : undefined
  }

  function writeTermination(definition: Definition, conditions: Definition['status']['conditions'], isDone: boolean) {
    const { finalizers = [] } = definition.metadata
    const left = isDone ? finalizers.filter(name => name !== cleanupFinalizer) : undefined
    return write(definition, { ...definition.status, conditions: conditions ?? [] }, left)
  }

  async function follow(signal: AbortSignal): Promise<void> {
    await Promise.race([definitions.synced, aborted(signal)])
    while (!signal.aborted) {
      const woken = wake.wait(signal) // before looking, so that nothing that comes in between is missed
      await reconcile(signal)
      ready.resolve()
      await woken
    }
    ready.resolve() // nobody waits for a server that stops
  }

  return {
    ready: ready.promise,
    async run(signal) {
      await Promise.all([definitions.run(signal), follow(signal)])
    },
  }
}
