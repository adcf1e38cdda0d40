import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { listMap } from '../schema.ts'
import { MutatingWebhook, ValidatingWebhook } from './webhook.ts'
import { validateWebhooks } from './webhook-validation.ts'

const common = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  categories: ['api-extensions'] as string[],
  namespaced: false,
  allowUnconditionalUpdate: false,
  wire: 'metadata webhooks',
} as const

const webhooksColumn = {
  name: 'Webhooks',
  type: 'integer',
  description: 'How many webhooks it registers.',
  value: ({ webhooks }: { webhooks?: readonly unknown[] | undefined }) => webhooks?.length ?? 0,
} as const

/** Servers that may change and refuse requests. */
export const MutatingWebhookConfiguration = defineKind({
  ...common,
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  description: 'Servers that may change and refuse requests.',
  fields: () => ({ webhooks: listMap(MutatingWebhook, 'name').optional().describe('They are asked one after the other.') }),
  columns: [webhooksColumn, age],
  generationOf: ({ webhooks }) => webhooks ?? [],
  validate: ({ webhooks }) => validateWebhooks(webhooks),
})
export type MutatingWebhookConfiguration = ObjectOf<typeof MutatingWebhookConfiguration>

/** Servers that may refuse requests. */
export const ValidatingWebhookConfiguration = defineKind({
  ...common,
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  description: 'Servers that may refuse requests.',
  fields: () => ({ webhooks: listMap(ValidatingWebhook, 'name').optional().describe('They are asked all at once.') }),
  columns: [webhooksColumn, age],
  generationOf: ({ webhooks }) => webhooks ?? [],
  validate: ({ webhooks }) => validateWebhooks(webhooks),
})
export type ValidatingWebhookConfiguration = ObjectOf<typeof ValidatingWebhookConfiguration>
