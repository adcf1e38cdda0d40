import * as z from 'zod'
import { age } from '../columns.ts'
import { TypedLocalObjectReference } from '../core/references.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, choice, int32, named, requiredText, text, whole } from '../schema.ts'
import { validateIngress, validateIngressStatus } from './ingress-validation.ts'

const IngressBackend = named(
  'networking/v1.IngressBackend',
  'Where requests go.',
  () => ({
    service: named(
      'networking/v1.IngressServiceBackend',
      'A service that requests go to.',
      () => ({
        name: requiredText('Name of the service, in the same namespace.'),
        port: named(
          'networking/v1.ServiceBackendPort',
          'A port of the service: by name or by number.',
          () => ({ name: text('Name of the port.'), number: whole('Number of the port.') }),
          { wire: 'name number', 'x-kubernetes-map-type': 'atomic' },
        )
          .prefault({})
          .describe('The port of it.'),
      }),
      { wire: 'name port' },
    )
      .optional()
      .describe('A service that takes the requests.'),
    resource: TypedLocalObjectReference.optional().describe('Any other object that takes them.'),
  }),
  { wire: '4:service 3:resource' },
)
export type IngressBackend = z.output<typeof IngressBackend>

const HTTPIngressPath = named(
  'networking/v1.HTTPIngressPath',
  'Paths, and where requests for them go.',
  () => ({
    path: text('The path, or what it begins with.'),
    pathType: choice('Exact', 'Prefix', 'ImplementationSpecific').optional().describe('How paths are compared.'),
    backend: IngressBackend.prefault({}).describe('Where requests go.'),
  }),
  { wire: 'path 3:pathType 2:backend' },
)

const IngressRule = named(
  'networking/v1.IngressRule',
  'Where requests for a host go.',
  () => ({
    host: text('The host; `*.example.com` for all one level below. Empty: any.'),
    http: named(
      'networking/v1.HTTPIngressRuleValue',
      'Paths of a host.',
      () => ({ paths: atomicList(HTTPIngressPath).default([]).describe('Paths, and where requests for them go.') }),
      { wire: 'paths' },
    )
      .optional()
      .describe('Paths of the host.'),
  }),
  { wire: 'host 2:ingressRuleValue(http)' },
)

const IngressTLS = named(
  'networking/v1.IngressTLS',
  'Hosts that are served with a certificate.',
  () => ({
    hosts: atomicList(z.string()).optional().describe('Hosts that the certificate is for.'),
    secretName: text('Secret that holds the certificate.'),
  }),
  { wire: 'hosts secretName' },
)

const IngressSpec = named(
  'networking/v1.IngressSpec',
  'Which requests go where.',
  () => ({
    ingressClassName: z.string().optional().describe('Class of the controller that serves it.'),
    defaultBackend: IngressBackend.optional().describe('Where requests go that no rule is about.'),
    tls: atomicList(IngressTLS).optional().describe('Hosts that are served with a certificate.'),
    rules: atomicList(IngressRule).optional().describe('Which requests go where.'),
  }),
  { wire: '4:ingressClassName 1:defaultBackend tls rules' },
)

const IngressLoadBalancerIngress = named(
  'networking/v1.IngressLoadBalancerIngress',
  'Where the load balancer takes traffic.',
  () => ({
    ip: text('Its address.'),
    hostname: text('Its name.'),
    ports: atomicList(
      named(
        'networking/v1.IngressPortStatus',
        'How a port of the load balancer is.',
        () => ({
          port: int32().default(0).describe('Number of the port.'),
          protocol: requiredText('Protocol of the port.'),
          error: z.string().optional().describe('What is wrong with it.'),
        }),
        { wire: 'port protocol error' },
      ),
    )
      .optional()
      .describe('Its ports.'),
  }),
  { wire: 'ip hostname 4:ports' },
)

const IngressStatus = named(
  'networking/v1.IngressStatus',
  'How an ingress is.',
  () => ({
    loadBalancer: named(
      'networking/v1.IngressLoadBalancerStatus',
      'Where the load balancer takes traffic.',
      () => ({ ingress: atomicList(IngressLoadBalancerIngress).optional().describe('Its addresses and names.') }),
      { wire: 'ingress' },
    )
      .prefault({})
      .describe('Where the load balancer takes traffic.'),
  }),
  { wire: 'loadBalancer' },
)

/** An ingress as far as its rules look into it. */
export interface IngressParts {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: z.output<typeof IngressSpec>
  readonly status: z.output<typeof IngressStatus>
}

const shownHosts = 3

/** As upstream counts: rules without a host take no place, but are among the `more` (printers.go formatHosts). */
function hostsOf(rules: IngressParts['spec']['rules'] = []): string {
  const hosts: string[] = []
  let more = false
  for (const { host } of rules) {
    more ||= hosts.length === shownHosts
    if (!more && host) hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return more ? `${hosts.join(',')} + ${rules.length - shownHosts} more...` : hosts.join(',')
}

const oldClass = 'kubernetes.io/ingress.class'

/** Lets requests from outside reach services, by host and path. */
export const Ingress = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  description: 'Lets requests from outside reach services, by host and path.',
  fields: () => ({
    spec: IngressSpec.prefault({}).describe('Which requests go where.'),
    status: IngressStatus.prefault({}).describe('How it is.'),
  }),
  columns: [
    { name: 'Class', description: 'Who serves it.', value: ({ spec }) => spec.ingressClassName ?? '<none>' },
    { name: 'Hosts', description: 'Hosts it is about.', value: ({ spec }) => hostsOf(spec.rules) },
    {
      name: 'Address',
      description: 'Where it is reached.',
      value: ({ status }) =>
        [...new Set((status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip || hostname || ''))]
          .filter(address => address !== '')
          .sort()
          .join(','),
    },
    { name: 'Ports', description: 'Ports it is served on.', value: ({ spec }) => (spec.tls?.length ? '80, 443' : '80') },
    age,
  ],
  subresources: ['status'],
  generationOf: ({ spec }) => spec,
  validate: validateIngress,
  warnings: ({ metadata, spec }, old) =>
    !old && metadata.annotations?.[oldClass] !== undefined && spec.ingressClassName === undefined
      ? [`annotation "${oldClass}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  validateStatus: validateIngressStatus,
})
export type Ingress = ObjectOf<typeof Ingress>
