import { X509Certificate } from 'node:crypto'
import { type FieldError, fieldError } from '../field-errors.ts'
import { portNumber, serviceName, subdomainName } from '../names.ts'
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
  return [...errors, ...reviewVersionErrors(versions)]
}

function clientErrors({ url, service, caBundle = '' }: ConversionClient, at: string, isEstablished: boolean): FieldError[] {
  const errors: FieldError[] = []
  if ((url === undefined) === (service === undefined)) {
    errors.push(fieldError.required(at, 'exactly one of url or service is required'))
  } else if (url !== undefined) errors.push(...urlErrors(url, `${at}.url`))
  else if (service) errors.push(...serviceErrors(service, `${at}.service`))
  if (caBundle !== '' && isEstablished && !isCertificate(caBundle)) {
    const why = 'unable to load root certificates: unable to parse bytes as PEM block'
    errors.push(fieldError.invalid(`${at}.caBundle`, caBundle, why))
  }
  return errors
}

/** Whether a CA bundle (PEM in base64) has a certificate in it. */
export function isCertificate(caBundle: string): boolean {
  try {
    return new X509Certificate(Buffer.from(caBundle, 'base64')).subject !== undefined
  } catch {
    return false
  }
}

function urlErrors(url: string, at: string): FieldError[] {
  const form = '; desired format: https://host[/path]'
  const errors: FieldError[] = []
  const [, scheme = '', host = ''] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?/.exec(url) ?? []
  if (scheme !== 'https') errors.push(fieldError.invalid(at, scheme, `'https' is the only allowed URL scheme${form}`))
  const [user, bare = host] = host.includes('@') ? [host.slice(0, host.indexOf('@')), host.slice(host.indexOf('@') + 1)] : []
  if (bare === '') errors.push(fieldError.invalid(at, '', `host must be specified${form}`))
  if (user !== undefined) errors.push(fieldError.invalid(at, user, 'user information is not permitted in the URL'))
  const [, fragment = ''] = url.split('#', 2)
  if (fragment !== '') errors.push(fieldError.invalid(at, fragment, 'fragments are not permitted in the URL'))
  const query = /\?([^#]+)/.exec(url)?.[1]
  if (query) errors.push(fieldError.invalid(at, query, 'query parameters are not permitted in the URL'))
  return errors
}

function serviceErrors(service: NonNullable<ConversionClient['service']>, at: string): FieldError[] {
  const { name, namespace, path: urlPath = '', port = 443 } = service
  const errors: FieldError[] = []
  if (name === '') errors.push(fieldError.required(`${at}.name`))
  if (namespace === '') errors.push(fieldError.required(`${at}.namespace`))
  const portFaults = portNumber(port)
  if (portFaults.length > 0) errors.push(fieldError.invalid(`${at}.port`, port, `port is not valid: ${portFaults.join(', ')}`))
  if (urlPath === '' || urlPath === '/') return errors
  const fault = (why: string) => errors.push(fieldError.invalid(`${at}.path`, urlPath, why))
  if (urlPath === '//') fault('segment[0] may not be empty')
  if (!urlPath.startsWith('/')) fault("must start with a '/'")
  for (const [i, step] of urlPath === '//' ? [] : urlPath.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (step === '') fault(`segment[${i}] may not be empty`)
    else for (const why of subdomainName(step)) fault(`segment[${i}]: ${why}`)
  }
  return errors
}

const knownVersions = ['v1', 'v1beta1']

function reviewVersionErrors(versions: readonly string[]): FieldError[] {
  const at = `${path}.conversionReviewVersions`
  if (versions.length === 0) return [fieldError.required(at)]
  const errors: FieldError[] = []
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(fieldError.invalid(`${at}[${i}]`, version, 'duplicate version'))
    else for (const why of serviceName(version)) errors.push(fieldError.invalid(`${at}[${i}]`, version, why))
  }
  if (!versions.some(version => knownVersions.includes(version))) {
    errors.push(fieldError.invalid(at, versions, `must include at least one of ${knownVersions.join(', ')}`))
  }
  return errors
}
