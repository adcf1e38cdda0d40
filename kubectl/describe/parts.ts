import type { Taint } from '../../api/core/node-spec.ts'
import { ageOf } from '../../api/duration.ts'
import { taintText } from '../../api/placement/tolerations.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Page } from './page.ts'

const longest = 140
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (number: number) => String(number).padStart(2, '0')

/** A moment in local time as RFC 1123 has it, with the offset in figures. */
export function longTime(timestamp: string | undefined): string {
  if (!timestamp) return 'Mon, 01 Jan 0001 00:00:00 +0000'
  const at = new Date(timestamp)
  const offset = -at.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  const day = `${days[at.getDay()]}, ${two(at.getDate())} ${months[at.getMonth()]} ${at.getFullYear()}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone}`
}

/** A moment in local time as Go prints it: `2026-01-01 12:00:00 +0000 UTC`. */
export function goTime(timestamp: string): string {
  const at = new Date(timestamp)
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const [, , , , time = '', zone = ''] = longTime(timestamp).split(' ')
  const name = Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')
  return `${date} ${time} ${zone} ${name?.value ?? ''}`
}

/** `Title:` and below one another what there is, or `<none>`. */
export function lines(page: Page, title: string, texts: readonly string[]): void {
  const [first = '<none>', ...rest] = texts
  page.line(0, `${title}:\t${first}`)
  for (const text of rest) page.line(0, `\t${text}`)
}

/** `key=value` for each, sorted. */
export function pairs(map: Readonly<Record<string, string>> | undefined): string[] {
  return Object.keys(map ?? {})
    .sort()
    .map(key => `${key}=${map?.[key]}`)
}

/** `a=b,c=d`, or `<none>`. */
export const onOneLine = (map: Readonly<Record<string, string>> | undefined) => pairs(map).join(',') || '<none>'

export function labels(page: Page, { metadata }: Pick<KubeObject, 'metadata'>): void {
  lines(page, 'Labels', pairs(metadata.labels))
}

/** What kubectl itself noted there is left out; long ones get lines of their own. */
export function annotations(page: Page, map: Readonly<Record<string, string>> | undefined, title = 'Annotations'): void {
  const texts = Object.keys(map ?? {})
    .filter(key => key !== lastApplied)
    .sort()
    .flatMap(key => {
      const value = (map?.[key] ?? '').replace(/\n$/, '')
      if (value.length + key.length + 2 <= longest && !value.includes('\n')) return [`${key}: ${value}`]
      return [`${key}:`, ...value.split('\n').map(line => `  ${shorten(line, longest - 2)}`)]
    })
  lines(page, title, texts)
}

const shorten = (text: string, length: number) => (text.length > length ? `${text.slice(0, length)}...` : text)

/** Name and, where it has one, namespace. */
export function heading(page: Page, { metadata }: Pick<KubeObject, 'metadata'>): void {
  page.line(0, `Name:\t${metadata.name}`)
  if (metadata.namespace !== undefined) page.line(0, `Namespace:\t${metadata.namespace}`)
}

export function controlledBy(page: Page, { metadata }: Pick<KubeObject, 'metadata'>): void {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (owner) page.line(0, `Controlled By:\t${owner.kind}/${owner.name}`)
}

/** `Terminating (lasts 5s)` for what is on its way out, else the phase. */
export function statusText({ metadata }: Pick<KubeObject, 'metadata'>, phase: string | undefined, now: number): string {
  return metadata.deletionTimestamp ? `Terminating (lasts ${ageOf(metadata.deletionTimestamp, now)})` : (phase ?? '')
}

export function taints(page: Page, list: readonly Taint[] | undefined): void {
  const key = ({ effect, key }: Taint) => `${effect},${key}`
  const sorted = [...(list ?? [])].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  lines(
    page,
    'Taints',
    sorted.map(taint => taintText(taint)),
  )
}

export interface Toleration {
  readonly key?: string | undefined
  readonly operator?: string | undefined
  readonly value?: string | undefined
  readonly effect?: string | undefined
  readonly tolerationSeconds?: number | undefined
}

export function tolerations(page: Page, list: readonly Toleration[] | undefined, title: string): void {
  const sorted = [...(list ?? [])].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : (a.key ?? '') > (b.key ?? '') ? 1 : 0))
  lines(page, title, sorted.map(tolerationText))
}

function tolerationText({ key = '', operator, value, effect, tolerationSeconds }: Toleration): string {
  const exists = operator === 'Exists' && !value
  const what = `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`
  const how = exists ? `${what ? ' ' : ''}op=Exists` : ''
  return `${what}${how}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string | undefined
}

/** Type, status and reason of the conditions of a workload. */
export function workloadConditions(page: Page, conditions: readonly Condition[] | undefined): void {
  if (!conditions?.length) return
  page.line(0, 'Conditions:')
  page.line(0, '  Type\tStatus\tReason')
  page.line(1, '----\t------\t------')
  for (const { type, status, reason = '' } of conditions) page.line(1, `${type} \t${status}\t${reason}`)
}

/** As Go prints a list of texts. */
export const goList = (texts: readonly string[] | undefined) => `[${(texts ?? []).join(' ')}]`
