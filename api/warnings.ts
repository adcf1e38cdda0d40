import { canonicalIp, parseCidr } from './addresses.ts'
import { labelName } from './names.ts'
import { parseQuantity } from './quantity.ts'

/**
 * What people are told beside an answer although nothing is wrong: things that are deprecated, or that do not do what they seem to.
 * Texts are upstream's (k8s.io/kubernetes/pkg/api, the WarningsOnCreate of its strategies).
 */

/** Label keys of nodes that have had their time (pkg/api/node/util.go). */
const deprecatedLabels = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
])

/** What is to be said about a node label; undefined: nothing. */
export const labelDeprecation = (key: string): string | undefined => deprecatedLabels.get(key)

/** Warnings of a map of node labels that something selects. */
export function selectedLabelWarnings(
  labels: Readonly<Record<string, string>> | undefined,
  warn: (key: string, why: string) => string,
) {
  const warnings: string[] = []
  for (const key in labels) {
    const why = labelDeprecation(key)
    if (why) warnings.push(warn(key, why))
  }
  return warnings
}

/** Warnings of expressions about node labels. */
export function expressionWarnings(
  expressions: readonly { readonly key: string }[] | undefined,
  at: string,
  field = 'matchExpressions',
): string[] {
  const warnings: string[] = []
  for (const [i, { key }] of (expressions ?? []).entries()) {
    const why = labelDeprecation(key)
    if (why) warnings.push(`${at}.${field}[${i}].key: ${key} is ${why}`)
  }
  return warnings
}

/** A name that becomes part of names of pods and of host names. */
export function podNameWarnings(name: string): string[] {
  const faults = labelName(name)
  if (faults.length === 0) return []
  const why = 'this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended'
  return [`metadata.name: ${why}: [${faults.join(' ')}]`]
}

const plainInteger = /^\d+([KMGTPE]i|[kMGTPE])?$/

/** Half bytes. */
export function fractionWarnings(
  amounts: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
  at: string,
): string[] {
  const warnings: string[] = []
  for (const name of names) {
    const text = amounts?.[name]
    if (text === undefined || plainInteger.test(text) || parseQuantity(text).nano % 1_000_000_000n === 0n) continue
    warnings.push(`${at}[${name}]: fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`)
  }
  return warnings
}

/** An IPv4 address that is written as one of IPv6, as Go shows it. */
function unmapped(address: string): string {
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? []
  if (!high) return address
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

const isMapped = (text: string) => /^::ffff:\d+\.\d+\.\d+\.\d+/i.test(text)
const hasLeadingZeros = (text: string) => !text.includes(':') && /(^|\.)0\d/.test(text)

/** An address that is read, but not written as it should be (k8s.io/apimachinery/pkg/util/validation/ip.go). */
export function addressWarnings(field: string, text: string): string[] {
  const canonical = canonicalIp(text)
  if (canonical === undefined || canonical === text) return []
  if (isMapped(text) || hasLeadingZeros(text)) return [nonStandard(field, 'IP address', text, canonical)]
  return [`${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${canonical}")`]
}

/** The same of a CIDR. */
export function cidrWarnings(field: string, text: string): string[] {
  const cidr = parseCidr(text)
  if (!cidr) return []
  const [host = '', bits = ''] = text.split('/')
  const own = unmapped(canonicalIp(host) ?? host)
  const start = unmapped(cidr.address)
  const network = `${start}/${cidr.prefix - (start === cidr.address ? 0 : 96)}`
  const warnings: string[] = []
  if (own !== start) {
    const single = `${own}/${own.includes(':') ? 128 : 32}`
    warnings.push(`${field}: CIDR value "${text}" is ambiguous in this context (should be "${network}" or "${single}"?)`)
  }
  if (isMapped(host) || hasLeadingZeros(host) || /^0\d/.test(bits)) {
    warnings.push(nonStandard(field, 'CIDR value', text, network))
  }
  if (warnings.length === 0 && text !== network) {
    warnings.push(`${field}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${network}")`)
  }
  return warnings
}

const nonStandard = (field: string, what: string, text: string, better: string) =>
  `${field}: non-standard ${what} "${text}" will be considered invalid in a future Kubernetes release: use "${better}"`
