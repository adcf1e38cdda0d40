import { ApiError } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import { matchesLabels, parseFieldSelector, parseLabelSelector } from '../api/selectors.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import type { Stored } from './request.ts'
import { servedNow } from './served.ts'
import { listPrefix } from './store-keys.ts'

/** A field that must hold a value. */
export interface Requirement {
  readonly field: string
  readonly value: string
}

/** Which objects of a kind a list or watch is about. */
export interface Selection {
  /** Of the store's keys. */
  readonly prefix: string
  /** Absent: everything under the prefix. */
  readonly matches?: (object: Stored) => boolean
  /** An equality that every match fulfils: worth an index. */
  readonly trigger?: Requirement
  /** As `matches`, for an object that is in the version asked for. */
  readonly matchesServed?: (object: KubeObject) => boolean
}

/** Understands the selectors of a request; refuses bad syntax and unknown fields with BadRequest. */
export function selectionOf(kind: AnyKind, namespace: string | undefined, options: CallOptions): Selection {
  const prefix = listPrefix(kind, kind.namespaced ? namespace : undefined)
  const labels = options.labelSelector ? parsed(() => parseLabelSelector(options.labelSelector ?? '')) : undefined
  const fields = options.fieldSelector ? parsed(() => parseFieldSelector(options.fieldSelector ?? '')) : []
  if (!labels && fields.length === 0) return { prefix }
  for (const { field } of fields) checkSelectable(kind, field)
  const matchesServed = (object: KubeObject) => {
    for (const { field, operator, value } of fields) {
      if ((selectableValue(kind, field, object) === value) !== (operator === '=')) return false
    }
    return !labels || matchesLabels(labels, object.metadata.labels)
  }
  const isConverted = kind.storedAs !== undefined && fields.some(({ field }) => !isCommon(field))
  // The cache's indexes are about objects as they are kept.
  const equality = fields.find(({ operator, field }) => operator === '=' && (!isConverted || isCommon(field)))
  return {
    prefix,
    ...(equality && { trigger: { field: equality.field, value: equality.value } }),
    matchesServed,
    matches(item) {
      if (!isConverted) return matchesServed(item.object)
      const shown = servedNow(kind, item)
      return !shown || matchesServed(shown.object) // one that has to be converted elsewhere is looked at again afterwards
    },
  }
}

const isCommon = (field: string) => field === 'metadata.name' || field === 'metadata.namespace'

/** Whether a selection compares fields that are not the same in all versions of a kind. */
export function needsServedObject({ storedAs }: AnyKind, { fieldSelector }: CallOptions): boolean {
  return !!storedAs && !!fieldSelector && parsed(() => parseFieldSelector(fieldSelector)).some(({ field }) => !isCommon(field))
}

/** The name that a selector narrows a list or watch down to: authorization treats it as the request's name. */
export function selectedName(options: CallOptions | undefined): string | undefined {
  const exact = /(?:^|,)metadata\.name==?([^,!=]+)/.exec(options?.fieldSelector ?? '')
  return exact?.[1]
}

/** What a field selector compares with. */
export function selectableValue(kind: AnyKind, field: string, object: KubeObject): string {
  if (field === 'metadata.name') return object.metadata.name
  if (field === 'metadata.namespace') return object.metadata.namespace ?? ''
  return String(kind.selectableFields[field]?.(object) ?? '')
}

/** The two refusals: kinds with selectable fields of their own have a shorter one (k8s.io/kubernetes/pkg/apis/core/v1/conversion.go). */
function checkSelectable(kind: AnyKind, field: string): void {
  const own = Object.keys(kind.selectableFields).length > 0
  if (field === 'metadata.name' || Object.hasOwn(kind.selectableFields, field)) return
  if (field === 'metadata.namespace' && (kind.namespaced || !own)) return
  if (kind.unselectable) throw new ApiError('BadRequest', kind.unselectable(field))
  if (own) throw new ApiError('BadRequest', `field label not supported: ${field}`)
  throw new ApiError(
    'BadRequest',
    `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  )
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw new ApiError('BadRequest', error instanceof Error ? error.message : String(error), { cause: error })
  }
}
