import { defineKind, type ObjectOf } from '../kind.ts'
import { int32, named, text } from '../schema.ts'

/** The body of the scale subresource. */
export const Scale = defineKind({
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  namespaced: true,
  description: 'How many pods a controller should keep, and does.',
  fields: () => ({
    spec: named(
      'autoscaling/v1.ScaleSpec',
      'How many there should be.',
      () => ({
        replicas: int32().default(0).describe('How many there should be.'),
      }),
      { wire: 'replicas' },
    )
      .prefault({})
      .describe('How many there should be.'),
    status: named(
      'autoscaling/v1.ScaleStatus',
      'How many there are.',
      () => ({
        replicas: int32().default(0).describe('How many there are.'),
        selector: text('Labels of the pods, as text.'),
      }),
      { wire: 'replicas selector' },
    )
      .prefault({})
      .describe('How many there are.'),
  }),
})
export type Scale = ObjectOf<typeof Scale>
