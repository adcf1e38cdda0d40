import { defineKind, type ObjectOf } from '../kind.ts'
import { choice, flag, int32, text } from '../schema.ts'

/** A name for a priority. */
export const PriorityClass = defineKind({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  description: 'A name for a priority of pods.',
  fields: {
    value: int32().default(0).describe('The priority; higher goes first.'),
    globalDefault: flag('Whether pods without a class get this one.'),
    description: text('What it is meant for.'),
    preemptionPolicy: choice('PreemptLowerPriority', 'Never')
      .default('PreemptLowerPriority')
      .describe('Whether its pods may push others away.'),
  },
})
export type PriorityClass = ObjectOf<typeof PriorityClass>
