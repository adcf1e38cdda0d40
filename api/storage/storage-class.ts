import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, atomicMap, choice, named, requiredText, stringMap } from '../schema.ts'

const TopologySelectorTerm = named(
  'core/v1.TopologySelectorTerm',
  'Labels of the nodes that will do.',
  {
    matchLabelExpressions: atomicList(
      named('core/v1.TopologySelectorLabelRequirement', 'A key and the values that will do.', {
        key: requiredText('The label key.'),
        values: atomicList(z.string()).default([]).describe('The values that will do.'),
      }),
    )
      .optional()
      .describe('Requirements that must all hold.'),
  },
  atomicMap,
)

/** How volumes of a class are made. */
export const StorageClass = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  namespaced: false,
  description: 'How volumes of a class are made.',
  fields: {
    provisioner: requiredText('Who makes the volumes.'),
    parameters: stringMap().optional().describe('What the provisioner is told.'),
    reclaimPolicy: choice('Delete', 'Recycle', 'Retain')
      .default('Delete')
      .describe('What becomes of a volume without its claim.'),
    mountOptions: atomicList(z.string()).optional().describe('Options to mount volumes with.'),
    allowVolumeExpansion: z.boolean().optional().describe('Whether claims may grow.'),
    volumeBindingMode: choice('Immediate', 'WaitForFirstConsumer')
      .default('Immediate')
      .describe('Bind at once, or when a pod needs the volume.'),
    allowedTopologies: atomicList(TopologySelectorTerm).optional().describe('Where volumes may be made.'),
  },
})
export type StorageClass = ObjectOf<typeof StorageClass>
