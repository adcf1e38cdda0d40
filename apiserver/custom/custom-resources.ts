import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import { cleanupFinalizer, type Definition, isTrue } from '../../api/apiextensions/definition.ts'
import { ignore } from '../../api/errors.ts'
import { users } from '../../api/user.ts'
import { exponentialBackoff } from '../../lib/backoff.ts'
import { bell } from '../../lib/bell.ts'
import type { Clock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { aborted, type Run } from '../../lib/run.ts'
import { followed } from '../followed.ts'
import type { KindTable } from '../kind-table.ts'
import type { Handle } from '../request.ts'
import { cleanup, mustBeCleaned } from './cleanup.ts'
import type { PostJson } from './conversion-webhook.ts'
import { servedDefinitions } from './served-definitions.ts'

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

/** Follows the definitions for as long as it runs. */
export function customResources({ handle, kinds, clock, random, log, post }: Options): CustomResources {
  const ready = deferred()
  const wake = bell()
  const dirty = new Set<string>()
  const cleaning = new Set<string>()
  const definitions = followed(CustomResourceDefinition, { handle, clock, log }, key => {
    dirty.add(key)
    wake.ring()
  })
  const byName = definitions.byKey as ReadonlyMap<string, unknown> as ReadonlyMap<string, Definition>
  const served = servedDefinitions({ definitions: byName, kinds, clock, random, post })
  const clean = cleanup({ handle, clock, write: writeTermination, servedVersion: served.versionOf })

  /** Definitions whose names may be decided anew: those that changed, and those of the same groups that still wait for theirs. */
  function concerned(): string[] {
    const keys = new Set(dirty)
    dirty.clear()
    const groups = new Set([...keys].map(key => key.slice(key.indexOf('.') + 1)))
    for (const [key, definition] of byName) {
      if (groups.has(definition.spec.group) && !isTrue(definition.status, 'NamesAccepted')) keys.add(key)
    }
    return [...keys]
  }

  async function reconcile(signal: AbortSignal): Promise<void> {
    for (const key of concerned()) {
      try {
        const news = await served.take(key)
        served.serve() // before it is said: who reads that it is established asks for it at once
        if (news) await write(news.definition, news.status)
      } catch (err) {
        log.error({ err, definition: key }, 'a custom resource could not be served')
      }
      const definition = byName.get(key)
      if (definition && mustBeCleaned(definition) && !cleaning.has(key)) void finish(key, signal)
    }
  }

  /** Cleans up after a definition, until that has worked. */
  async function finish(key: string, signal: AbortSignal): Promise<void> {
    cleaning.add(key)
    const backoff = exponentialBackoff({ initialInMs: 100, maxInMs: 10_000 })
    while (!signal.aborted) {
      const definition = byName.get(key)
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
    const response = await handle({ ...target, verb: 'update', body, user: users.apiServer, options }).catch(
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
