import type { LimitRange } from '../../api/core/limit-range.ts'
import type { Namespace } from '../../api/core/namespace.ts'
import type { ResourceQuota } from '../../api/core/resource-quota.ts'
import { ApiError, isReason } from '../../api/errors.ts'
import type { Around, Describer } from './around.ts'
import { page as newPage } from './page.ts'
import { annotations, labels, longTime } from './parts.ts'
import { limitRanges, quotas } from './quota.ts'

export const describeNamespace: Describer<Namespace> = async (namespace, around) => {
  const { metadata, status } = namespace
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, namespace)
  annotations(page, metadata.annotations)
  page.line(0, `Status:\t${status.phase}`)
  if (status.conditions?.length) {
    page.line(0, 'Conditions:')
    page.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage')
    page.line(1, '----\t------\t------------------\t------\t-------')
    for (const { type, status: is, lastTransitionTime, reason = '', message = '' } of status.conditions) {
      page.line(1, [type, is, longTime(lastTransitionTime), reason, message].join('\t'))
    }
  }
  const quotaList = await listed<ResourceQuota>(around, 'resourcequotas', metadata.name)
  const rangeList = await listed<LimitRange>(around, 'limitranges', metadata.name)
  if (quotaList) {
    page.line(0, '')
    quotas(page, quotaList)
  }
  if (rangeList) {
    page.line(0, '')
    limitRanges(page, rangeList)
  }
  return page.text()
}

/** Undefined where the server has no such resource. */
async function listed<T>(around: Around, resource: string, namespace: string): Promise<readonly T[] | undefined> {
  try {
    return await around.list<T>(resource, namespace)
  } catch (error) {
    if (error instanceof ApiError && !isReason(error, 'NotFound')) throw error
    return undefined
  }
}
