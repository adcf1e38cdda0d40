import * as z from 'zod'
import { atomicList, base64Text, choice, int32, listMap, named, requiredText } from '../schema.ts'
import { failurePolicy, MatchCondition, matchFields, RuleWithOperations } from './matching.ts'

const ServiceReference = named(
  'admissionregistration/v1.ServiceReference',
  'A service in front of a webhook.',
  () => ({
    namespace: requiredText('The namespace of the service.'),
    name: requiredText('The name of the service.'),
    path: z.string().optional().describe('The path that is asked.'),
    port: int32().default(443).describe('The port of the service.'),
  }),
  { wire: 'namespace name path port' },
)

/** How a webhook is reached. */
export const WebhookClientConfig = named(
  'admissionregistration/v1.WebhookClientConfig',
  'How to reach a webhook: by url or through a service.',
  () => ({
    url: z.string().optional().describe('https://host[:port]/path'),
    service: ServiceReference.optional().describe('The service, known to TLS as <name>.<namespace>.svc.'),
    caBundle: base64Text().optional().describe('Who may have signed its certificate, as PEM in base64.'),
  }),
  { wire: 'service caBundle url' },
)
export type WebhookClientConfig = z.output<typeof WebhookClientConfig>

const webhookFields = {
  name: requiredText('A domain with three parts or more.'),
  clientConfig: WebhookClientConfig.prefault({}).describe('How to reach it.'),
  rules: atomicList(RuleWithOperations).optional().describe('Which requests it is asked about.'),
  failurePolicy: failurePolicy(),
  ...matchFields,
  sideEffects: choice('Unknown', 'None', 'Some', 'NoneOnDryRun')
    .optional()
    .describe('Whether calling it changes something elsewhere; those that do are not called in a dry run.'),
  timeoutSeconds: int32().default(10).describe('How long it may take, 1 to 30 seconds.'),
  admissionReviewVersions: atomicList(z.string()).optional().describe('The versions of AdmissionReview it understands.'),
  matchConditions: listMap(MatchCondition, 'name').optional().describe('Expressions that must all be true for it to be called.'),
}

/** A webhook that lets requests pass or refuses them. */
export const ValidatingWebhook = named(
  'admissionregistration/v1.ValidatingWebhook',
  'A server that may refuse requests.',
  () => webhookFields,
  {
    wire:
      'name clientConfig rules failurePolicy namespaceSelector sideEffects timeoutSeconds admissionReviewVersions matchPolicy ' +
      'objectSelector matchConditions',
  },
)
export type ValidatingWebhook = z.output<typeof ValidatingWebhook>

/** A webhook that may change objects on their way in. */
export const MutatingWebhook = named(
  'admissionregistration/v1.MutatingWebhook',
  'A server that may change and refuse requests.',
  () => ({
    ...webhookFields,
    reinvocationPolicy: choice('Never', 'IfNeeded')
      .default('Never')
      .describe('Whether it is asked again when others changed the object after it.'),
  }),
  {
    wire:
      'name clientConfig rules failurePolicy namespaceSelector sideEffects timeoutSeconds admissionReviewVersions matchPolicy ' +
      'reinvocationPolicy objectSelector matchConditions',
  },
)
export type MutatingWebhook = z.output<typeof MutatingWebhook>
