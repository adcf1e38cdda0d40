import { isIPv4, isIPv6 } from 'node:net'

/**
 * Formats of texts that are checked; all others are ignored (k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go,
 * k8s.io/kube-openapi/pkg/validation/strfmt). Hyphens in a format's name do not count.
 */

const uuid = (version: string, variant = '[0-9a-f]') =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i')
const matching = (pattern: RegExp) => (text: string) => pattern.test(text)

const fullDate = /^(\d{4})-(\d\d)-(\d\d)$/
function isDate(text: string): boolean {
  const [, year = '', month = '', day = ''] = fullDate.exec(text) ?? []
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return year !== '' && date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
}

const fullTime = /([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))/
function isDateTime(text: string): boolean {
  const [date = '', time] = text.toLowerCase().split('t')
  if (time === undefined || !isDate(date)) return false
  const [, hours = '99', minutes = '99', seconds = '99'] = fullTime.exec(time) ?? []
  return hours <= '23' && minutes <= '59' && seconds <= '59'
}

const hostname =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u
const isHostname = (text: string) =>
  hostname.test(text) && Buffer.byteLength(text) <= 255 && text.split('.').every(part => Buffer.byteLength(part) <= 63)

/** Go's durations, and numbers with a unit in words. */
const duration = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/
const wordyDuration =
  /^(\d+\s*(ns|nano|nanos|nanosecond|nanoseconds|us|µs|micro|micros|microsecond|microseconds|ms|milli|millis|millisecond|milliseconds|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|week|weeks|wk|wks)\s*)+$/
const isDuration = (text: string) => text === '0' || duration.test(text) || wordyDuration.test(text)

const emailAddress = /^(?:[^<>@]*<)?\s*[\w.!#$%&'*+/=?^`{|}~-]+@[^\s@<>]+\s*>?$/
const creditCard =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '')
  return (
    creditCard.test(digits) && weighted([...digits].reverse(), (digit, i) => (i % 2 ? sumOfDigits(digit * 2) : digit)) % 10 === 0
  )
}

const sumOfDigits = (number: number) => (number > 9 ? number - 9 : number)
const weighted = (digits: readonly string[], weigh: (digit: number, i: number) => number) =>
  digits.reduce((sum, digit, i) => sum + weigh(digit === 'X' ? 10 : Number(digit), i), 0)

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  return /^\d{9}[\dX]$/.test(digits) && weighted([...digits], (digit, i) => digit * (i + 1)) % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  return /^\d{13}$/.test(digits) && weighted([...digits], (digit, i) => digit * (i % 2 ? 3 : 1)) % 10 === 0
}

function isCidr(text: string): boolean {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128)
}

function isUri(text: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return URL.canParse(text)
  return text.startsWith('/')
}

const checks: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matching(/^[0-9a-fA-F]{24}$/),
  uri: isUri,
  email: matching(emailAddress),
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matching(/^([0-9a-fA-F]{2}([:-])([0-9a-fA-F]{2}\2){4}([0-9a-fA-F]{2})|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4})$/),
  uuid: matching(uuid('[0-9a-f]')),
  uuid3: matching(uuid('3')),
  uuid4: matching(uuid('4', '[89ab]')),
  uuid5: matching(uuid('5', '[89ab]')),
  isbn: text => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matching(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matching(/^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*(,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*){2}\)$/),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  duration: isDuration,
  datetime: isDateTime,
  k8sshortname: text => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  k8slongname: text => text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
}

/** The check of a format; undefined: texts of that format are not checked. */
export const formatCheck = (format: string): ((text: string) => boolean) | undefined => checks[format.replaceAll('-', '')]
