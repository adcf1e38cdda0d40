import { type FieldError, fieldError } from './field-errors.ts'
import { labelName, mustMatch, subdomainName } from './names.ts'
import { invalidWhen } from './validation.ts'

/** Names that have a domain in them (k8s.io/apimachinery/pkg/util/validation/validation.go, pkg/apis/core/validation). */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const wildcard = `\\*\\.${label}(\\.${label})*`
const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"

/** `*.example.com`; answers what is wrong. */
export function wildcardDomain(name: string): string[] {
  const errors = name.length > 253 ? ['must be no more than 253 characters'] : []
  if (new RegExp(`^${wildcard}$`).test(name)) return errors
  const sentence =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
  return [...errors, mustMatch(sentence, wildcard, '*.example.com')]
}

/** `acme.io/foo`. */
export function domainPrefixedPath(field: string, text: string): FieldError[] {
  if (text === '') return [fieldError.required(field)]
  const slash = text.indexOf('/')
  const host = text.slice(0, slash)
  const path = text.slice(slash + 1)
  if (slash <= 0 || path === '') {
    return [fieldError.invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  }
  const errors = invalidWhen(field, host, subdomainName(host))
  if (new RegExp(`^${httpPath}$`).test(path)) return errors
  return [...errors, fieldError.invalid(field, path, mustMatch('Invalid path', httpPath).replace(' (e.g. ', ' ('))]
}

/** At least two labels; a dot may end it. */
export function fullyQualifiedDomain(field: string, text: string): FieldError[] {
  if (text === '') return [fieldError.required(field)]
  const name = text.replace(/\.$/, '')
  const faults = subdomainName(name)
  if (faults.length > 0) return [fieldError.invalid(field, name, faults.join(','))]
  const labels = name.split('.')
  if (labels.length < 2) {
    return [fieldError.invalid(field, name, 'should be a domain with at least two segments separated by dots')]
  }
  const bad = labels.find(each => labelName(each).length > 0)
  return bad === undefined ? [] : [fieldError.invalid(field, bad, labelName(bad).join(','))]
}

/** `example.com/signer`: who signs certificates. */
export function signerName(field: string, text: string): FieldError[] {
  if (text === '') return [fieldError.required(field)]
  const segments = text.split('/')
  const [domain = '', path = ''] = segments
  if (segments.length !== 2) {
    const why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
    return [fieldError.invalid(field, text, why)]
  }
  const errors = domain.length > longestDomain ? [fieldError.tooLong(field, longestDomain)] : []
  const labels = domain.split('.')
  errors.push(...firstBad(field, domain, labels, labelName))
  if (labels.length < 2) {
    errors.push(fieldError.invalid(field, domain, 'should be a domain with at least two segments separated by dots'))
  }
  errors.push(...firstBad(field, path, path.split('.'), subdomainName))
  return text.length > longestSignerName ? [...errors, fieldError.tooLong(field, longestSignerName)] : errors
}

const longestDomain = 253
/** A domain, a slash, and room for a label and a subdomain. */
const longestSignerName = longestDomain + 1 + (63 + 1 + 253)

function firstBad(field: string, segment: string, parts: readonly string[], check: (part: string) => string[]): FieldError[] {
  for (const part of parts) {
    const faults = check(part)
    if (faults.length > 0)
      return invalidWhen(
        field,
        segment,
        faults.map(fault => `validating label ${JSON.stringify(part)}: ${fault}`),
      )
  }
  return []
}
