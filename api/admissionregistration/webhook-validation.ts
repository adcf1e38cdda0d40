import { type FieldError, fieldError } from '../field-errors.ts'
import { subdomainName } from '../names.ts'
import type { LabelSelectorObject } from '../selectors.ts'
import { supported } from '../validation.ts'
import { reviewVersions, validateReviewVersions, validateWebhookAddress, type WebhookAddress } from '../webhook-validation.ts'
import { joined, validateMatchConditions, validateMatching, validateRule } from './matching-validation.ts'

interface Webhook {
  readonly name: string
  readonly clientConfig: WebhookAddress
  readonly rules?: readonly Parameters<typeof validateRule>[0][] | undefined
  readonly failurePolicy: string
  readonly matchPolicy: string
  readonly namespaceSelector: LabelSelectorObject
  readonly objectSelector: LabelSelectorObject
  readonly sideEffects?: string | undefined
  readonly timeoutSeconds: number
  readonly admissionReviewVersions?: readonly string[] | undefined
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[] | undefined
  readonly reinvocationPolicy?: string
}

const allowedSideEffects = ['None', 'NoneOnDryRun']

/** The rules of k8s.io/kubernetes/pkg/apis/admissionregistration/validation for the webhooks of one configuration. */
export function validateWebhooks(webhooks: readonly Webhook[] = []): FieldError[] {
  const names = new Set<string>()
  return webhooks.flatMap((webhook, at) => {
    const field = `webhooks[${at}]`
    const errors = validateWebhook(webhook, field)
    if (webhook.name && names.has(webhook.name)) errors.push(fieldError.duplicate(`${field}.name`, webhook.name))
    names.add(webhook.name)
    return errors
  })
}

function validateWebhook(webhook: Webhook, field: string): FieldError[] {
  const { sideEffects, timeoutSeconds } = webhook
  return [
    ...validateName(webhook.name, `${field}.name`),
    ...(webhook.rules ?? []).flatMap((rule, at) => validateRule(rule, `${field}.rules[${at}]`)),
    ...supported(`${field}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore']),
    ...(sideEffects
      ? supported(`${field}.sideEffects`, sideEffects, allowedSideEffects)
      : [fieldError.required(`${field}.sideEffects`, `must specify one of ${allowedSideEffects.join(', ')}`)]),
    ...(timeoutSeconds < 1 || timeoutSeconds > 30
      ? [fieldError.invalid(`${field}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')]
      : []),
    ...validateMatching(webhook, field),
    ...supported(`${field}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never']),
    ...validateWebhookAddress(webhook.clientConfig, `${field}.clientConfig`),
    ...validateMatchConditions(webhook.matchConditions, `${field}.matchConditions`),
    ...validateReviewVersions(
      webhook.admissionReviewVersions ?? [],
      `${field}.admissionReviewVersions`,
      `must specify one of ${reviewVersions.join(', ')}`,
    ),
  ]
}

function validateName(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)]
  const faults = subdomainName(name)
  if (faults.length > 0) return joined(field, name, faults)
  if (name.split('.').length >= 3) return []
  return [fieldError.invalid(field, name, 'should be a domain with at least three segments separated by dots')]
}
