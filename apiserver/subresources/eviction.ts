import type { Pod } from '../../api/core/pod.ts'
import { ApiError, isReason, notFound } from '../../api/errors.ts'
import { fieldError, invalidObject } from '../../api/field-errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { Eviction, EvictionV1Beta1 } from '../../api/policy/eviction.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import type { CallOptions } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import { timestamp } from '../../lib/clock.ts'
import type { Attempt } from '../admission.ts'
import { type AnyDraft, decodeBody, isRecord } from '../decode-body.ts'
import { checkPreconditions } from '../metadata.ts'
import type { ApiRequest } from '../request.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'
import { budgetOf, disrupt, maySkip, stillProcessed } from './disruption-budget.ts'

/** How often a pod that changes all the time is looked at again. */
const mostAttempts = 20

/**
 * POST pods/x/eviction: asks the pod's budget, tells the pod why it goes, then deletes it
 * (k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go).
 */
export function eviction({ access, rewrite, remove, clock, admission }: SubresourceDependencies): SubresourceHandler {
  /** Marks the pod and deletes it, if it still is what it was when somebody looked. */
  async function evict(kind: AnyKind, request: ApiRequest, options: CallOptions, seen?: string): Promise<void> {
    const preconditions = { ...options.preconditions, ...(seen !== undefined && { resourceVersion: seen }) }
    if (!options.dryRun) {
      const now = timestamp(clock.now())
      const { object } = await rewrite(kind, request, old => {
        checkPreconditions(kind, preconditions, old)
        return disrupted(old as unknown as Pod, now) as unknown as AnyDraft
      })
      if (preconditions.resourceVersion !== undefined) preconditions.resourceVersion = object.metadata.resourceVersion
    }
    await remove(kind, { ...request, options: { ...options, preconditions } })
  }

  async function read(kind: AnyKind, { namespace, name = '' }: ApiRequest): Promise<Pod> {
    const pod = (await access.get(kind, namespace, name)) as Pod | undefined
    if (!pod) throw notFound(kind, name)
    return pod
  }

  /** Takes one disruption off the budget. */
  async function spend(budget: PodDisruptionBudget, { name = '' }: ApiRequest, dryRun: boolean): Promise<void> {
    const { namespace, name: budgetName } = budget.metadata
    const target = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', subresource: 'status' }
    const request: ApiRequest = {
      verb: 'update',
      ...target,
      namespace,
      name: budgetName,
      options: { dryRun },
      user: users.apiServer,
    }
    await rewrite(PodDisruptionBudget, request, old => disrupt(old as unknown as PodDisruptionBudget, name, clock.now()))
  }

  /** Pods that have not begun, have ended or are on their way out need no budget. Answers whether it was one of these. */
  async function evictFreely(kind: AnyKind, request: ApiRequest, options: CallOptions): Promise<boolean> {
    const isPinned = options.preconditions?.resourceVersion !== undefined
    for (let attempt = 1; ; attempt++) {
      const { metadata, status } = await read(kind, request)
      const isOver = status.phase === 'Succeeded' || status.phase === 'Failed' || metadata.deletionTimestamp !== undefined
      if (!isOver && status.phase !== 'Pending') return false
      try {
        await evict(kind, request, options, isOver || isPinned ? undefined : metadata.resourceVersion)
        return true
      } catch (error) {
        if (isPinned || !isReason(error, 'Conflict') || attempt === mostAttempts) throw error
      }
    }
  }

  return async (kind, request) => {
    const attempt = attemptOf(kind, request)
    const { warnings } = attempt
    await admission?.admit(attempt)
    const options = deletionOf(attempt.object as unknown as Eviction, request)
    await admission?.check(attempt)
    const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
    const answer = { type: 'object', status: 201, object: success, warnings } as const
    if (await evictFreely(kind, request, options)) return answer
    const pod = await read(kind, request)
    const budget = await budgetOf(pod, access)
    const skips = budget !== undefined && maySkip(budget, pod)
    if (budget && !skips) await spend(budget, request, options.dryRun === true)
    try {
      await evict(kind, request, options, skips ? pod.metadata.resourceVersion : undefined)
    } catch (error) {
      const isRace = skips && isReason(error, 'Conflict') && options.preconditions?.resourceVersion === undefined
      throw isRace ? stillProcessed(budget.metadata.name) : error
    }
    return answer
  }
}

/** The eviction as admission sees it. Clients of old send policy/v1beta1. */
function attemptOf(kind: AnyKind, request: ApiRequest): Attempt {
  const { body, duplicates, options = {}, namespace, name, subresource, user, annotate } = request
  const objectKind = isRecord(body) && body.apiVersion === 'policy/v1beta1' ? EvictionV1Beta1 : Eviction
  const { draft, warnings } = decodeBody(objectKind, body, { fieldValidation: options.fieldValidation, duplicates })
  const isDryRun = options.dryRun === true
  const about = { namespace, name, subresource, user, isDryRun, options, annotate }
  return { operation: 'CREATE', kind, ...about, object: draft, objectKind, old: undefined, warnings: [...warnings] }
}

/** How the pod is to be deleted. */
function deletionOf({ metadata, deleteOptions = {} }: Eviction, request: ApiRequest): CallOptions {
  const { dryRun } = request.options ?? {}
  if (metadata.name !== request.name) {
    throw new ApiError('BadRequest', 'name in URL does not match name in Eviction object')
  }
  const { gracePeriodSeconds, propagationPolicy, preconditions } = deleteOptions
  if (deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential) {
    const field = 'deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential'
    const why = 'can not be set for pod eviction, try after removing the option'
    throw invalidObject(Eviction, metadata.name, [fieldError.invalid(field, true, why)])
  }
  return {
    dryRun: dryRun === true || deleteOptions.dryRun?.includes('All') === true,
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(preconditions && { preconditions }),
  }
}

const reason = 'EvictionByEvictionAPI'
const message = 'Eviction API: evicting'

/** The pod with DisruptionTarget=True; one that says so already stays as it is. */
function disrupted(pod: Pod, now: string): Pod {
  const { conditions = [] } = pod.status
  const told = conditions.find(({ type }) => type === 'DisruptionTarget')
  const isTold = told?.status === 'True' && told.reason === reason && told.message === message
  if (pod.metadata.deletionTimestamp || isTold) return { ...pod, metadata: { ...pod.metadata } }
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: now } as const
  const others = conditions.filter(({ type }) => type !== 'DisruptionTarget')
  return { ...pod, metadata: { ...pod.metadata }, status: { ...pod.status, conditions: [...others, condition] } }
}
