import type { Pod } from '../../api/core/pod.ts'
import { milliValue, value } from '../../api/quantity.ts'

/** What the API tells of a pod's surroundings only later than its spec. */
export interface PodAddresses {
  readonly podIps: readonly string[]
  readonly hostIps: readonly string[]
}

/** What a fieldRef stands for; `undefined`: no such field (semantics C12, C13). */
export function fieldValue({ metadata, spec }: Pod, path: string, { podIps, hostIps }: PodAddresses): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace
    case 'metadata.uid':
      return metadata.uid
    case 'metadata.labels':
      return lines(metadata.labels)
    case 'metadata.annotations':
      return lines(metadata.annotations)
    case 'spec.nodeName':
      return spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return hostIps[0] ?? ''
    case 'status.hostIPs':
      return hostIps.join(',')
    case 'status.podIP':
      return podIps[0] ?? ''
    case 'status.podIPs':
      return podIps.join(',')
    default:
      return undefined
  }
}

function lines(map: Readonly<Record<string, string>> = {}): string {
  const keys = Object.keys(map).sort()
  return keys.map(key => `${key}=${quoted(map[key] ?? '')}`).join('\n')
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

/** As Go writes a text in quotes, which is the format of these files: what cannot be printed is escaped. */
function quoted(text: string): string {
  const escaped = text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, char => {
    const code = char.codePointAt(0) ?? 0
    const hex = (digits: number) => code.toString(16).padStart(digits, '0')
    return shortEscapes[char] ?? (code < 0x80 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`)
  })
  return `"${escaped}"`
}

interface ResourceField {
  readonly resource: string
  readonly divisor?: string | undefined
}

interface Resources {
  readonly requests?: Readonly<Record<string, string>> | undefined
  readonly limits?: Readonly<Record<string, string>> | undefined
}

/**
 * What a resourceFieldRef stands for: amount divided by the divisor, rounded up. Limits that nobody set are what the node
 * has to give; requests that nobody set are the limits or 0. `undefined`: no such resource.
 */
export function resourceValue(
  { requests = {}, limits = {} }: Resources,
  { resource, divisor = '0' }: ResourceField,
  allocatable: Readonly<Record<string, string>>,
): string | undefined {
  const [kind, ...rest] = resource.split('.')
  const name = rest.join('.')
  const isKnown = name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')
  if (!isKnown || (kind !== 'limits' && kind !== 'requests')) return undefined
  // Huge pages are never promised twice: without a limit there are none.
  const most = name.startsWith('hugepages-') ? '0' : (allocatable[name] ?? '0')
  const limit = limits[name] !== undefined && milliValue(limits[name]) > 0 ? limits[name] : most
  const amount = kind === 'limits' ? limit : (requests[name] ?? limits[name] ?? '0')
  if (name === 'cpu') return String(Math.ceil(milliValue(amount) / (milliValue(divisor) || 1000)))
  return String(Math.ceil(value(amount) / (value(divisor) || 1)))
}
