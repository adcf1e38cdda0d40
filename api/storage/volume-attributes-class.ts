import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { qualifiedName, sizeInBytes } from '../names.ts'
import { requiredText, stringMap } from '../schema.ts'
import { requiredName } from '../validation.ts'

const mostParameters = 512
const largestParameters = 256 * 1024

function validateParameters(parameters: Readonly<Record<string, string>> = {}): FieldError[] {
  const names = Object.keys(parameters)
  if (names.length > mostParameters) return [fieldError.tooLong('parameters', mostParameters)]
  const errors = names.includes('') ? [fieldError.invalid('parameters', '', 'field can not be empty.')] : []
  if (sizeInBytes(parameters) > largestParameters) errors.push(fieldError.tooLong('parameters', largestParameters))
  if (names.length === 0) errors.push(fieldError.required('parameters', 'must contain at least one key/value pair'))
  return errors
}

/** Properties of volumes that may change while they are in use. */
export const VolumeAttributesClass = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  namespaced: false,
  description: 'Properties of volumes that may change while they are in use.',
  wire: 'metadata driverName parameters',
  fields: () => ({
    driverName: requiredText('The driver that knows the properties.'),
    parameters: stringMap().optional().describe('The properties, in words of the driver.'),
  }),
  columns: [
    { name: 'DriverName', description: 'The driver that knows the properties.', value: ({ driverName }) => driverName },
    age,
  ],
  validate({ driverName, parameters }, old) {
    const errors: FieldError[] = []
    const frozen = (field: string) => fieldError.forbidden(field, `updates to ${field} are forbidden.`)
    if (old && old.driverName !== driverName) errors.push(frozen('driverName'))
    if (old && !deepEqual(old.parameters ?? {}, parameters ?? {})) errors.push(frozen('parameters'))
    errors.push(...requiredName('driverName', driverName, name => qualifiedName(name.toLowerCase())))
    return [...errors, ...validateParameters(parameters)]
  },
  deletion: { answersObject: true },
})
export type VolumeAttributesClass = ObjectOf<typeof VolumeAttributesClass>
