import type * as z from 'zod'
import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { compareQuantities, parseQuantity } from '../quantity.ts'
import { invalidWhen } from '../validation.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from './container.ts'

const volumePaths = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const envPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
/** What the conversion of field labels knows at all. */
const knownPaths = new Set([...volumePaths, ...envPaths, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase'])

/** A field that variables (`env`) or files (`volume`) may tell of a pod. */
export function validateFieldRef(
  { apiVersion, fieldPath }: z.output<typeof ObjectFieldSelector>,
  field: string,
  use: 'env' | 'volume',
): FieldError[] {
  const at = `${field}.fieldPath`
  if (apiVersion === '') return [fieldError.required(`${field}.apiVersion`)]
  if (fieldPath === '') return [fieldError.required(at)]
  const subscripted = /^(.+)\['(.*)'\]$/.exec(fieldPath)
  if (subscripted) {
    const [, path = '', key = ''] = subscripted
    if (path === 'metadata.annotations') return invalidWhen(field, key, qualifiedName(key.toLowerCase()))
    if (path === 'metadata.labels') return invalidWhen(field, key, qualifiedName(key))
    const why = knownPaths.has(path)
      ? 'does not support subscript'
      : `error converting fieldPath: field label not supported: ${fieldPath}`
    return [fieldError.invalid(at, knownPaths.has(path) ? path : fieldPath, why)]
  }
  if (!knownPaths.has(fieldPath)) {
    return [fieldError.invalid(at, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)]
  }
  const paths = use === 'env' ? envPaths : volumePaths
  return paths.includes(fieldPath) ? [] : [fieldError.notSupported(at, fieldPath, paths)]
}

const resources = ['cpu', 'ephemeral-storage', 'memory'].flatMap(name => [`limits.${name}`, `requests.${name}`]).sort()
const sizes = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']
const divisors: Record<string, { values: string[]; why: string }> = {
  cpu: { values: ['1m', '1'], why: "only divisor's values 1m and 1 are supported with the cpu resource" },
  memory: { values: sizes, why: `only divisor's values ${sizes.join(', ')} are supported with the memory resource` },
  'ephemeral-storage': {
    values: sizes,
    why: `only divisor's values ${sizes.join(', ')} are supported with the local ephemeral storage resource`,
  },
}

/** A container's request or limit as a variable or a file. */
export function validateResourceFieldRef(
  { containerName, resource, divisor }: z.output<typeof ResourceFieldSelector>,
  field: string,
  isVolume: boolean,
): FieldError[] {
  if (isVolume && !containerName) return [fieldError.required(`${field}.containerName`)]
  if (resource === '') return [fieldError.required(`${field}.resource`)]
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource)
  if (!resources.includes(resource) && !isHugePages) return [fieldError.notSupported(`${field}.resource`, resource, resources)]
  const rule = divisors[isHugePages ? 'memory' : resource.slice(resource.indexOf('.') + 1)]
  const given = parseQuantity(divisor)
  if (!rule || given.nano === 0n || rule.values.some(value => compareQuantities(parseQuantity(value), given) === 0)) return []
  return [fieldError.invalid(`${field}.divisor`, divisor, rule.why)]
}
