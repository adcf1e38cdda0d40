import { describe, expect, test } from 'vitest'
import type { AnyKind } from '../kind.ts'
import { faults, made } from '../testing.ts'
import { Ingress } from './ingress.ts'
import { IngressClass } from './ingress-class.ts'
import { IPAddress } from './ip-address.ts'
import { NetworkPolicy } from './network-policy.ts'
import { ServiceCIDR } from './service-cidr.ts'

const backend = (service: object = {}) => ({ service: { name: 'web', port: { number: 80 }, ...service } })
const path = (more: object = {}) => ({ path: '/', pathType: 'Prefix', backend: backend(), ...more })
const ingress = (...paths: object[]) => ({ spec: { rules: [{ host: 'a.example.com', http: { paths } }] } })
const at = 'spec.rules[0].http.paths[0]'
const parameters = (more: object) => ({ spec: { controller: 'a.b/c', parameters: { kind: 'P', name: 'p', ...more } } })
const policy = (rule: object) => ({ spec: { podSelector: {}, ingress: [rule] } })
const parentRef = { resource: 'services', namespace: 'default', name: 'a' }
const ip = { metadata: { name: '10.96.0.5' }, spec: { parentRef } }

const cases: [AnyKind, [body: object, faults: string[], old?: object][]][] = [
  [
    Ingress,
    [
      [ingress(path()), []],
      [{}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
      [ingress(), ['spec.rules[0].http.paths: Required value']],
      [ingress(path({ pathType: undefined })), [`${at}.pathType: Required value: pathType must be specified`]],
      [
        ingress(path({ pathType: 'Regex' })),
        [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
      ],
      [ingress(path({ path: 'x' })), [`${at}.path: Invalid value: "x": must be an absolute path`]],
      [ingress(path({ path: '/a//b' })), [`${at}.path: Invalid value: "/a//b": must not contain '//'`]],
      [ingress(path({ path: '/a/..' })), [`${at}.path: Invalid value: "/a/..": cannot end with '/..'`]],
      [ingress(path({ path: '/a/..', pathType: 'ImplementationSpecific' })), []],
      [ingress(path({ backend: {} })), [`${at}.backend: Invalid value: "": resource or service backend is required`]],
      [ingress(path({ backend: backend({ port: {} }) })), [`${at}.backend: Required value: port name or number is required`]],
      [
        ingress(path({ backend: backend({ port: { name: 'http', number: 80 } }) })),
        [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
      ],
      [
        ingress(path({ backend: { ...backend(), resource: { kind: 'K', name: 'k' } } })),
        [`${at}.backend: Invalid value: "": cannot set both resource and service backends`],
      ],
      [
        { spec: { defaultBackend: backend(), rules: [{ host: '10.0.0.1' }] } },
        ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
      ],
      [{ spec: { rules: [{ host: '*.example.com' }] } }, []],
      [
        { spec: { rules: [{ host: 'a.*.com' }] } },
        [expect.stringMatching(/^spec\.rules\[0\]\.host: .*a wildcard DNS-1123 subdomain must start with '\*\.'/) as never],
      ],
      [
        {
          metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } },
          spec: { ingressClassName: 'b', defaultBackend: backend() },
        },
        ['annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'],
      ],
    ],
  ],
  [
    IngressClass,
    [
      [parameters({}), []],
      [{}, ['spec.controller: Required value']],
      [
        { spec: { controller: 'x' } },
        ['spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")'],
      ],
      [
        parameters({ scope: 'Namespace' }),
        ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
      ],
      [parameters({ namespace: 'x' }), ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]],
      [parameters({ scope: 'x' }), ['spec.parameters.scope: Unsupported value: "x": supported values: "Cluster", "Namespace"']],
      [
        { spec: { controller: 'a.b/d' } },
        ['spec.controller: Invalid value: "a.b/d": field is immutable'],
        { spec: { controller: 'a.b/c' } },
      ],
    ],
  ],
  [
    NetworkPolicy,
    [
      [policy({ from: [{ podSelector: {} }], ports: [{ port: 80, endPort: 90 }, { port: 'http' }, {}] }), []],
      [policy({ from: [{}] }), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
      [
        policy({ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }),
        ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
      ],
      [
        policy({ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '11.0.0.0/16', '10.0.0.0/8'] } }] }),
        ['11.0.0.0/16', '10.0.0.0/8'].map(
          (cidr, i) =>
            `spec.ingress[0].from[0].ipBlock.except[${i + 1}]: Invalid value: "${cidr}": must be a strict subset of \`cidr\``,
        ),
      ],
      [
        policy({ ports: [{ port: 80, endPort: 79 }] }),
        ['spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`'],
      ],
      [
        policy({ ports: [{ port: 'http', endPort: 79 }] }),
        ['spec.ingress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is non-numeric'],
      ],
      [
        { spec: { policyTypes: ['Ingress', 'Egress', 'Ingress'] } },
        ['spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes'],
      ],
      [{ spec: { policyTypes: ['x'] } }, ['spec.policyTypes[0]: Unsupported value: "x": supported values: "Ingress", "Egress"']],
    ],
  ],
  [
    ServiceCIDR,
    [
      [{ spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } }, []],
      [{}, ['spec.cidrs: Required value: at least one CIDR required']],
      [
        { spec: { cidrs: ['10.0.0.0/24', '10.1.0.0/24'] } },
        [
          'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
        ],
      ],
      [
        { spec: { cidrs: ['10.1.0.0/24'] } },
        ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'],
        { spec: { cidrs: ['10.0.0.0/24'] } },
      ],
      [{ spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } }, [], { spec: { cidrs: ['10.0.0.0/24'] } }],
    ],
  ],
  [
    IPAddress,
    [
      [ip, []],
      [{ metadata: ip.metadata }, ['spec.parentRef: Required value']],
      [{ ...ip, spec: { parentRef: { ...parentRef, name: '' } } }, ['spec.parentRef.name: Required value']],
      [
        { ...ip, spec: { parentRef: { ...parentRef, name: 'b' } } },
        ['spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"b"}: field is immutable'],
        ip,
      ],
    ],
  ],
]

// Only the name: a whole kind is too much to print.
describe.each(cases.map(([kind, rows]) => [kind.kind, kind, rows] as const))('%s', (_, kind, rows) => {
  test.each(rows)('%j', (body, expected, old) => expect(faults(kind, body, old)).toEqual(expected))
})

test('an IP address is named like one', () => {
  expect(IPAddress.validateName('10.0.0.1')).toEqual([])
  expect(IPAddress.validateName('010.0.0.1')).toEqual(['must not have leading 0s'])
})

test.each([
  [{}, ['Ingress']],
  [{ egress: [{}] }, ['Ingress', 'Egress']],
  [{ policyTypes: ['Egress'] }, ['Egress']],
])('a policy %j is about %j', (spec, types) => expect(made(NetworkPolicy, { spec }).spec.policyTypes).toEqual(types))

test.each([
  [{ rules: [{ host: 'a' }, { host: 'b' }, {}, { host: 'c' }, { host: 'd' }] }, ['<none>', 'a,b,c + 2 more...', '', '80']],
  [{ ingressClassName: 'x', tls: [{}], rules: [{}] }, ['x', '*', '', '80, 443']],
])('%j in a table', (spec, cells) => {
  const object = made(Ingress, { spec })
  expect(Ingress.columns.slice(0, 4).map(({ value }) => value(object as Ingress, 0))).toEqual(cells)
})
