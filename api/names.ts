import { isIP } from 'node:net'

/**
 * What names, labels and keys may look like (semantics E2; k8s.io/apimachinery/pkg/util/validation/validation.go).
 * Every function answers what is wrong, one text per fault; none: all is well.
 */

const byteLength = (text: string): number => Buffer.byteLength(text)
const tooLong = (max: number) => `must be no more than ${max} characters`
export const inRange = (low: number, high: number) => `must be between ${low} and ${high}, inclusive`

/** `... (e.g. 'a',  or 'b', regex used for validation is '...')`; the two spaces really are there. */
export function mustMatch(sentence: string, pattern: string, ...examples: string[]): string {
  const list = examples.map((example, i) => `${i > 0 ? ' or ' : ''}'${example}', `).join('')
  return `${sentence} (e.g. ${list}regex used for validation is '${pattern}')`
}

const whole = (pattern: string) => new RegExp(`^${pattern}$`)

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain1123 = `${label1123}(\\.${label1123})*`
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValue = `(${qualified})?`
const configKey = '[-._a-zA-Z0-9]+'
const httpHeader = '[-A-Za-z0-9]+'

const patterns = {
  label1123: whole(label1123),
  subdomain1123: whole(subdomain1123),
  label1035: whole(label1035),
  qualified: whole(qualified),
  labelValue: whole(labelValue),
  configKey: whole(configKey),
  httpHeader: whole(httpHeader),
  portName: /^[-a-z0-9]+$/,
  relaxedVariable: /^[\x20-\x3c\x3e-\x7e]+$/,
}

/** A DNS subdomain of at most 253 characters: the names of most kinds. */
export function subdomainName(name: string): string[] {
  const errors: string[] = []
  if (name.length > 253) errors.push(tooLong(253))
  if (!patterns.subdomain1123.test(name)) {
    const sentence =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
    errors.push(mustMatch(sentence, subdomain1123, 'example.com'))
  }
  return errors
}

/** A DNS label of at most 63 characters: namespaces, containers, volumes. */
export function labelName(name: string): string[] {
  const errors: string[] = []
  if (name.length > 63) errors.push(tooLong(63))
  if (!patterns.label1123.test(name)) {
    const sentence =
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
    errors.push(
      patterns.subdomain1123.test(name) ? 'must not contain dots' : mustMatch(sentence, label1123, 'my-name', '123-abc'),
    )
  }
  return errors
}

/** A DNS label that starts with a letter: services. */
export function serviceName(name: string): string[] {
  const errors: string[] = []
  if (name.length > 63) errors.push(tooLong(63))
  if (!patterns.label1035.test(name)) {
    const sentence =
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
    errors.push(mustMatch(sentence, label1035, 'my-name', 'abc-123'))
  }
  return errors
}

/** Anything that can be one step of a path: roles and their bindings. */
export function pathSegmentName(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter(character => name.includes(character)).map(character => `may not contain '${character}'`)
}

/** `[prefix/]name`: label keys, annotation keys, finalizers, conditions. */
export function qualifiedName(key: string): string[] {
  if (key.length <= 63 && patterns.qualified.test(key)) return [] // most have no prefix
  const sentence =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  const shape = () => mustMatch(sentence, qualified, 'MyName', 'my.name', '123-abc')
  const parts = key.split('/')
  const errors: string[] = []
  if (parts.length > 2) {
    return [`a qualified name ${shape()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const name = parts.at(-1) ?? ''
  if (parts.length === 2) {
    const [prefix = ''] = parts
    if (prefix === '') errors.push('prefix part must be non-empty')
    else errors.push(...subdomainName(prefix).map(error => `prefix part ${error}`))
  }
  if (name === '') errors.push('name part must be non-empty')
  else if (name.length > 63) errors.push(`name part ${tooLong(63)}`)
  if (!patterns.qualified.test(name)) errors.push(`name part ${shape()}`)
  return errors
}

/** The value of a label. */
export function labelValueText(value: string): string[] {
  const errors: string[] = []
  if (value.length > 63) errors.push(tooLong(63))
  if (!patterns.labelValue.test(value)) {
    const sentence =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    errors.push(mustMatch(sentence, labelValue, 'MyValue', 'my_value', '12345'))
  }
  return errors
}

/** A key of a ConfigMap or Secret. */
export function configKeyName(key: string): string[] {
  const errors: string[] = []
  if (key.length > 253) errors.push(tooLong(253))
  if (!patterns.configKey.test(key)) {
    const sentence = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    errors.push(mustMatch(sentence, configKey, 'key.name', 'KEY_NAME', 'key-name'))
  }
  if (key === '.' || key === '..') errors.push(`must not be '${key}'`)
  else if (key.startsWith('..')) errors.push("must not start with '..'")
  return errors
}

/** The name of an environment variable: printable ASCII without `=`. */
export function variableName(name: string): string[] {
  if (name === '') return ['environment variable name must be non-empty']
  return patterns.relaxedVariable.test(name)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

/** The name of a port (IANA service name): at most 15 characters, a letter among them. */
export function portName(name: string): string[] {
  const errors: string[] = []
  if (name.length > 15) errors.push(tooLong(15))
  if (!patterns.portName.test(name)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(name)) errors.push('must contain at least one letter (a-z)')
  if (name.includes('--')) errors.push('must not contain consecutive hyphens')
  if (name.startsWith('-') || name.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

/** The number of a port. */
export const portNumber = (port: number): string[] => (port >= 1 && port <= 65535 ? [] : [inRange(1, 65535)])

/** The name of an HTTP header. */
export function headerName(name: string): string[] {
  const sentence = "a valid HTTP header must consist of alphanumeric characters or '-'"
  return patterns.httpHeader.test(name) ? [] : [mustMatch(sentence, httpHeader, 'X-Header-Name')]
}

/** Names made from generateName end with a suffix: its own trailing dash does not count. */
export const maskTrailingDash = (prefix: string): string =>
  prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix

/** The size of a map's keys and values in bytes. */
export function sizeInBytes(map: Readonly<Record<string, string>>): number {
  let size = 0
  for (const key in map) size += byteLength(key) + byteLength(map[key] ?? '')
  return size
}

/** A path that stays below where it starts. */
export function descendingPath(path: string): string[] {
  const faults: string[] = []
  if (path.startsWith('/')) faults.push('must be a relative path')
  if (path.split('/').includes('..')) faults.push("must not contain '..'")
  return faults
}

/** User and group IDs. */
export const validId = (id: number): string[] => (id >= 0 && id <= 2147483647 ? [] : [inRange(0, 2147483647)])

/** IPv4 or IPv6. */
export const ipAddress = (text: string): string[] =>
  isIP(text) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']

/** Addresses that no pod can be reached at from elsewhere (pkg/apis/core/validation ValidateEndpointIP). */
export function unusableEndpoint(text: string): string[] {
  const address = text.toLowerCase()
  const family = isIP(address)
  if (family === 0) return ['must be a valid IP address']
  const isIn = (v4: RegExp, v6: RegExp) => (family === 4 ? v4 : v6).test(address)
  if (isIn(/^0\.0\.0\.0$/, /^(?:0{0,4}:){2,7}0{0,4}$/)) return [`may not be unspecified (${text})`]
  if (isIn(/^127\./, /^(?:0{0,4}:){2,7}0{0,3}1$/)) return ['may not be in the loopback range (127.0.0.0/8, ::1/128)']
  if (isIn(/^169\.254\./, /^fe[89ab][0-9a-f]:/)) return ['may not be in the link-local range (169.254.0.0/16, fe80::/10)']
  if (isIn(/^224\.0\.0\./, /^ff02:/)) return ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)']
  return []
}
