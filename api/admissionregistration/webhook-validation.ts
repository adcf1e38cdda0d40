import { type FieldError, fieldError } from '../field-errors.ts'
import { serviceName, subdomainName } from '../names.ts'
import type { LabelSelectorObject } from '../selectors.ts'
import { invalidWhen, supported } from '../validation.ts'
import { joined, validateMatchConditions, validateMatching, validateRule } from './matching-validation.ts'

interface ClientConfig {
  readonly url?: string | undefined
  readonly service?:
    | { readonly namespace: string; readonly name: string; readonly path?: string | undefined; readonly port: number }
    | undefined
}

interface Webhook {
  readonly name: string
  readonly clientConfig: ClientConfig
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

export const reviewVersions = ['v1', 'v1beta1']
const allowedSideEffects = ['None', 'NoneOnDryRun']

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
    ...validateClientConfig(webhook.clientConfig, `${field}.clientConfig`),
    ...validateMatchConditions(webhook.matchConditions, `${field}.matchConditions`),
    ...validateReviewVersions(webhook.admissionReviewVersions ?? [], `${field}.admissionReviewVersions`),
  ]
}

function validateName(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)]
  const faults = subdomainName(name)
  if (faults.length > 0) return joined(field, name, faults)
  if (name.split('.').length >= 3) return []
  return [fieldError.invalid(field, name, 'should be a domain with at least three segments separated by dots')]
}

function validateReviewVersions(versions: readonly string[], field: string): FieldError[] {
  if (versions.length === 0) return [fieldError.required(field, `must specify one of ${reviewVersions.join(', ')}`)]
  const errors = versions.flatMap((version, at) =>
    versions.indexOf(version) < at
      ? [fieldError.invalid(`${field}[${at}]`, version, 'duplicate version')]
      : invalidWhen(`${field}[${at}]`, version, serviceName(version)),
  )
  if (!versions.some(version => reviewVersions.includes(version))) {
    errors.push(fieldError.invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`))
  }
  return errors
}

export function validateClientConfig({ url, service }: ClientConfig, field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [fieldError.required(field, 'exactly one of url or service is required')]
  }
  if (url !== undefined) return validateUrl(url, `${field}.url`)
  if (!service) return []
  const { name, namespace, port, path } = service
  return [
    ...(name ? [] : [fieldError.required(`${field}.service.name`)]),
    ...(namespace ? [] : [fieldError.required(`${field}.service.namespace`)]),
    ...(port >= 1 && port <= 65535
      ? []
      : [fieldError.invalid(`${field}.service.port`, port, 'port is not valid: must be between 1 and 65535, inclusive')]),
    ...validatePath(path, `${field}.service.path`),
  ]
}

function validateUrl(text: string, field: string): FieldError[] {
  const form = '; desired format: https://host[/path]'
  const [, scheme = '', host = '', rest = ''] = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?(.*)$/s.exec(text) ?? []
  const at = host.lastIndexOf('@')
  const fault = (value: string, why: string) => fieldError.invalid(field, value, why)
  const fragment = /#(.*)$/s.exec(rest)?.[1]
  const query = /^[^#?]*\?([^#]*)/.exec(rest)?.[1]
  return [
    ...(scheme === 'https' ? [] : [fault(scheme, `'https' is the only allowed URL scheme${form}`)]),
    ...(host.slice(at + 1) ? [] : [fault('', `host must be specified${form}`)]),
    ...(at >= 0 ? [fault(host.slice(0, at), 'user information is not permitted in the URL')] : []),
    ...(fragment ? [fault(fragment, 'fragments are not permitted in the URL')] : []),
    ...(query ? [fault(query, 'query parameters are not permitted in the URL')] : []),
  ]
}

function validatePath(path: string | undefined, field: string): FieldError[] {
  if (!path || path === '/') return []
  if (path === '//') return [fieldError.invalid(field, path, 'segment[0] may not be empty')]
  const steps = path.slice(1).replace(/\/$/, '').split('/')
  return [
    ...(path.startsWith('/') ? [] : [fieldError.invalid(field, path, "must start with a '/'")]),
    ...steps.flatMap((step, at) =>
      step === ''
        ? [fieldError.invalid(field, path, `segment[${at}] may not be empty`)]
        : subdomainName(step).map(why => fieldError.invalid(field, path, `segment[${at}]: ${why}`)),
    ),
  ]
}
