import { X509Certificate } from 'node:crypto'
import { type FieldError, fieldError } from '../field-errors.ts'
import { validateReviewVersions, validateWebhookAddress } from '../webhook-validation.ts'
import type { Conversion, ConversionClient } from './definition.ts'

const path = 'spec.conversion'

/** How objects get from one version to another must be complete. A bad CA is let pass before the kind is served. */
export function conversionErrors(conversion: Conversion | undefined, isEstablished: boolean): FieldError[] {
  if (!conversion) return []
  const { strategy, webhook } = conversion
  const errors: FieldError[] = []
  if (strategy === '') errors.push(fieldError.required(`${path}.strategy`))
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(fieldError.notSupported(`${path}.strategy`, strategy, ['None', 'Webhook']))
  }
  const at = `${path}.webhookClientConfig`
  const versions = webhook?.conversionReviewVersions ?? []
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook'
    if (webhook?.clientConfig) errors.push(fieldError.forbidden(at, why))
    if (versions.length > 0) errors.push(fieldError.forbidden(`${path}.conversionReviewVersions`, why))
    return errors
  }
  if (!webhook?.clientConfig) errors.push(fieldError.required(at, 'required when strategy is set to Webhook'))
  else errors.push(...clientErrors(webhook.clientConfig, at, isEstablished))
  return [...errors, ...validateReviewVersions(versions, `${path}.conversionReviewVersions`)]
}

function clientErrors(client: ConversionClient, at: string, isEstablished: boolean): FieldError[] {
  const { caBundle = '' } = client
  const errors = validateWebhookAddress(client, at)
  if (caBundle !== '' && isEstablished && !isCertificate(caBundle)) {
    const why = 'unable to load root certificates: unable to parse bytes as PEM block'
    errors.push(fieldError.invalid(`${at}.caBundle`, caBundle, why))
  }
  return errors
}

/** Whether a CA bundle (PEM in base64) has a certificate in it. */
function isCertificate(caBundle: string): boolean {
  try {
    return new X509Certificate(Buffer.from(caBundle, 'base64')).subject !== undefined
  } catch {
    return false
  }
}
