import * as z from 'zod'
import { TemplateMeta } from '../meta.ts'
import { setWire } from '../wire.ts'
import { PersistentVolumeClaimStatus } from './persistent-volume-claim.ts'
import { PersistentVolumeClaimSpec } from './volume.ts'

/** A claim inside another object, with everything a claim has: what the claims made from it will look like. */
export const ClaimTemplate = z.object({
  apiVersion: z.string().default('v1').describe('Always v1.'),
  kind: z.string().default('PersistentVolumeClaim').describe('Always PersistentVolumeClaim.'),
  metadata: TemplateMeta,
  spec: PersistentVolumeClaimSpec.prefault({}).describe('What the claims ask for.'),
  status: PersistentVolumeClaimStatus.prefault({}).describe('Unused.'),
})
setWire(ClaimTemplate, 'metadata spec status')
export type ClaimTemplate = z.output<typeof ClaimTemplate>
