import * as z from 'zod'
import { copy } from '../../lib/json.ts'
import { NodeSelector } from '../core/affinity.ts'
import type { Draft } from '../kind.ts'
import { atomicList, int64, named, plain, quantityMap, requiredText, text, timestampText } from '../schema.ts'

/** Which devices are wanted: what a claim and a template of one have in common. */

/** An expression that a device must meet. */
export const DeviceSelector = named(
  'resource/v1.DeviceSelector',
  'Which devices will do.',
  () => ({
    cel: named(
      'resource/v1.CELDeviceSelector',
      'An expression that is true of devices that will do.',
      () => ({ expression: requiredText('The expression.') }),
      { wire: 'expression' },
    )
      .optional()
      .describe('An expression that is true of them.'),
  }),
  { wire: 'cel' },
)

/** Settings for a driver, which nobody else reads. */
export const DeviceConfiguration = {
  opaque: named(
    'resource/v1.OpaqueDeviceConfiguration',
    'Settings that only the driver understands.',
    () => ({
      driver: requiredText('The driver.'),
      parameters: z
        .record(z.string(), z.unknown())
        .transform(value => copy(value))
        .optional()
        .describe('The settings.'),
    }),
    { wire: 'driver parameters' },
  )
    .optional()
    .describe('Settings that only the driver understands.'),
}

/** A taint of devices that is put up with. */
const DeviceToleration = named(
  'resource/v1.DeviceToleration',
  'A taint that is put up with.',
  () => ({
    key: text('Key of the taint; empty: any.'),
    operator: plain(z.string().default('Equal')).describe('Equal or Exists.'),
    value: text('Value of the taint.'),
    effect: text('Effect of the taint; empty: any.'),
    tolerationSeconds: int64().optional().describe('For how long, for NoExecute.'),
  }),
  { wire: 'key operator value effect tolerationSeconds' },
)

const CapacityRequirements = named(
  'resource/v1.CapacityRequirements',
  'How much of a device is wanted.',
  () => ({ requests: quantityMap().optional().describe('How much of what.') }),
  { wire: 'requests' },
)

const requested = {
  deviceClassName: requiredText('Class of the devices.'),
  selectors: atomicList(DeviceSelector).optional().describe('Which of the class will do.'),
  allocationMode: plain(z.string().default('ExactCount')).describe('ExactCount or All.'),
  count: plain(int64().optional()).describe('How many, for ExactCount.'),
  tolerations: atomicList(DeviceToleration).optional().describe('Taints that are put up with.'),
  capacity: CapacityRequirements.optional().describe('How much of a device is wanted.'),
}

const DeviceRequest = named(
  'resource/v1.DeviceRequest',
  'Devices that are wanted.',
  () => ({
    name: requiredText('Name of the request.'),
    exactly: named(
      'resource/v1.ExactDeviceRequest',
      'Devices of one class.',
      () => ({ ...requested, adminAccess: z.boolean().optional().describe('Whether to look after devices that others use.') }),
      { wire: 'deviceClassName selectors allocationMode count adminAccess tolerations capacity' },
    )
      .optional()
      .describe('Devices of one class.'),
    firstAvailable: atomicList(
      named(
        'resource/v1.DeviceSubRequest',
        'Devices that would do.',
        () => ({ name: requiredText('Name of the choice.'), ...requested }),
        { wire: 'name deviceClassName selectors allocationMode count tolerations capacity' },
      ),
    )
      .optional()
      .describe('Choices, the best first.'),
  }),
  { wire: 'name exactly firstAvailable' },
)

const requestNames = () => atomicList(z.string()).optional().describe('Names of requests; none: all.')

/** Which devices are wanted, and how they are to be set. */
export const DeviceClaim = named(
  'resource/v1.DeviceClaim',
  'Which devices are wanted.',
  () => ({
    requests: atomicList(DeviceRequest).optional().describe('Devices that are wanted.'),
    constraints: atomicList(
      named(
        'resource/v1.DeviceConstraint',
        'What devices must have in common.',
        () => ({
          requests: requestNames(),
          matchAttribute: z.string().optional().describe('An attribute that is the same for all.'),
          distinctAttribute: z.string().optional().describe('An attribute that is different for all.'),
        }),
        { wire: 'requests matchAttribute distinctAttribute' },
      ),
    )
      .optional()
      .describe('What they must have in common.'),
    config: atomicList(
      named(
        'resource/v1.DeviceClaimConfiguration',
        'Settings for devices.',
        () => ({ requests: requestNames(), ...DeviceConfiguration }),
        { wire: 'requests 2:deviceConfiguration(opaque)' },
      ),
    )
      .optional()
      .describe('Settings for them.'),
  }),
  { wire: 'requests constraints config' },
)
export type DeviceClaim = z.output<typeof DeviceClaim>

/** What is claimed. */
export const ResourceClaimSpec = named(
  'resource/v1.ResourceClaimSpec',
  'What is wanted.',
  () => ({ devices: DeviceClaim.prefault({}).describe('Which devices.') }),
  { wire: 'devices' },
)

/** What an allocation says about its devices, for the status of claims. */
export const AllocationResult = named(
  'resource/v1.AllocationResult',
  'Which devices a claim has.',
  () => ({
    devices: named(
      'resource/v1.DeviceAllocationResult',
      'Which devices, and their settings.',
      () => ({
        results: atomicList(
          named(
            'resource/v1.DeviceRequestAllocationResult',
            'A device.',
            () => ({
              request: requiredText('The request it is for.'),
              driver: requiredText('Its driver.'),
              pool: requiredText('The pool it is of.'),
              device: requiredText('Its name.'),
              adminAccess: z.boolean().optional().describe('Whether others use it as well.'),
              tolerations: atomicList(DeviceToleration).optional().describe('Taints that are put up with.'),
              bindingConditions: atomicList(z.string()).optional().describe('What must hold before pods use it.'),
              bindingFailureConditions: atomicList(z.string()).optional().describe('What must not hold.'),
              shareID: z.string().optional().describe('Which share of it.'),
              consumedCapacity: quantityMap().optional().describe('How much of it.'),
            }),
            {
              wire: 'request driver pool device adminAccess tolerations bindingConditions bindingFailureConditions shareID consumedCapacity',
            },
          ),
        )
          .optional()
          .describe('The devices.'),
        config: atomicList(
          named(
            'resource/v1.DeviceAllocationConfiguration',
            'Settings for devices.',
            () => ({ source: requiredText('FromClass or FromClaim.'), requests: requestNames(), ...DeviceConfiguration }),
            { wire: 'source requests 3:deviceConfiguration(opaque)' },
          ),
        )
          .optional()
          .describe('Their settings.'),
      }),
      { wire: 'results config' },
    )
      .prefault({})
      .describe('Which devices.'),
    nodeSelector: NodeSelector.optional().describe('Nodes that reach them.'),
    allocationTimestamp: timestampText().optional().describe('Since when.'),
  }),
  { wire: 'devices 3:nodeSelector 5:allocationTimestamp' },
)

/** One device, unless the request says otherwise. */
export function defaultDeviceClaim({ requests = [] }: Draft<DeviceClaim>): void {
  for (const { exactly, firstAvailable = [] } of requests) {
    for (const request of exactly ? [exactly, ...firstAvailable] : firstAvailable) {
      if (request.allocationMode === 'ExactCount') request.count ??= 1
    }
  }
}
