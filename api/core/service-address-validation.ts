import { familyOf, legacyIp } from '../addresses.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { supported } from '../validation.ts'
import { clusterFamilies, isHeadless, needsClusterIp } from './service-families.ts'
import type { ServiceSpec } from './service-spec.ts'

const families = ['IPv4', 'IPv6']
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']

/** The addresses and families of a service, and how they may change (pkg/apis/core/validation, pkg/registry/core/service/storage). */
export function validateAddresses(spec: ServiceSpec, old?: ServiceSpec): FieldError[] {
  const errors = old ? validateChange(spec, old) : []
  if (!needsClusterIp(spec)) return [...errors, ...absent(spec)]
  errors.push(...validateFields(spec, old))
  return errors.length > 0 ? errors : validateFamilies(spec, old)
}

/** An ExternalName is a name and nothing else. */
function absent({ clusterIPs, ipFamilies, ipFamilyPolicy }: ServiceSpec): FieldError[] {
  const given = { clusterIPs: clusterIPs?.length, ipFamilies: ipFamilies?.length, ipFamilyPolicy }
  return Object.entries(given)
    .filter(([, value]) => value)
    .map(([field]) => fieldError.forbidden(`spec.${field}`, 'may not be set for ExternalName services'))
}

function validateFields(spec: ServiceSpec, old?: ServiceSpec): FieldError[] {
  const { clusterIP, clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec
  const field = 'spec.clusterIPs'
  const errors: FieldError[] = []
  const invalid = (why: string) => errors.push(fieldError.invalid(field, clusterIPs, why))
  if (!clusterIP && clusterIPs.length > 0) invalid('must be empty when `clusterIP` is not specified')
  else if (clusterIP && clusterIPs.length === 0) errors.push(fieldError.required(field))
  else if (clusterIP && clusterIPs[0] !== clusterIP) invalid('first value must match `clusterIP`')
  for (const [i, family] of ipFamilies.entries()) {
    errors.push(...supported(`spec.ipFamilies[${i}]`, family, families))
    if (ipFamilies.indexOf(family) < i) errors.push(fieldError.duplicate(`spec.ipFamilies[${i}]`, family))
  }
  errors.push(...supported('spec.ipFamilyPolicy', ipFamilyPolicy, policies))
  const before = errors.length
  if (clusterIPs[0] === 'None' && clusterIPs.length > 1) invalid("'None' must be the first and only value")
  for (const [i, address] of clusterIPs.entries()) {
    if ((i === 0 && address === 'None') || old?.clusterIPs?.includes(address)) continue
    errors.push(...legacyIp(`${field}[${i}]`, address))
  }
  const areReadable = errors.length === before
  if (clusterIPs.length > 2) invalid('may only hold up to 2 values')
  if (!areReadable) return errors
  if (clusterIPs.length === 2 && familyOf(clusterIPs[0] ?? '') === familyOf(clusterIPs[1] ?? '')) {
    invalid('may specify no more than one IP for each IP family')
  }
  if (isHeadless(spec)) return errors
  for (const [i, address] of clusterIPs.entries()) {
    const family = ipFamilies[i]
    if (!family || !families.includes(family) || familyOf(address) === family) continue
    const why = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``
    errors.push(fieldError.invalid(`${field}[${i}]`, address, why))
  }
  return errors
}

function validateFamilies(spec: ServiceSpec, old?: ServiceSpec): FieldError[] {
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy = 'SingleStack' } = spec
  const errors: FieldError[] = []
  const policy = (why: string) => errors.push(fieldError.invalid('spec.ipFamilyPolicy', ipFamilyPolicy, why))
  if (ipFamilyPolicy === 'SingleStack') {
    const several = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
    if (clusterIPs.length === 2) policy(`${several} cluster IPs are specified`)
    if (ipFamilies.length === 2) policy(`${several} IP families are specified`)
  } else if (old) {
    const isFewer = (now: readonly string[], before: readonly string[] = []) => now.length > 0 && now.length < before.length
    if (isFewer(clusterIPs, old.clusterIPs)) policy("must be 'SingleStack' to release the secondary cluster IP")
    if (isFewer(ipFamilies, old.ipFamilies)) policy("must be 'SingleStack' to release the secondary IP family")
  }
  if (isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0) return errors
  for (const [i, address] of clusterIPs.entries()) {
    if (address === 'None' || i < ipFamilies.length) continue
    errors.push(fieldError.invalid(`spec.clusterIPs[${i}]`, clusterIPs, `${familyOf(address)} is not configured on this cluster`))
  }
  if (ipFamilyPolicy === 'RequireDualStack' && clusterFamilies.length < 2) {
    policy('this cluster is not configured for dual-stack services')
  }
  for (const [i, family] of ipFamilies.entries()) {
    if (clusterFamilies.includes(family)) continue
    errors.push(fieldError.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
  }
  return errors
}

/** Semantics E4: addresses stay, unless the service is or becomes an ExternalName. */
function validateChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (!needsClusterIp(spec) || !needsClusterIp(old)) return []
  const errors: FieldError[] = []
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec
  const { clusterIPs: oldIPs = [], ipFamilies: oldFamilies = [] } = old
  const addresses = (i: number, why: string) => errors.push(fieldError.invalid(`spec.clusterIPs[${i}]`, clusterIPs, why))
  const frees = (what: string) => {
    if (ipFamilyPolicy === 'SingleStack') return
    const why = `must be set to 'SingleStack' when releasing the secondary ${what}`
    errors.push(fieldError.invalid('spec.ipFamilyPolicy', ipFamilyPolicy ?? null, why))
  }
  if (isHeadless(spec) && isHeadless(old)) return errors
  if (clusterIPs.length === oldIPs.length) {
    for (const [i, ip] of oldIPs.entries()) if (ip !== clusterIPs[i]) addresses(i, 'may not change once set')
  } else if (oldIPs.length > 0) {
    if (clusterIPs.length === 0) addresses(0, 'primary clusterIP can not be unset')
    else if (clusterIPs[0] !== oldIPs[0]) addresses(0, 'may not change once set')
    if (clusterIPs.length === 1 && oldIPs.length === 2) frees('clusterIP')
  }
  if (isHeadless(spec) !== isHeadless(old)) return errors
  const changed = oldFamilies.some((family, i) => i < ipFamilies.length && ipFamilies[i] !== family)
  if (changed) errors.push(fieldError.invalid('spec.ipFamilies[0]', ipFamilies, 'may not change once set'))
  if (ipFamilies.length === 1 && oldFamilies.length === 2) frees('ipFamily')
  return errors
}
