import { Event } from '../../api/core/event.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { ApiError, conflict, forbiddenError, staleMessage } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { compareQuantities, type Quantity } from '../../api/quantity.ts'
import { type Amounts, addTo, describeAmounts, increase, only, readAmounts, writeAmounts, zero } from '../../api/quota/amounts.ts'
import type { CountedWrite } from '../../api/quota/evaluator.ts'
import { covers, evaluatorOf } from '../../api/quota/evaluators.ts'
import type { KubeObject } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import { deferred } from '../../lib/deferred.ts'
import { copy } from '../../lib/json.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'
import type { AnyDraft } from '../decode-body.ts'
import type { Stored } from '../request.ts'

/** There are many, and they go by themselves. */
const uncounted: ReadonlySet<AnyKind> = new Set([Event])

/**
 * Nothing is stored that would use more than a quota of its namespace allows; what is stored is charged first (semantics B16,
 * k8s.io/apiserver/pkg/admission/plugin/resourcequota). Those who wait for the same namespace are charged together: one write of a
 * quota for all of them. The controller gives back what is deleted, and what was charged for a write that failed after all.
 */
export const resourceQuota: AdmissionStep = {
  name: 'ResourceQuota',
  operations: ['CREATE', 'UPDATE'],
  subresources: ['status', 'resize'],
  charge(attempt, context) {
    const { kind, namespace } = attempt
    if (context.access.hasNone(ResourceQuota)) return undefined
    if (!namespace || uncounted.has(kind) || !evaluatorOf(kind).handles(countedWrite(attempt))) return undefined
    return queued(attempt, namespace, context)
  },
}

const countedWrite = ({ operation, subresource, object, old }: Attempt): CountedWrite => ({
  operation: operation === 'CREATE' ? 'CREATE' : 'UPDATE',
  subresource,
  object: object as unknown as KubeObject,
  old,
})

interface Waiting {
  readonly attempt: Attempt
  readonly done: ReturnType<typeof deferred<void>>
}

/** Who waits to be charged, by namespace; one map for each server. */
const queues = new WeakMap<AdmissionContext, Map<string, Waiting[]>>()

/** Resolves when it has been charged. */
async function queued(attempt: Attempt, namespace: string, context: AdmissionContext): Promise<void> {
  if ((await context.access.inNamespace(ResourceQuota, namespace)).length === 0) return undefined
  let queue = queues.get(context)
  if (!queue) queues.set(context, (queue = new Map()))
  const waiting: Waiting = { attempt, done: deferred<void>() }
  const line = queue.get(namespace)
  if (line) line.push(waiting)
  else void serve(queue, namespace, waiting, context)
  return waiting.done.promise
}

/** Charges whoever waits, together, until nobody does. */
async function serve(queue: Map<string, Waiting[]>, namespace: string, first: Waiting, context: AdmissionContext): Promise<void> {
  let batch = [first]
  while (batch.length > 0) {
    const next: Waiting[] = []
    queue.set(namespace, next)
    try {
      await chargeAll(batch, namespace, context)
    } catch (error) {
      for (const { done } of batch) done.reject(error)
    }
    batch = next
  }
  queue.delete(namespace)
}

/** A quota while charges are added to it. */
interface Account {
  readonly stored: Stored
  readonly quota: ResourceQuota
  readonly hard: Amounts
  readonly used: Record<string, Quantity>
  isChanged: boolean
}

const mostAttempts = 10

async function chargeAll(batch: readonly Waiting[], namespace: string, context: AdmissionContext): Promise<void> {
  let open = batch
  let names: ReadonlySet<string> | undefined // of the quotas that somebody else has changed meanwhile
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const quotas = await context.access.inNamespace(ResourceQuota, namespace)
    const accounts = quotas.map(accountOf).filter(({ quota }) => !names || names.has(quota.metadata.name))
    open = open.filter(waiting => settle(waiting, accounts, context.clock.now()))
    const changed = accounts.filter(({ isChanged }) => isChanged)
    const written = await Promise.all(changed.map(account => write(account, context)))
    names = new Set(changed.filter((_, i) => !written[i]).map(({ quota }) => quota.metadata.name))
    if (names.size > 0) continue
    for (const { done } of open) done.resolve()
    return
  }
  for (const { done } of open) done.reject(conflict(ResourceQuota, [...(names ?? [])].join(), staleMessage))
}

function accountOf(stored: Stored): Account {
  const quota = stored.object as unknown as ResourceQuota
  return { stored, quota, hard: readAmounts(quota.status.hard), used: readAmounts(quota.status.used), isChanged: false }
}

/** Adds what somebody's object uses to the accounts, or refuses it. Answers whether the accounts have to be written before it may go on. */
function settle({ attempt, done }: Waiting, accounts: readonly Account[], now: number): boolean {
  try {
    const charges = chargesOf(attempt, accounts, now)
    if (attempt.isDryRun || charges.length === 0) {
      done.resolve()
      return false
    }
    for (const { account, delta } of charges) {
      addTo(account.used, delta)
      account.isChanged = true
    }
    return true
  } catch (error) {
    done.reject(error instanceof ApiError ? error : new ApiError('InternalError', `quota: ${String(error)}`, { cause: error }))
    return false
  }
}

/** What an object adds to each quota that covers it; Forbidden if that is more than there is left. */
function chargesOf(attempt: Attempt, accounts: readonly Account[], now: number): { account: Account; delta: Amounts }[] {
  const { kind, subresource } = attempt
  const { object, old } = countedWrite(attempt)
  const evaluator = evaluatorOf(kind)
  const forbid = (why: string) => forbiddenError(kind, object.metadata.name, why)
  const covering = accounts.filter(({ quota, hard }) => covers(quota, Object.keys(hard), evaluator, object))
  for (const { quota, hard, used } of covering) {
    const { name } = quota.metadata
    const restricted = Object.keys(hard).filter(evaluator.counts)
    const missing = evaluator.missing?.(restricted, object)
    if (missing) throw forbid(`failed quota: ${name}: ${missing}`)
    if (!restricted.every(each => used[each])) {
      throw forbid(`status unknown for quota: ${name}, resources: ${restricted.sort().join(',')}`)
    }
  }
  const uses = evaluator.usage(object, now)
  const charges: { account: Account; delta: Amounts }[] = []
  for (const account of covering) {
    const { quota, hard, used } = account
    const before = old && covers(quota, Object.keys(hard), evaluator, old) ? evaluator.usage(old, now) : {}
    const delta = only(increase(uses, before), name => name in hard)
    const exceeded = new Set(Object.keys(delta).filter(name => exceeds(used[name], delta[name], hard[name])))
    if (exceeded.size > 0 && subresource !== 'status') {
      const shown = (amounts: Amounts) => describeAmounts(only(amounts, name => exceeded.has(name)))
      const { name } = quota.metadata
      throw forbid(`exceeded quota: ${name}, requested: ${shown(delta)}, used: ${shown(used)}, limited: ${shown(hard)}`)
    }
    if (Object.keys(delta).length > 0) charges.push({ account, delta })
  }
  return charges
}

function exceeds(used: Quantity = zero, more: Quantity = zero, hard: Quantity = zero): boolean {
  return compareQuantities({ nano: used.nano + more.nano, format: hard.format }, hard) > 0
}

/** Undefined: somebody was faster. */
function write({ stored, quota, used }: Account, { commits }: AdmissionContext): Promise<Stored | undefined> {
  const { namespace, name } = quota.metadata
  const draft = copy(quota) as unknown as AnyDraft
  draft.status = { ...(draft.status as object), used: writeAmounts(used) }
  const target = { group: '', version: 'v1', resource: 'resourcequotas', subresource: 'status', namespace, name }
  return commits.put({ verb: 'update', ...target, user: users.apiServer }, ResourceQuota, draft, stored)
}
