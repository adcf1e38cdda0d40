import * as z from 'zod'
import { age } from '../columns.ts'
import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { int32, microTimestampText, named } from '../schema.ts'
import { nonNegative } from '../validation.ts'

const LeaseSpec = named(
  'coordination/v1.LeaseSpec',
  'Who holds it, and for how long.',
  () => ({
    holderIdentity: z.string().optional().describe('Who holds it.'),
    leaseDurationSeconds: int32().optional().describe('How long after renewTime others have to wait.'),
    acquireTime: microTimestampText().optional().describe('When the holder got it.'),
    renewTime: microTimestampText().optional().describe('When the holder gave a sign of life last.'),
    leaseTransitions: int32().optional().describe('How often it changed hands.'),
    strategy: z.string().optional().describe('How a leader is chosen among candidates.'),
    preferredHolder: z.string().optional().describe('Who the holder should hand over to.'),
  }),
  { wire: 'holderIdentity leaseDurationSeconds acquireTime renewTime leaseTransitions strategy preferredHolder' },
)

/** A lock with a sign of life: leader election, node heartbeats. */
export const Lease = defineKind({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  tracksManagers: 'onceApplied',
  description: 'A lock with a sign of life: leader election, node heartbeats.',
  wire: 'metadata spec',
  fields: () => ({ spec: LeaseSpec.prefault({}).describe('Who holds it, and for how long.') }),
  columns: [{ name: 'Holder', description: 'Who holds it.', value: ({ spec }) => spec.holderIdentity ?? '' }, age],
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  validate({ spec: { leaseDurationSeconds: duration, leaseTransitions } }) {
    const errors = nonNegative('spec.leaseTransitions', leaseTransitions)
    if (duration !== undefined && duration <= 0) {
      errors.push(fieldError.invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'))
    }
    return errors
  },
})
export type Lease = ObjectOf<typeof Lease>
