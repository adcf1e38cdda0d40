import type { Subresources } from '../../api/apiextensions/definition.ts'
import { type FieldError, fieldError } from '../../api/field-errors.ts'
import type { ScaleMapping } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { setValueAt, valueAt } from './paths.ts'

type Scale = NonNullable<Subresources['scale']>

/** Where a custom resource keeps its numbers. */
export function scaleMapping({ specReplicasPath, statusReplicasPath, labelSelectorPath = '' }: Scale): ScaleMapping<KubeObject> {
  return {
    specReplicasPath,
    specReplicas(object) {
      const replicas = valueAt(object, specReplicasPath)
      return typeof replicas === 'number' ? replicas : undefined
    },
    statusReplicas: object => Number(valueAt(object, statusReplicasPath) ?? 0),
    selector: object => (labelSelectorPath === '' ? '' : String(valueAt(object, labelSelectorPath) ?? '')),
    setReplicas: (object, replicas) => setValueAt(object, specReplicasPath, replicas),
  }
}

/** Whether the numbers are numbers (k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go). */
export function scaleErrors(scale: Scale | undefined, object: unknown, part: 'all' | 'status' = 'all'): FieldError[] {
  if (!scale) return []
  const errors = part === 'all' ? numberErrors(object, scale.specReplicasPath) : []
  errors.push(...numberErrors(object, scale.statusReplicasPath))
  const path = scale.labelSelectorPath
  const selector = path ? valueAt(object, path) : undefined
  if (path && selector !== undefined && typeof selector !== 'string')
    errors.push(fieldError.invalid(path, '', accessorError(path, selector, 'string')))
  return errors
}

function numberErrors(object: unknown, path: string): FieldError[] {
  const value = valueAt(object, path)
  if (value === undefined) return []
  if (typeof value !== 'number' || !Number.isInteger(value))
    return [fieldError.invalid(path, 0, accessorError(path, value, 'int64'))]
  if (value < 0) return [fieldError.invalid(path, value, 'should be a non-negative integer')]
  return value > 2147483647 ? [fieldError.invalid(path, value, 'should be less than or equal to 2147483647')] : []
}

const accessorError = (path: string, value: unknown, wanted: string) =>
  `${path} accessor error: ${JSON.stringify(value)} is of the type ${goType(value)}, expected ${wanted}`

function goType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return value === null ? '<nil>' : 'map[string]interface {}'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
