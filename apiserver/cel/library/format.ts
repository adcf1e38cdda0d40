import { labelName, labelValueText, maskTrailingDash, qualifiedName, serviceName, subdomainName } from '../../../api/names.ts'
import { addFunctions, addNamespace, type Library } from './library.ts'

class FormatValue {
  readonly check: (text: string) => readonly string[]
  constructor(check: FormatValue['check']) {
    this.check = check
  }
}

const when = (isRight: (text: string) => boolean, fault: string) => (text: string) => (isRight(text) ? [] : [fault])
const matching = (pattern: RegExp, fault: string) => when(text => pattern.test(text), fault)

/** What a text may have to look like (k8s.io/apiserver/pkg/cel/library/format.go). */
const formats: Readonly<Record<string, (text: string) => readonly string[]>> = {
  dns1123Label: labelName,
  dns1123Subdomain: subdomainName,
  dns1035Label: serviceName,
  qualifiedName,
  dns1123LabelPrefix: text => labelName(maskTrailingDash(text)),
  dns1123SubdomainPrefix: text => subdomainName(maskTrailingDash(text)),
  dns1035LabelPrefix: text => serviceName(maskTrailingDash(text)),
  labelValue: labelValueText,
  uri: matching(/^([a-zA-Z][a-zA-Z0-9+.-]*:[^\s]*|\/[^\s]*)$/, 'invalid URI for request'),
  uuid: matching(/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i, 'does not match the UUID format'),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: when(text => /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text), 'invalid date'),
  datetime: when(
    text => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && isDay(text.slice(0, 10)),
    'invalid datetime',
  ),
}

const isDay = (text: string) => {
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** `format.dns1123Label().validate(text)`: nothing, or what is wrong. */
export const textFormats: Library = (env, { Optional }) => {
  const type = 'kubernetes.NamedFormat'
  env.registerType(type, { ctor: FormatValue, fields: {} })
  const namespace = addNamespace(env, 'format')
  const values = new Map(Object.entries(formats).map(([name, check]) => [name, new FormatValue(check)]))
  addFunctions(env, {
    [`${type}.validate(string): optional<list<string>>`]({ check }: FormatValue, text: string) {
      const faults = check(text)
      return faults.length > 0 ? Optional.of([...faults]) : Optional.none()
    },
    [`${namespace}.named(string): optional<${type}>`](_: unknown, name: string) {
      const value = values.get(name)
      return value ? Optional.of(value) : Optional.none()
    },
    ...Object.fromEntries([...values].map(([name, value]) => [`${namespace}.${name}(): ${type}`, () => value])),
  })
}
