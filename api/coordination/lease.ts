import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { int32, microTimestampText, named } from '../schema.ts'

const LeaseSpec = named('coordination/v1.LeaseSpec', 'Who holds it, and for how long.', {
  holderIdentity: z.string().optional().describe('Who holds it.'),
  leaseDurationSeconds: int32().optional().describe('How long after renewTime others have to wait.'),
  acquireTime: microTimestampText().optional().describe('When the holder got it.'),
  renewTime: microTimestampText().optional().describe('When the holder gave a sign of life last.'),
  leaseTransitions: int32().optional().describe('How often it changed hands.'),
  strategy: z.string().optional().describe('How a leader is chosen among candidates.'),
  preferredHolder: z.string().optional().describe('Who the holder should hand over to.'),
})

/** A lock with a sign of life: leader election, node heartbeats. */
export const Lease = defineKind({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  description: 'A lock with a sign of life: leader election, node heartbeats.',
  fields: { spec: LeaseSpec.prefault({}).describe('Who holds it, and for how long.') },
  allowUnconditionalUpdate: false,
})
export type Lease = ObjectOf<typeof Lease>
