import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { qualifiedName, subdomainName } from '../names.ts'
import { atomicList, int32, listMap, named, requiredText } from '../schema.ts'
import { immutable, invalidWhen, nonNegative } from '../validation.ts'

const CSINodeDriver = named(
  'storage/v1.CSINodeDriver',
  'A volume driver on a node.',
  () => ({
    name: requiredText('Name of the driver.'),
    nodeID: requiredText('What the driver calls the node.'),
    topologyKeys: atomicList(z.string()).optional().describe('Labels that say where the node is, for the driver.'),
    allocatable: named(
      'storage/v1.VolumeNodeResources',
      'How many volumes a node takes.',
      () => ({ count: int32().optional().describe('How many at most; absent: any number.') }),
      { wire: 'count' },
    )
      .optional()
      .describe('How many volumes the node takes.'),
  }),
  { wire: 'name nodeID topologyKeys allocatable' },
)
type Driver = z.output<typeof CSINodeDriver>

const longestNodeId = 256

/** Between 1 and 63 letters, digits, dashes and dots (pkg/apis/core/validation ValidateCSIDriverName). */
export function validateDriverName(name: string, field: string): FieldError[] {
  const errors = name === '' ? [fieldError.required(field)] : []
  if (name.length > 63) errors.push(fieldError.tooLong(field, 63))
  return [...errors, ...invalidWhen(field, name, subdomainName(name.toLowerCase()))]
}

function validateDriver({ name, nodeID, topologyKeys = [], allocatable }: Driver, at: string): FieldError[] {
  const errors = validateDriverName(name, `${at}.name`)
  if (nodeID === '') errors.push(fieldError.required(`${at}.nodeID`))
  if (nodeID.length > longestNodeId) {
    errors.push(fieldError.invalid(`${at}.nodeID`, nodeID, `must be ${longestNodeId} characters or less`))
  }
  errors.push(...nonNegative(`${at}.allocatable.count`, allocatable?.count))
  const keys = new Set<string>()
  for (const key of topologyKeys) {
    if (key === '') errors.push(fieldError.required(at))
    if (keys.has(key)) errors.push(fieldError.duplicate(at, key))
    keys.add(key)
    errors.push(...invalidWhen(at, key, qualifiedName(key)))
  }
  return errors
}

/** What is fixed once a driver is there: all but how many volumes the node takes. */
const settled = ({ allocatable: _allocatable, ...driver }: Driver) => driver

/** The volume drivers on a node, whose name it has. */
export const CSINode = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  namespaced: false,
  description: 'The volume drivers on a node.',
  wire: 'metadata spec',
  fields: () => ({
    spec: named(
      'storage/v1.CSINodeSpec',
      'The volume drivers on a node.',
      () => ({ drivers: listMap(CSINodeDriver, 'name').default([]).describe('The drivers.') }),
      { wire: 'drivers' },
    )
      .prefault({})
      .describe('The volume drivers on the node.'),
  }),
  columns: [
    { name: 'Drivers', type: 'integer', description: 'How many drivers there are.', value: ({ spec }) => spec.drivers.length },
    age,
  ],
  allowUnconditionalUpdate: false,
  validate({ spec: { drivers } }, old) {
    const names = new Set<string>()
    const errors = drivers.flatMap((driver, i) => {
      const faults = validateDriver(driver, `spec.drivers[${i}]`)
      if (names.has(driver.name)) faults.push(fieldError.duplicate(`spec.drivers[${i}].name`, driver.name))
      names.add(driver.name)
      return faults
    })
    for (const before of old?.spec.drivers ?? []) {
      const after = drivers.find(({ name }) => name === before.name)
      if (after && !deepEqual(settled(after), settled(before))) {
        errors.push(fieldError.invalid('spec.drivers', after, immutable))
      }
    }
    return errors
  },
  deletion: { answersObject: true },
})
export type CSINode = ObjectOf<typeof CSINode>
