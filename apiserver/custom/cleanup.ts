import {
  cleanupFinalizer,
  type Definition,
  type DefinitionCondition,
  isTrue,
  withCondition,
} from '../../api/apiextensions/definition.ts'
import { ignore } from '../../api/errors.ts'
import { users } from '../../api/user.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import type { Handle } from '../request.ts'

interface Dependencies {
  readonly handle: Handle
  readonly clock: Clock
  /** Writes the definition's status, and its finalizers; answers what it has become, undefined if it is gone or has changed. */
  readonly write: (
    definition: Definition,
    conditions: readonly DefinitionCondition[],
    isDone: boolean,
  ) => Promise<Definition | undefined>
  /** A version in which the objects can be asked for. */
  readonly servedVersion: (definition: Definition) => string | undefined
}

type Outcome = Omit<DefinitionCondition, 'type'>

/** How long to wait before looking again whether everything is gone: a little longer each time. */
const firstWaitInMs = 50
const longestWaitInMs = 2_000

/**
 * Removes the objects of a definition that is being deleted, then lets it go. Throws when that did not work out; to be tried again
 * (k8s.io/apiextensions-apiserver/pkg/controller/finalizer).
 */
export function cleanup({ handle, clock, write, servedVersion }: Dependencies) {
  return async function clean(definition: Definition, signal: AbortSignal): Promise<void> {
    const begun = await say(definition, {
      status: 'True',
      reason: 'InstanceDeletionInProgress',
      message: 'CustomResource deletion is in progress',
    })
    if (!begun) return
    const version = servedVersion(begun)
    if (!isTrue(begun.status, 'Established') || version === undefined) {
      const why = { status: 'False', reason: 'NeverEstablished', message: 'resource was never established' }
      return void (await say(begun, why, true))
    }
    try {
      await removeAll(begun, version, signal)
    } catch (error) {
      const message = `could not issue all deletes: ${error instanceof Error ? error.message : String(error)}`
      await say(begun, { status: 'True', reason: 'InstanceDeletionFailed', message })
      throw error
    }
    if (signal.aborted) return
    await say(begun, { status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' }, true)
  }

  function say(definition: Definition, outcome: Outcome, isDone = false): Promise<Definition | undefined> {
    const now = timestamp(clock.now())
    const conditions = withCondition(definition.status.conditions ?? [], { type: 'Terminating', ...outcome }, now)
    return write(definition, conditions, isDone)
  }

  async function removeAll({ spec, status }: Definition, version: string, signal: AbortSignal): Promise<void> {
    const call = { group: spec.group, version, resource: status.acceptedNames.plural, user: users.apiServer }
    const namespacesLeft = async () => {
      const list = await handle({ ...call, verb: 'list', options: {} })
      const items = list.type === 'list' ? list.items : []
      return new Set(items.map(({ object }) => object.metadata.namespace))
    }
    for (const namespace of await namespacesLeft()) {
      const where = namespace === undefined ? {} : { namespace }
      await handle({ ...call, ...where, verb: 'deletecollection', options: {} }).catch(ignore('NotFound'))
    }
    let wait = firstWaitInMs
    while (!signal.aborted && (await namespacesLeft()).size > 0) {
      await clock.sleep(wait, signal)
      wait = Math.min(wait * 2, longestWaitInMs)
    }
  }
}

/** Whether there is something to clean up. */
export const mustBeCleaned = ({ metadata }: Definition): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(cleanupFinalizer) === true
