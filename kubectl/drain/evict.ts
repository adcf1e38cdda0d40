import { ApiError, isReason } from '../../api/errors.ts'
import type { CommandContext } from '../command.ts'
import { untilGone } from '../gone.ts'
import { callOf } from '../objects.ts'
import type { Resource } from '../resources.ts'
import type { Session } from '../session.ts'
import type { DrainPod } from './plan.ts'

export interface EvictOptions {
  readonly context: CommandContext
  readonly session: Session
  readonly pods: Resource
  /** Negative: each pod's own. */
  readonly gracePeriodSeconds: number
  /** Delete rather than evict: budgets do not count then. */
  readonly bypassBudgets: boolean
  readonly dryRun: boolean
  /** Aborts at Ctrl-C and when the time for draining is up. */
  readonly signal: AbortSignal
}

/** A pod that its budget does not let go is asked again so often. */
const retryInMs = 5_000

/** Evicts pods, all at a time, and resolves when they have gone. Answers what kept some from going. */
export async function evictAll(pods: readonly DrainPod[], options: EvictOptions): Promise<string[]> {
  const faults = await Promise.all(
    pods.map(pod =>
      evictOne(pod, options).then(
        () => undefined,
        (error: Error) => error.message,
      ),
    ),
  )
  return faults.filter(fault => fault !== undefined)
}

async function evictOne(pod: DrainPod, options: EvictOptions): Promise<void> {
  const { context, session, pods, dryRun, signal } = options
  const { name, namespace = '', uid } = pod.metadata
  for (;;) {
    context.io.out(
      `${options.bypassBudgets ? 'deleting' : 'evicting'} pod ${namespace}/${name}${dryRun ? ' (server dry run)' : ''}\n`,
    )
    const error = await askToGo(pod, options).catch((refusal: unknown) => refusal)
    if (error === undefined || isReason(error, 'NotFound')) break
    const what = `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}`
    const message = error instanceof Error ? error.message : String(error)
    if (!isReason(error, 'TooManyRequests') && !isNamespaceGoing(error)) throw new Error(`${what}: ${message}`)
    context.io.err(`${what} (will retry after ${retryInMs / 1000}s): ${message}\n`)
    await context.io.sleep(retryInMs, signal)
    if (signal.aborted) throw new Error(`${what}: global timeout reached`)
  }
  if (dryRun) return
  const [late] = await untilGone(session, [{ resource: pods, namespace, name, uid }], signal)
  if (late)
    throw new Error(
      `error when waiting for pod ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)} to terminate: global timeout reached`,
    )
  context.io.out(`pod/${name} ${options.bypassBudgets ? 'deleted' : 'evicted'}\n`)
}

async function askToGo(
  pod: DrainPod,
  { session, pods, gracePeriodSeconds, bypassBudgets, dryRun }: EvictOptions,
): Promise<undefined> {
  const { name, namespace } = pod.metadata
  const grace = gracePeriodSeconds >= 0 ? { gracePeriodSeconds } : {}
  if (bypassBudgets) {
    const options = { ...grace, ...(dryRun && { dryRun: true }) }
    await session.transport.call(callOf('delete', pods, { namespace, name }, { options }))
    return
  }
  const deleteOptions = { ...grace, ...(dryRun && { dryRun: ['All'] }) }
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions }
  const options = dryRun ? { dryRun: true } : {}
  await session.transport.call(callOf('create', pods, { namespace, name, subresource: 'eviction' }, { body, options }))
}

/** The pod's namespace is being deleted: the pod will go, only not by us. */
const isNamespaceGoing = (error: unknown) =>
  error instanceof ApiError &&
  error.status.reason === 'Forbidden' &&
  error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true
