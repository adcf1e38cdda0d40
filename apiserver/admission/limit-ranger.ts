import { LimitRange, type LimitRangeItem } from '../../api/core/limit-range.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Draft } from '../../api/kind.ts'
import { compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../../api/quantity.ts'
import { type Amounts, readAmounts } from '../../api/quota/amounts.ts'
import { podAmounts } from '../../api/quota/pod-amounts.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'

const annotation = 'kubernetes.io/limit-ranger'

/**
 * Containers that say nothing get the requests and limits that their namespace has for them; none asks for less than the least or
 * more than the most that it allows (semantics B17; plugin/pkg/admission/limitranger).
 */
export const limitRanger: AdmissionStep = {
  name: 'LimitRanger',
  kinds: [Pod],
  operations: ['CREATE'],
  admit: (attempt, context) => (context.access.hasNone(LimitRange) ? undefined : completePod(attempt, context)),
  check: (attempt, context) => refuse(attempt, context, podFaults),
}

/** As for new pods, when running ones are resized. */
export const limitRangerOnResize: AdmissionStep = {
  name: 'LimitRanger',
  kinds: [Pod],
  operations: ['UPDATE'],
  subresources: ['resize'],
  check: (attempt, context) => (attempt.subresource === 'resize' ? refuse(attempt, context, podFaults) : undefined),
}

/** The same for claims, whose storage may change later on. */
export const limitRangerForClaims: AdmissionStep = {
  name: 'LimitRanger',
  kinds: [PersistentVolumeClaim],
  operations: ['CREATE', 'UPDATE'],
  check: (attempt, context) => refuse(attempt, context, claimFaults),
}

type Limits = readonly LimitRangeItem[]

async function limitsOf({ namespace, old }: Attempt, { access }: AdmissionContext): Promise<readonly Limits[]> {
  if (!namespace || old?.metadata.deletionTimestamp) return []
  const ranges = await access.inNamespace(LimitRange, namespace)
  return ranges.map(({ object }) => (object as unknown as LimitRange).spec.limits)
}

async function completePod(attempt: Attempt, context: AdmissionContext): Promise<void> {
  for (const limits of await limitsOf(attempt, context)) complete(attempt.object as unknown as Draft<Pod>, limits)
}

type FaultsOf = (object: never, limits: Limits) => string[]

const refuse = (attempt: Attempt, context: AdmissionContext, faultsOf: FaultsOf): Promise<void> | undefined =>
  context.access.hasNone(LimitRange) ? undefined : refuseBeyond(attempt, context, faultsOf)

async function refuseBeyond(attempt: Attempt, context: AdmissionContext, faultsOf: FaultsOf): Promise<void> {
  const { kind, object } = attempt
  for (const limits of await limitsOf(attempt, context)) {
    const faults = [...new Set(faultsOf(object as never, limits))]
    if (faults.length === 0) continue
    throw forbiddenError(kind, object.metadata.name, faults.length === 1 ? (faults[0] ?? '') : `[${faults.join(', ')}]`)
  }
}

/** Fills in what containers do not say, and writes down what it was. */
function complete({ metadata, spec }: Draft<Pod>, limits: Limits): void {
  const ofContainers = limits.filter(({ type }) => type === 'Container')
  const requests = Object.assign({}, ...ofContainers.map(each => each.defaultRequest)) as Record<string, string>
  const usual = Object.assign({}, ...ofContainers.map(each => each.default)) as Record<string, string>
  const notes: string[] = []
  const fill = (word: string, container: Draft<Pod>['spec']['containers'][number]) => {
    for (const [what, field, values] of [
      ['request', 'requests', requests],
      ['limit', 'limits', usual],
    ] as const) {
      const before = container.resources[field] ?? {}
      const added = Object.keys(values).filter(name => before[name] === undefined)
      if (added.length === 0) continue
      container.resources[field] = { ...before, ...Object.fromEntries(added.map(name => [name, values[name] ?? '0'])) }
      notes.push(`${added.sort().join(', ')} ${what} for ${word} ${container.name}`)
    }
  }
  for (const container of spec.containers) fill('container', container)
  for (const container of spec.initContainers ?? []) fill('init container', container)
  if (notes.length === 0) return
  metadata.annotations = { ...metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join('; ')}` }
}

interface Needs {
  readonly requests: Amounts
  readonly limits: Amounts
}

function podFaults({ spec }: Pod, limits: Limits): string[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  return limits.flatMap(limit => {
    if (limit.type === 'Pod') {
      return faultsOf(limit, { requests: podAmounts(spec, 'requests'), limits: podAmounts(spec, 'limits') })
    }
    if (limit.type !== 'Container') return []
    return containers.flatMap(({ resources }) =>
      faultsOf(limit, { requests: readAmounts(resources.requests), limits: readAmounts(resources.limits) }),
    )
  })
}

function claimFaults({ spec }: PersistentVolumeClaim, limits: Limits): string[] {
  const requests = readAmounts(spec.resources.requests)
  return limits
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap(({ type, min, max }) => [
      ...forEach(min, (name, least) => tooLittle(type, name, least, { requests, limits: {} })),
      ...forEach(max, (name, most) => {
        const request = requests[name]
        const rule = `maximum ${name} usage per ${type} is ${formatQuantity(most)}`
        if (!request) return `${rule}.  No request is specified`
        return isMore(request, most) ? `${rule}, but request is ${formatQuantity(request)}` : undefined
      }),
    ])
}

const faultsOf = ({ type, min, max, maxLimitRequestRatio }: LimitRangeItem, needs: Needs): string[] => [
  ...forEach(min, (name, least) => tooLittle(type, name, least, needs)),
  ...forEach(max, (name, most) => tooMuch(type, name, most, needs)),
  ...forEach(maxLimitRequestRatio, (name, ratio) => tooFarApart(type, name, ratio, needs)),
]

function forEach(
  amounts: Readonly<Record<string, string>> | undefined,
  check: (name: string, enforced: Quantity) => string | undefined,
): string[] {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => check(name, parseQuantity(text)) ?? [])
}

const isMore = (a: Quantity, b: Quantity) => compareQuantities(a, b) > 0

function tooLittle(type: string, name: string, least: Quantity, { requests, limits }: Needs): string | undefined {
  const [request, limit] = [requests[name], limits[name]]
  const rule = `minimum ${name} usage per ${type} is ${formatQuantity(least)}`
  if (!request) return `${rule}.  No request is specified`
  if (isMore(least, request)) return `${rule}, but request is ${formatQuantity(request)}`
  return limit && isMore(least, limit) ? `${rule}, but limit is ${formatQuantity(limit)}` : undefined
}

function tooMuch(type: string, name: string, most: Quantity, { requests, limits }: Needs): string | undefined {
  const [request, limit] = [requests[name], limits[name]]
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(most)}`
  if (!limit) return `${rule}.  No limit is specified`
  if (isMore(limit, most)) return `${rule}, but limit is ${formatQuantity(limit)}`
  return request && isMore(request, most) ? `${rule}, but request is ${formatQuantity(request)}` : undefined
}

function tooFarApart(type: string, name: string, ratio: Quantity, { requests, limits }: Needs): string | undefined {
  const [request, limit] = [requests[name], limits[name]]
  const rule = `${name} max limit to request ratio per ${type} is ${formatQuantity(ratio)}, but`
  if (!request || request.nano === 0n) return `${rule} no request is specified or request is 0`
  if (!limit || limit.nano === 0n) return `${rule} no limit is specified or limit is 0`
  const actual = Number(limit.nano) / Number(request.nano)
  return actual * 1e9 > Number(ratio.nano) ? `${rule} provided ratio is ${actual.toFixed(6)}` : undefined
}
