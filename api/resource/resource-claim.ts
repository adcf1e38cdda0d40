import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { Condition } from '../meta.ts'
import { atomicList, listMap, named, requiredText, text } from '../schema.ts'
import { unchanged } from '../validation.ts'
import { AllocationResult, defaultDeviceClaim, ResourceClaimSpec } from './device-claim.ts'
import { validateDeviceClaim } from './device-validation.ts'

const AllocatedDeviceStatus = named(
  'resource/v1.AllocatedDeviceStatus',
  'How a device is, as its driver says.',
  () => ({
    driver: requiredText('Its driver.'),
    pool: requiredText('The pool it is of.'),
    device: requiredText('Its name.'),
    shareID: z.string().optional().describe('Which share of it.'),
    conditions: listMap(Condition, 'type').optional().describe('Aspects of its state.'),
    data: z.record(z.string(), z.unknown()).optional().describe('What only the driver understands.'),
    networkData: named(
      'resource/v1.NetworkDeviceData',
      'How a network device is.',
      () => ({
        interfaceName: text('Name of the interface.'),
        ips: atomicList(z.string()).optional().describe('Its addresses.'),
        hardwareAddress: text('Its hardware address.'),
      }),
      { wire: 'interfaceName ips hardwareAddress' },
    )
      .optional()
      .describe('How it is, if it is one of a network.'),
  }),
  { wire: 'driver pool device 7:shareID 4:conditions data networkData' },
)

const ResourceClaimStatus = named(
  'resource/v1.ResourceClaimStatus',
  'What a claim has, and for whom.',
  () => ({
    allocation: AllocationResult.optional().describe('Which devices it has.'),
    reservedFor: listMap(
      named(
        'resource/v1.ResourceClaimConsumerReference',
        'Who may use the devices.',
        () => ({
          apiGroup: text('API group of who it is.'),
          resource: requiredText('Plural name of its kind.'),
          name: requiredText('Its name.'),
          uid: requiredText('Its UID.'),
        }),
        { wire: 'apiGroup 3:resource 4:name 5:uid' },
      ),
      'uid',
    )
      .optional()
      .describe('Who may use the devices.'),
    devices: listMap(AllocatedDeviceStatus, 'driver', 'device', 'pool', 'shareID').optional().describe('How they are.'),
  }),
  { wire: 'allocation reservedFor 4:devices' },
)
type Status = z.output<typeof ResourceClaimStatus>

const mostConsumers = 256
const field = 'status.reservedFor'

function validateConsumers({ reservedFor = [], allocation }: Status, old: Status, isGoing: boolean): FieldError[] {
  const errors: FieldError[] = []
  if (reservedFor.length > mostConsumers) errors.push(fieldError.tooMany(field, reservedFor.length, mostConsumers))
  const uids = new Set<string>()
  for (const [i, { uid, name, resource }] of reservedFor.entries()) {
    if (resource === '') errors.push(fieldError.required(`${field}[${i}].resource`))
    if (name === '') errors.push(fieldError.required(`${field}[${i}].name`))
    if (uid === '') errors.push(fieldError.required(`${field}[${i}].uid`))
    if (uids.has(uid)) errors.push(fieldError.duplicate(`${field}[${i}].uid`, uid))
    uids.add(uid)
  }
  if (reservedFor.length > 0 && !allocation) {
    return [...errors, fieldError.forbidden(field, 'may not be specified when `allocated` is not set')]
  }
  const isNew = (each: (typeof reservedFor)[number]) => !old.reservedFor?.some(known => deepEqual(known, each))
  if (!isGoing || !reservedFor.some(isNew)) return errors
  const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'
  return [...errors, fieldError.forbidden(field, why)]
}

/** Wants devices for pods. The scheduler takes no notice of it. */
export const ResourceClaim = defineKind({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  namespaced: true,
  description: 'Wants devices for pods.',
  fields: () => ({
    spec: ResourceClaimSpec.prefault({}).describe('What is wanted.'),
    status: ResourceClaimStatus.prefault({}).describe('What it has.'),
  }),
  columns: [
    {
      name: 'State',
      description: 'Whether it has its devices.',
      value({ metadata, status: { allocation, reservedFor } }) {
        const isGoing = metadata.deletionTimestamp !== undefined
        const states = isGoing ? ['deleted'] : []
        if (!allocation) return isGoing ? 'deleted' : 'pending'
        return [...states, 'allocated', ...(reservedFor?.length ? ['reserved'] : [])].join(',')
      },
    },
    age,
  ],
  subresources: ['status'],
  default: ({ spec }) => defaultDeviceClaim(spec.devices),
  validate: ({ spec }, old) => (old ? unchanged('spec', spec, old.spec) : validateDeviceClaim(spec.devices, 'spec.devices')),
  validateStatus({ metadata, status }, old) {
    const errors = validateConsumers(status, old.status, metadata.deletionTimestamp !== undefined)
    if (!old.status.allocation || !status.allocation) return errors
    return [...errors, ...unchanged('status.allocation', status.allocation, old.status.allocation)]
  },
  deletion: { answersObject: true },
})
export type ResourceClaim = ObjectOf<typeof ResourceClaim>
