import * as z from 'zod'
import { age } from '../columns.ts'
import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { qualifiedName } from '../names.ts'
import { atomicList, named } from '../schema.ts'
import { DeviceConfiguration, DeviceSelector } from './device-claim.ts'
import { validateConfigs, validateSelectors } from './device-validation.ts'

/** A kind of devices that claims may name. */
export const DeviceClass = defineKind({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  namespaced: false,
  description: 'A kind of devices that claims may name.',
  wire: 'metadata spec',
  fields: () => ({
    spec: named(
      'resource/v1.DeviceClassSpec',
      'Which devices belong to a class.',
      () => ({
        selectors: atomicList(DeviceSelector).optional().describe('Which devices belong to it.'),
        config: atomicList(
          named('resource/v1.DeviceClassConfiguration', 'Settings for devices.', () => DeviceConfiguration, {
            wire: '1:deviceConfiguration(opaque)',
          }),
        )
          .optional()
          .describe('Settings for them.'),
        extendedResourceName: z.string().optional().describe('Resource that containers ask for them by.'),
      }),
      { wire: 'selectors config 4:extendedResourceName' },
    )
      .prefault({})
      .describe('Which devices belong to it.'),
  }),
  columns: [age],
  generationOf: ({ spec }) => spec,
  validate({ spec: { selectors, config, extendedResourceName: name } }) {
    const errors = [...validateSelectors(selectors, 'spec.selectors'), ...validateConfigs(config, 'spec.config')]
    const isExtended = name === undefined || (name.includes('/') && !name.includes('kubernetes.io/'))
    if (isExtended && (name === undefined || qualifiedName(name).length === 0)) return errors
    return [...errors, fieldError.invalid('spec.extendedResourceName', name, 'must be a valid extended resource name')]
  },
  deletion: { answersObject: true },
})
export type DeviceClass = ObjectOf<typeof DeviceClass>
