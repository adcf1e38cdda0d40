import { deepEqual } from '../../lib/json.ts'
import { changedPaths } from '../changed-paths.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { subdomainName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import { invalidWhen, supported } from '../validation.ts'
import { validateNodeSelector } from './affinity-validation.ts'
import { validateAccessModes } from './claim-validation.ts'
import type { PersistentVolumeSpec } from './persistent-volume-spec.ts'
import { validateHostPath, validateNfs } from './volume-validation.ts'

/** What a volume has beside its source. */
const otherFields = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
])

function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  const entries = Object.entries(spec).filter(([key, value]) => value !== undefined && !otherFields.has(key))
  return Object.fromEntries(entries)
}

/** A volume by itself, and what of it may change (pkg/apis/core/validation ValidatePersistentVolumeUpdate, semantics E4). */
export function validateVolume(spec: PersistentVolumeSpec, old?: PersistentVolumeSpec): FieldError[] {
  const { accessModes = [], capacity = {}, storageClassName, nodeAffinity } = spec
  const errors: FieldError[] = []
  if (accessModes.length === 0) errors.push(fieldError.required('spec.accessModes'))
  errors.push(...validateAccessModes(accessModes, 'spec.accessModes'), ...validateCapacity(capacity))
  errors.push(
    ...supported('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']),
  )
  if (nodeAffinity?.required) errors.push(...validateNodeSelector(nodeAffinity.required, 'spec.nodeAffinity.required'))
  else if (nodeAffinity) errors.push(fieldError.required('spec.nodeAffinity.required', 'must specify required node constraints'))
  errors.push(...validateSource(spec))
  if (storageClassName) errors.push(...invalidWhen('spec.storageClassName', storageClassName, subdomainName(storageClassName)))
  errors.push(...supported('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']))
  return old ? [...errors, ...validateUpdate(spec, old)] : errors
}

function validateCapacity(capacity: Readonly<Record<string, string>>): FieldError[] {
  const names = Object.keys(capacity)
  if (names.length === 0) return [fieldError.required('spec.capacity')]
  const { storage } = capacity
  if (storage === undefined || names.length > 1) return [fieldError.notSupported('spec.capacity', capacity, ['storage'])]
  return parseQuantity(storage).nano > 0n
    ? []
    : [fieldError.invalid('spec.capacity[storage]', storage, 'must be greater than zero')]
}

function validateSource(spec: PersistentVolumeSpec): FieldError[] {
  const [first, ...more] = Object.keys(sourceOf(spec))
  if (first === undefined) return [fieldError.required('spec', 'must specify a volume type')]
  const { hostPath, local, nfs, csi } = spec
  const errors = more.map(extra => fieldError.forbidden(`spec.${extra}`, 'may not specify more than 1 volume type'))
  if (hostPath) {
    errors.push(...validateHostPath(hostPath, 'spec.hostPath'))
    if (hostPath.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
      const why = "may not be 'recycle' for a hostPath mount of '/'"
      errors.push(fieldError.forbidden('spec.persistentVolumeReclaimPolicy', why))
    }
  }
  if (nfs) errors.push(...validateNfs(nfs, 'spec.nfs'))
  if (local) {
    if (local.path === '') errors.push(fieldError.required('spec.local.path'))
    if (!spec.nodeAffinity) errors.push(fieldError.required('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  if (csi) {
    if (csi.driver === '') errors.push(fieldError.required('spec.csi.driver'))
    if (csi.volumeHandle === '') errors.push(fieldError.required('spec.csi.volumeHandle'))
  }
  return errors
}

const fixedSource = 'spec.persistentvolumesource is immutable after creation'

function validateUpdate(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): FieldError[] {
  const errors: FieldError[] = []
  const [after, before] = [sourceOf(spec), sourceOf(old)]
  if (!deepEqual(after, before)) {
    const changes = changedPaths(before, after, 'spec').map(change => `  ${change}`)
    errors.push(fieldError.forbidden('spec.persistentvolumesource', `${fixedSource}\n${changes.join('\n')}`))
  }
  if (spec.volumeMode !== old.volumeMode)
    errors.push(fieldError.invalid('spec.volumeMode', spec.volumeMode, 'field is immutable'))
  if (old.nodeAffinity && !deepEqual(spec.nodeAffinity, old.nodeAffinity)) {
    const why = 'field is immutable, except for updating from beta label to GA'
    errors.push(fieldError.invalid('spec.nodeAffinity', spec.nodeAffinity ?? null, why))
  }
  return errors
}
