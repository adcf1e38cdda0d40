import * as z from 'zod'
import { age } from '../columns.ts'
import { NodeSelector } from '../core/affinity.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { labelName, subdomainName } from '../names.ts'
import { atomicList, int64, named, quantity, requiredText, text, timestampText } from '../schema.ts'
import { invalidWhen, unchanged } from '../validation.ts'
import { doubles, validateDriver } from './device-validation.ts'

const Counter = named(
  'resource/v1.Counter',
  'An amount that devices share.',
  () => ({ value: quantity().optional().describe('How much there is.') }),
  { wire: 'value' },
)
const counters = () => z.record(z.string(), Counter).optional()

const DeviceCapacity = named(
  'resource/v1.DeviceCapacity',
  'How much a device has of something.',
  () => ({
    value: quantity().optional().describe('How much.'),
    requestPolicy: named(
      'resource/v1.CapacityRequestPolicy',
      'How much may be asked for.',
      () => ({
        default: quantity().optional().describe('What those get who ask for nothing.'),
        validValues: atomicList(quantity()).optional().describe('Amounts that may be asked for.'),
        validRange: named(
          'resource/v1.CapacityRequestPolicyRange',
          'A range of amounts.',
          () => ({
            min: quantity().optional().describe('At least.'),
            max: quantity().optional().describe('At most.'),
            step: quantity().optional().describe('In steps of.'),
          }),
          { wire: 'min max step' },
        )
          .optional()
          .describe('Range of amounts that may be asked for.'),
      }),
      { wire: 'default 3:validValues 4:validRange' },
    )
      .optional()
      .describe('How much may be asked for.'),
  }),
  { wire: 'value requestPolicy' },
)

const Device = named(
  'resource/v1.Device',
  'A device.',
  () => ({
    name: requiredText('Name of the device.'),
    attributes: z
      .record(
        z.string(),
        named(
          'resource/v1.DeviceAttribute',
          'A property of a device.',
          () => ({
            int: int64().optional().describe('A number.'),
            bool: z.boolean().optional().describe('Whether.'),
            string: z.string().optional().describe('A text.'),
            version: z.string().optional().describe('A version.'),
          }),
          { wire: '2:int bool string version' },
        ),
      )
      .optional()
      .describe('Its properties.'),
    capacity: z.record(z.string(), DeviceCapacity).optional().describe('How much it has of what.'),
    consumesCounters: atomicList(
      named(
        'resource/v1.DeviceCounterConsumption',
        'What a device takes of what it shares.',
        () => ({ counterSet: requiredText('The shared set.'), counters: counters().describe('How much it takes.') }),
        { wire: 'counterSet counters' },
      ),
    )
      .optional()
      .describe('What it takes of what it shares with others.'),
    nodeName: z.string().optional().describe('The node it is on.'),
    nodeSelector: NodeSelector.optional().describe('Nodes that reach it.'),
    allNodes: z.boolean().optional().describe('Whether all nodes reach it.'),
    taints: atomicList(
      named(
        'resource/v1.DeviceTaint',
        'Keeps claims away.',
        () => ({
          key: requiredText('The key.'),
          value: text('The value.'),
          effect: requiredText('NoSchedule or NoExecute.'),
          timeAdded: timestampText().optional().describe('Since when.'),
        }),
        { wire: 'key value effect timeAdded' },
      ),
    )
      .optional()
      .describe('What keeps claims away.'),
    bindsToNode: z.boolean().optional().describe('Whether claims that have it stay on their node.'),
    bindingConditions: atomicList(z.string()).optional().describe('What must hold before pods use it.'),
    bindingFailureConditions: atomicList(z.string()).optional().describe('What must not hold.'),
    allowMultipleAllocations: z.boolean().optional().describe('Whether several claims may have it.'),
  }),
  {
    wire: 'name attributes capacity consumesCounters nodeName nodeSelector allNodes taints bindsToNode bindingConditions bindingFailureConditions allowMultipleAllocations',
  },
)

const ResourceSliceSpec = named(
  'resource/v1.ResourceSliceSpec',
  'Devices of a pool.',
  () => ({
    driver: requiredText('The driver that has them.'),
    pool: named(
      'resource/v1.ResourcePool',
      'The pool.',
      () => ({
        name: requiredText('Name of the pool.'),
        generation: int64().default(0).describe('Which state of the pool this is of.'),
        resourceSliceCount: int64().default(0).describe('How many slices the pool has.'),
      }),
      { wire: 'name generation resourceSliceCount' },
    )
      .prefault({})
      .describe('The pool.'),
    nodeName: z.string().optional().describe('The node they are on.'),
    nodeSelector: NodeSelector.optional().describe('Nodes that reach them.'),
    allNodes: z.boolean().optional().describe('Whether all nodes reach them.'),
    devices: atomicList(Device).optional().describe('The devices.'),
    perDeviceNodeSelection: z.boolean().optional().describe('Whether each device says where it is.'),
    sharedCounters: atomicList(
      named(
        'resource/v1.CounterSet',
        'What devices share.',
        () => ({ name: requiredText('Name of the set.'), counters: counters().describe('How much there is.') }),
        { wire: 'name counters' },
      ),
    )
      .optional()
      .describe('What the devices share.'),
  }),
  { wire: 'driver pool nodeName nodeSelector allNodes devices perDeviceNodeSelection sharedCounters' },
)
type Spec = z.output<typeof ResourceSliceSpec>

const mostDevices = 128
const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'

function validatePlace({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: Spec): FieldError[] {
  const errors: FieldError[] = []
  const set: string[] = []
  if (nodeName === '') {
    errors.push(fieldError.invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'))
  } else if (nodeName !== undefined) {
    set.push('`nodeName`')
    errors.push(...invalidWhen('spec.nodeName', nodeName, subdomainName(nodeName)))
  }
  if (nodeSelector) set.push('`nodeSelector`')
  for (const [field, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value) set.push(`\`${field}\``)
    else if (value === false) errors.push(fieldError.invalid(`spec.${field}`, value, 'must be either unset or set to true'))
  }
  if (set.length === 0) errors.push(fieldError.required('spec', one))
  else if (set.length > 1) {
    errors.push(fieldError.invalid('spec', `{${set.join(', ')}}`, `${one}, but multiple fields are set`))
  }
  return errors
}

function validateSpec(spec: Spec, old?: Spec): FieldError[] {
  const { driver, pool, devices = [] } = spec
  const errors = validateDriver(driver, 'spec.driver')
  if (pool.name === '') errors.push(fieldError.required('spec.pool.name'))
  else if (pool.name.length > 253) errors.push(fieldError.tooLong('spec.pool.name', 253))
  else for (const part of pool.name.split('/')) errors.push(...invalidWhen('spec.pool.name', part, subdomainName(part)))
  if (pool.resourceSliceCount <= 0) {
    errors.push(fieldError.invalid('spec.pool.resourceSliceCount', pool.resourceSliceCount, 'must be greater than zero'))
  }
  if (pool.generation < 0) {
    errors.push(fieldError.invalid('spec.pool.generation', pool.generation, 'must be greater than or equal to zero'))
  }
  if (old) {
    errors.push(...unchanged('spec.pool.name', pool.name, old.pool.name), ...unchanged('spec.driver', driver, old.driver))
    errors.push(...unchanged('spec.nodeName', spec.nodeName ?? null, old.nodeName ?? null))
  }
  errors.push(...validatePlace(spec))
  if (devices.length > mostDevices) errors.push(fieldError.tooMany('spec.devices', devices.length, mostDevices))
  for (const [i, { name }] of devices.entries()) {
    const field = `spec.devices[${i}].name`
    errors.push(...(name === '' ? [fieldError.required(field)] : invalidWhen(field, name, labelName(name))))
  }
  return [...errors, ...doubles(devices, 'spec.devices')]
}

/** Devices that a driver has, on a node or elsewhere. */
export const ResourceSlice = defineKind({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  description: 'Devices that a driver has, on a node or elsewhere.',
  wire: 'metadata spec',
  fields: () => ({ spec: ResourceSliceSpec.prefault({}).describe('The devices.') }),
  columns: [
    { name: 'Node', description: 'The node they are on.', value: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Driver', description: 'The driver that has them.', value: ({ spec }) => spec.driver },
    { name: 'Pool', description: 'The pool.', value: ({ spec }) => spec.pool.name },
    age,
  ],
  generationOf: ({ spec }) => spec,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver,
  },
  validate: ({ spec }, old) => validateSpec(spec, old?.spec),
  deletion: { answersObject: true },
})
export type ResourceSlice = ObjectOf<typeof ResourceSlice>
