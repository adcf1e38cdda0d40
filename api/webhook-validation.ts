import { type FieldError, fieldError } from './field-errors.ts'
import { portNumber, serviceName, subdomainName } from './names.ts'
import { invalidWhen } from './validation.ts'

/** Where a webhook is called: exactly one of the two is given. */
export interface WebhookAddress {
  readonly url?: string | undefined
  readonly service?:
    | {
        readonly namespace: string
        readonly name: string
        readonly path?: string | undefined
        readonly port?: number | undefined
      }
    | undefined
}

/** What is wrong with the address of a webhook (k8s.io/apiserver/pkg/util/webhook/validation.go). */
export function validateWebhookAddress({ url, service }: WebhookAddress, field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [fieldError.required(field, 'exactly one of url or service is required')]
  }
  if (url !== undefined) return validateUrl(url, `${field}.url`)
  return service ? validateService(service, `${field}.service`) : []
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

function validateService(service: NonNullable<WebhookAddress['service']>, field: string): FieldError[] {
  const { name, namespace, port = 443, path } = service
  const portFaults = portNumber(port)
  return [
    ...(name ? [] : [fieldError.required(`${field}.name`)]),
    ...(namespace ? [] : [fieldError.required(`${field}.namespace`)]),
    ...(portFaults.length > 0 ? [fieldError.invalid(`${field}.port`, port, `port is not valid: ${portFaults.join(', ')}`)] : []),
    ...validatePath(path, `${field}.path`),
  ]
}

function validatePath(path: string | undefined, field: string): FieldError[] {
  if (!path || path === '/') return []
  if (path === '//') return [fieldError.invalid(field, path, 'segment[0] may not be empty')]
  const steps = path.slice(1).replace(/\/$/, '').split('/')
  return [
    ...(path.startsWith('/') ? [] : [fieldError.invalid(field, path, "must start with a '/'")]),
    ...steps.flatMap((step, at) => {
      const faults = step === '' ? [' may not be empty'] : subdomainName(step).map(why => `: ${why}`)
      return faults.map(why => fieldError.invalid(field, path, `segment[${at}]${why}`))
    }),
  ]
}

/** The versions of reviews that upstream's API server speaks. */
export const reviewVersions = ['v1', 'v1beta1']

/**
 * What is wrong with the versions of reviews that a webhook speaks, in the order it likes them: one that is known must be among them.
 * `whenNone` is said when there are none at all.
 */
export function validateReviewVersions(versions: readonly string[], field: string, whenNone = ''): FieldError[] {
  if (versions.length === 0) return [fieldError.required(field, whenNone)]
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
