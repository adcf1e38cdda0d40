import { defineKind, type ObjectOf } from '../kind.ts'
import { PodSpec } from './pod-spec.ts'
import { PodStatus } from './pod-status.ts'

/** Containers that run together on one node. */
export const Pod = defineKind({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  description: 'Containers that run together on one node and share its network identity and volumes.',
  fields: {
    spec: PodSpec.prefault({}).describe('What runs in it, and how.'),
    status: PodStatus.prefault({}).describe('How it is.'),
  },
  subresources: ['status', 'binding', 'eviction', 'log', 'exec', 'attach', 'portforward'],
})
export type Pod = ObjectOf<typeof Pod>
