import type { LimitRange } from '../../api/core/limit-range.ts'
import type { ResourceQuota } from '../../api/core/resource-quota.ts'
import { formatQuantity, parseQuantity, quantityOf, value } from '../../api/quantity.ts'
import type { Describer } from './around.ts'
import { page as newPage, type Page } from './page.ts'
import { heading } from './parts.ts'

const scopeTexts: Readonly<Record<string, string>> = {
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
}

export const describeQuota: Describer<ResourceQuota> = quota => {
  const page = newPage()
  heading(page, quota)
  scopes(page, 0, ' * ', quota)
  page.line(0, 'Resource\tUsed\tHard')
  page.line(0, '--------\t----\t----')
  for (const [name, used, hard] of amounts(quota)) page.line(0, `${name}\t${inFormatOf(hard, used)}\t${hard}`)
  return page.text()
}

/** How much of a namespace's quotas is used. */
export function quotas(page: Page, list: readonly ResourceQuota[]): void {
  if (list.length === 0) return page.line(0, 'No resource quota.')
  page.line(0, 'Resource Quotas')
  for (const quota of [...list].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    page.line(1, `Name:\t${quota.metadata.name}`)
    scopes(page, 1, '* ', quota)
    page.line(1, 'Resource\tUsed\tHard')
    page.line(1, '--------\t---\t---')
    for (const [name, used, hard] of amounts(quota)) page.line(1, `${name}\t${used}\t${hard}`)
  }
}

function scopes(page: Page, level: number, bullet: string, { spec }: ResourceQuota): void {
  const names = [...(spec.scopes ?? [])].sort()
  if (names.length === 0) return
  page.line(level, `Scopes:\t${names.join(', ')}`)
  for (const name of names) if (scopeTexts[name]) page.line(level, `${bullet}${scopeTexts[name]}`)
}

function amounts({ status }: ResourceQuota): [name: string, used: string, hard: string][] {
  const names = Object.keys(status.hard ?? {}).sort()
  return names.map(name => [name, status.used?.[name] ?? '0', status.hard?.[name] ?? '0'])
}

/** An amount in powers of ten or of two, as another one is. */
function inFormatOf(model: string, amount: string): string {
  const { format } = parseQuantity(model)
  return parseQuantity(amount).format === format ? amount : formatQuantity(quantityOf(value(amount), format))
}

export const describeLimitRange: Describer<LimitRange> = range => {
  const page = newPage()
  heading(page, range)
  page.line(0, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio')
  page.line(0, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------')
  limits(page, '', range)
  return page.text()
}

/** A namespace's limits, all in one table. */
export function limitRanges(page: Page, list: readonly LimitRange[]): void {
  if (list.length === 0) return page.line(0, 'No LimitRange resource.')
  page.line(0, 'Resource Limits')
  page.line(0, ' Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio')
  page.line(0, ' ----\t--------\t---\t---\t---------------\t-------------\t-----------------------')
  for (const range of list) limits(page, ' ', range)
}

function limits(page: Page, indent: string, { spec }: LimitRange): void {
  for (const { type, min, max, defaultRequest, default: usual, maxLimitRequestRatio } of spec.limits) {
    const maps = [min, max, defaultRequest, usual, maxLimitRequestRatio]
    const names = new Set(maps.flatMap(map => Object.keys(map ?? {})))
    for (const name of [...names].sort()) {
      page.line(0, [`${indent}${type}`, name, ...maps.map(map => map?.[name] ?? '-')].join('\t'))
    }
  }
}
