import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { TemplateMeta } from '../meta.ts'
import { named } from '../schema.ts'
import { unchanged } from '../validation.ts'
import { defaultDeviceClaim, ResourceClaimSpec } from './device-claim.ts'
import { validateDeviceClaim } from './device-validation.ts'

/** What claims that are made for pods look like. */
export const ResourceClaimTemplate = defineKind({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  namespaced: true,
  description: 'What claims that are made for pods look like.',
  wire: 'metadata spec',
  fields: () => ({
    spec: named(
      'resource/v1.ResourceClaimTemplateSpec',
      'What the claims look like.',
      () => ({
        metadata: TemplateMeta.describe('Metadata that the claims will carry.'),
        spec: ResourceClaimSpec.prefault({}).describe('What the claims want.'),
      }),
      { wire: 'metadata spec' },
    )
      .prefault({})
      .describe('What the claims look like.'),
  }),
  columns: [age],
  default: ({ spec }) => defaultDeviceClaim(spec.spec.devices),
  validate: ({ spec }, old) =>
    old ? unchanged('spec', spec, old.spec) : validateDeviceClaim(spec.spec.devices, 'spec.spec.devices'),
  deletion: { answersObject: true },
})
export type ResourceClaimTemplate = ObjectOf<typeof ResourceClaimTemplate>
