import type { Pod } from '../../api/core/pod.ts'
import { milliValue } from '../../api/quantity.ts'
import type { AnyContainer, EnvVar } from '../pod-types.ts'
import { SyncError } from '../sync/sync-error.ts'
import type { FileKeyRef } from './env-file.ts'
import { expand } from './expand.ts'
import { fieldValue, type PodAddresses, resourceValue } from './fields.ts'

/** The keys of a ConfigMap, or of a Secret with its values decoded. */
export type KeyValues = Readonly<Record<string, string>>

/** ConfigMaps and Secrets of the pod's namespace, fetched beforehand; `undefined`: there is none of that name. */
export interface References {
  configMap(name: string): KeyValues | undefined
  secret(name: string): KeyValues | undefined
  /** A variable of a file in a volume; `undefined`: it is optional and not there. */
  file(ref: FileKeyRef): string | undefined
}

export interface EnvironmentInput {
  readonly pod: Pod
  readonly container: AnyContainer
  readonly serviceVariables: ReadonlyMap<string, string>
  readonly references: References
  readonly addresses: PodAddresses
  readonly allocatable: Readonly<Record<string, string>>
}

type Kind = 'configMap' | 'secret'
const kindNames = { configMap: 'ConfigMap', secret: 'Secret' } as const

/** Which ConfigMaps and Secrets a container's environment is made of. */
export function referencesOf({ env = [], envFrom = [] }: AnyContainer): Record<Kind, Set<string>> {
  const found = { configMap: new Set<string>(), secret: new Set<string>() }
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef) found.configMap.add(configMapRef.name)
    if (secretRef) found.secret.add(secretRef.name)
  }
  for (const { valueFrom } of env) {
    if (valueFrom?.configMapKeyRef) found.configMap.add(valueFrom.configMapKeyRef.name)
    if (valueFrom?.secretKeyRef) found.secret.add(valueFrom.secretKeyRef.name)
  }
  return found
}

/**
 * A container's environment: service variables lowest, then envFrom in its order, then env (semantics C13). Only literal values are
 * expanded, from what stands before them. Throws SyncError CreateContainerConfigError for what is missing and not optional.
 */
export function computeEnvironment(input: EnvironmentInput): Map<string, string> {
  const { container, serviceVariables } = input
  const own = new Map<string, string>()
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const values = configMapRef ? allOf(input, 'configMap', configMapRef) : secretRef ? allOf(input, 'secret', secretRef) : {}
    for (const [key, value] of Object.entries(values)) own.set(prefix + key, value)
  }
  const lookup = (name: string) => own.get(name) ?? serviceVariables.get(name)
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom ? referenced(input, variable) : expand(variable.value ?? '', lookup)
    if (value !== undefined) own.set(variable.name, value)
  }
  return new Map([...serviceVariables, ...own])
}

function allOf({ references }: EnvironmentInput, kind: Kind, ref: { name: string; optional?: boolean | undefined }): KeyValues {
  const values = references[kind](ref.name)
  if (values) return values
  if (ref.optional) return {}
  throw missingObject(kind, ref.name)
}

function missingObject(kind: Kind, name: string): SyncError {
  return new SyncError('CreateContainerConfigError', `${kindNames[kind].toLowerCase()} "${name}" not found`)
}

/** A value from elsewhere; `undefined`: optional and not there, so the variable is left out. */
function referenced(input: EnvironmentInput, { name, valueFrom }: EnvVar): string | undefined {
  const { pod, container, addresses, allocatable } = input
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom ?? {}
  if (fileKeyRef) return input.references.file(fileKeyRef)
  if (configMapKeyRef) return keyOf(input, 'configMap', configMapKeyRef)
  if (secretKeyRef) return keyOf(input, 'secret', secretKeyRef)
  if (fieldRef) {
    const value = fieldValue(pod, fieldRef.fieldPath, addresses)
    if (value === undefined)
      throw new SyncError('CreateContainerConfigError', `unsupported fieldPath: ${fieldRef.fieldPath} of variable ${name}`)
    return value
  }
  if (resourceFieldRef) {
    const { containerName } = resourceFieldRef
    const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    const of = containerName ? all.find(one => one.name === containerName) : container
    if (!of) throw new SyncError('CreateContainerConfigError', `container ${containerName} not found`)
    const value = resourceValue(of.resources, resourceFieldRef, { ...allocatable, ...podLimits(pod) })
    if (value === undefined)
      throw new SyncError('CreateContainerConfigError', `unsupported container resource : ${resourceFieldRef.resource}`)
    return value
  }
  return ''
}

/** What a container without limits of its own may use at most, where the pod as a whole has limits (pkg/kubelet/kubelet_resources.go). */
function podLimits({ spec }: Pod): Record<string, string> {
  const limits = Object.entries(spec.resources?.limits ?? {})
  return Object.fromEntries(limits.filter(([name, amount]) => (name === 'cpu' || name === 'memory') && milliValue(amount) > 0))
}

function keyOf(
  { references, pod }: EnvironmentInput,
  kind: Kind,
  { name, key, optional }: { name: string; key: string; optional?: boolean | undefined },
): string | undefined {
  const values = references[kind](name)
  const value = values?.[key]
  if (value !== undefined || optional) return value
  if (!values) throw missingObject(kind, name)
  throw new SyncError(
    'CreateContainerConfigError',
    `couldn't find key ${key} in ${kindNames[kind]} ${pod.metadata.namespace}/${name}`,
  )
}

/** Command or arguments with `$(NAME)` replaced from the finished environment. */
export function expandAll(texts: readonly string[] | undefined, environment: ReadonlyMap<string, string>): string[] | undefined {
  return texts?.map(text => expand(text, name => environment.get(name)))
}
