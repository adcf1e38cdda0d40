import * as z from 'zod'
import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, listMap } from '../schema.ts'
import { LocalObjectReference, ObjectReference } from './references.ts'

const mountableOnly = 'kubernetes.io/enforce-mountable-secrets'

/** Who a pod is when it speaks to the API. */
export const ServiceAccount = defineKind({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  description: 'Who a pod is when it speaks to the API.',
  wire: 'metadata secrets imagePullSecrets automountServiceAccountToken',
  fields: () => ({
    secrets: listMap(ObjectReference, 'name').optional().describe('Secrets its pods may use.'),
    imagePullSecrets: atomicList(LocalObjectReference).optional().describe('Secrets its pods pull images with.'),
    automountServiceAccountToken: z.boolean().optional().describe('Whether its pods get a token of it.'),
  }),
  columns: [{ name: 'Secrets', description: 'How many secrets it has.', value: ({ secrets }) => secrets?.length ?? 0 }, age],
  subresources: ['token'],
  warnings({ metadata }, old) {
    if (metadata.annotations?.[mountableOnly] === undefined || old?.metadata.annotations?.[mountableOnly] !== undefined) return []
    const why = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets'
    return [`metadata.annotations[${mountableOnly}]: ${why}`]
  },
  deletion: { answersObject: true },
})
export type ServiceAccount = ObjectOf<typeof ServiceAccount>
