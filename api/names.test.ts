import { describe, expect, test } from 'vitest'
import {
  configKeyName,
  labelName,
  labelValueText,
  pathSegmentName,
  portName,
  qualifiedName,
  serviceName,
  subdomainName,
  variableName,
} from './names.ts'

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const serviceRule =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
const nameRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const long = (count: number) => 'a'.repeat(count)

describe.each([
  [
    'subdomain',
    subdomainName,
    ['web', 'a.b-c', long(253)],
    [
      ['Foo', [subdomainRule]],
      [long(254), ['must be no more than 253 characters']],
      ['', [subdomainRule]],
    ],
  ],
  [
    'label',
    labelName,
    ['web', '1', long(63)],
    [
      ['a.b', ['must not contain dots']],
      ['-a', [labelRule]],
      [long(64), ['must be no more than 63 characters']],
    ],
  ],
  ['service', serviceName, ['web'], [['1a', [serviceRule]]]],
  [
    'path segment',
    pathSegmentName,
    ['system:node', 'A b'],
    [
      ['..', ["may not be '..'"]],
      ['a/b%', ["may not contain '/'", "may not contain '%'"]],
    ],
  ],
  [
    'qualified',
    qualifiedName,
    ['a', 'example.com/A_b.c'],
    [
      ['', ['name part must be non-empty', nameRule]],
      ['/a', ['prefix part must be non-empty']],
      ['Ex/a', [`prefix part ${subdomainRule}`]],
      [`a/${long(64)}`, ['name part must be no more than 63 characters']],
      [
        'a/b/c',
        [
          `a qualified name ${nameRule.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
        ],
      ],
    ],
  ],
  [
    'label value',
    labelValueText,
    ['', 'a_b.C'],
    [
      ['-', [valueRule]],
      [long(64), ['must be no more than 63 characters']],
    ],
  ],
  [
    'config key',
    configKeyName,
    ['a.b', '.x'],
    [
      ['..', ["must not be '..'"]],
      ['..a', ["must not start with '..'"]],
    ],
  ],
  [
    'variable',
    variableName,
    ['A', 'a-b.c d'],
    [
      ['', ['environment variable name must be non-empty']],
      ['a=b', ["a valid environment variable name must consist only of printable ASCII characters other than '='"]],
    ],
  ],
  [
    'port',
    portName,
    ['http', 'a-1'],
    [
      ['a--b', ['must not contain consecutive hyphens']],
      ['-a', ['must not begin or end with a hyphen']],
      ['12', ['must contain at least one letter (a-z)']],
      ['A', ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)', 'must contain at least one letter (a-z)']],
      [long(16), ['must be no more than 15 characters']],
    ],
  ],
] as [string, (name: string) => string[], string[], [string, string[]][]][])('%s names', (_, check, good, bad) => {
  test.each(good)('%s is one', name => expect(check(name)).toEqual([]))
  test.each(bad)('%s is none', (name, faults) => expect(check(name)).toEqual(faults))
})
