import { conflict, forbiddenError, ignore, notFound, type Status, staleMessage } from '../api/errors.ts'
import { fieldError, invalidObject } from '../api/field-errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import { deepFreeze } from '../lib/json.ts'
import type { Attempt } from './admission.ts'
import type { ObjectResponse, WriteDependencies } from './create.ts'
import type { AnyDraft } from './decode-body.ts'
import { planDeletion } from './deletion.ts'
import type { ListResponse, lister } from './list.ts'
import { checkPreconditions } from './metadata.ts'
import type { ApiRequest } from './request.ts'

interface Dependencies extends Pick<WriteDependencies, 'access' | 'admission' | 'commits' | 'clock'> {
  readonly list: ReturnType<typeof lister>
}

const policies = ['Foreground', 'Background', 'Orphan']
/** How many deletions of a collection are under way at a time. */
const deletionsAtOnce = 16

/** DELETE of one object, and of a whole selection. */
export function deleter({ access, admission, commits, clock, list }: Dependencies) {
  async function remove(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    const { namespace, name = '', options = {} } = request
    checkOptions(options)
    for (;;) {
      const old = await access.stored(kind, namespace, name)
      if (!old) throw notFound(kind, name)
      checkPreconditions(kind, options.preconditions ?? {}, old.object)
      const refusal = kind.deletion.forbidden?.(old.object)
      if (refusal) throw forbiddenError(kind, name, refusal)
      const attempt = attemptOf(kind, request, old.object)
      await admission.admit(attempt)
      await admission.check(attempt)
      const { warnings } = attempt
      const { action, object } = planDeletion(kind, old.object, options, clock.now())
      if (action === 'none') return { type: 'object', status: 200, stored: old, object: old.object, warnings }
      if (options.dryRun) return answer(kind, action, deepFreeze(object) as KubeObject, warnings)
      const written = await commits[action === 'remove' ? 'remove' : 'put'](request, kind, object, old)
      if (written) return { ...answer(kind, action, written.object, warnings), ...(action === 'mark' && { stored: written }) }
      if (options.preconditions?.resourceVersion !== undefined) throw conflict(kind, name, staleMessage)
    }
  }

  /** Answers the objects that were selected. One that is gone meanwhile is fine; any other refusal ends it. */
  async function removeCollection(kind: AnyKind, request: ApiRequest): Promise<ListResponse> {
    const { namespace, options = {} } = request
    checkOptions(options)
    const selected = await list(kind, namespace, options)
    const waiting = [...selected.items].reverse()
    const work = async () => {
      for (let item = waiting.pop(); item; item = waiting.pop()) {
        const { name, namespace } = item.object.metadata
        const one = { ...request, name, ...(namespace && { namespace }) }
        await remove(kind, one).catch(ignore('NotFound'))
      }
    }
    await Promise.all(Array.from({ length: deletionsAtOnce }, work))
    return selected
  }

  return { remove, removeCollection }
}

function attemptOf(kind: AnyKind, { name, user, annotate, options = {} }: ApiRequest, old: KubeObject): Attempt {
  const isDryRun = options.dryRun === true
  const { namespace } = old.metadata
  const object = old as AnyDraft // frozen: nobody changes what is about to go
  return {
    operation: 'DELETE',
    kind,
    namespace,
    name,
    subresource: undefined,
    user,
    isDryRun,
    options,
    object,
    old,
    warnings: [],
    annotate,
  }
}

/** The object as long as there is one; a Success status once it is gone, for most kinds. */
function answer(kind: AnyKind, action: 'remove' | 'mark', object: KubeObject, warnings: readonly string[]): ObjectResponse {
  const isGone = action === 'remove' && !kind.deletion.answersObject
  return { type: 'object', status: 200, object: isGone ? success(kind, object.metadata) : object, warnings }
}

function success(kind: AnyKind, { name, uid }: KubeObject['metadata']): Omit<Status, 'code'> {
  const details = { name, ...(kind.group && { group: kind.group }), kind: kind.plural, uid }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}

function checkOptions({ propagationPolicy, gracePeriodSeconds }: CallOptions): void {
  const errors = []
  if (propagationPolicy && !policies.includes(propagationPolicy)) {
    errors.push(fieldError.notSupported('propagationPolicy', propagationPolicy, [...policies, 'nil']))
  }
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds)) {
    errors.push(fieldError.invalid('gracePeriodSeconds', gracePeriodSeconds, 'must be a whole number'))
  }
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
}
