import * as z from 'zod'
import { contains, legacyCidr, parseCidr } from '../addresses.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { LabelSelector } from '../meta.ts'
import { portName, portNumber } from '../names.ts'
import { atomicList, choice, int32, intOrString, named, requiredText } from '../schema.ts'
import { describeSelector } from '../selectors.ts'
import { invalidWhen, supported, validateLabelSelector } from '../validation.ts'
import { cidrWarnings } from '../warnings.ts'

const NetworkPolicyPort = named(
  'networking/v1.NetworkPolicyPort',
  'A port, or a range of ports.',
  () => ({
    protocol: choice('TCP', 'UDP', 'SCTP').default('TCP').describe('Protocol of the port.'),
    port: intOrString().optional().describe('Number or name of the port; absent: every port.'),
    endPort: int32().optional().describe('Last number of a range that begins with port.'),
  }),
  { wire: 'protocol port endPort' },
)

const NetworkPolicyPeer = named(
  'networking/v1.NetworkPolicyPeer',
  'Who is on the other side.',
  () => ({
    podSelector: LabelSelector.optional().describe('Pods by their labels.'),
    namespaceSelector: LabelSelector.optional().describe('Namespaces by their labels; absent: its own.'),
    ipBlock: named(
      'networking/v1.IPBlock',
      'A range of addresses, with holes in it.',
      () => ({
        cidr: requiredText('The range.'),
        except: atomicList(z.string()).optional().describe('The holes.'),
      }),
      { wire: 'cidr except' },
    )
      .optional()
      .describe('A range of addresses; excludes the others.'),
  }),
  { wire: 'podSelector namespaceSelector ipBlock' },
)

const ports = () => atomicList(NetworkPolicyPort).optional().describe('Which ports; none: all.')
const peers = () => atomicList(NetworkPolicyPeer).optional()

const NetworkPolicySpec = named(
  'networking/v1.NetworkPolicySpec',
  'Which traffic pods may take part in.',
  () => ({
    podSelector: LabelSelector.prefault({}).describe('The pods it is about; an empty one means all.'),
    ingress: atomicList(
      named(
        'networking/v1.NetworkPolicyIngressRule',
        'Traffic that may come in.',
        () => ({ ports: ports(), from: peers().describe('From whom; none: from everybody.') }),
        { wire: 'ports from' },
      ),
    )
      .optional()
      .describe('Traffic that may come in.'),
    egress: atomicList(
      named(
        'networking/v1.NetworkPolicyEgressRule',
        'Traffic that may go out.',
        () => ({ ports: ports(), to: peers().describe('To whom; none: to everybody.') }),
        { wire: 'ports to' },
      ),
    )
      .optional()
      .describe('Traffic that may go out.'),
    policyTypes: atomicList(choice('Ingress', 'Egress')).optional().describe('Which directions it is about.'),
  }),
  { wire: 'podSelector ingress egress policyTypes' },
)
type Spec = z.output<typeof NetworkPolicySpec>
type Peer = z.output<typeof NetworkPolicyPeer>

const protocols = ['TCP', 'UDP', 'SCTP']

function validatePort({ protocol, port, endPort }: z.output<typeof NetworkPolicyPort>, at: string): FieldError[] {
  const errors = supported(`${at}.protocol`, protocol, protocols)
  if (typeof port === 'number') {
    errors.push(...invalidWhen(`${at}.port`, port, portNumber(port)))
    if (endPort === undefined) return errors
    if (endPort < port) errors.push(fieldError.invalid(`${at}.endPort`, port, 'must be greater than or equal to `port`'))
    return [...errors, ...invalidWhen(`${at}.endPort`, endPort, portNumber(endPort))]
  }
  if (endPort !== undefined) {
    const why = `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`
    errors.push(fieldError.invalid(`${at}.endPort`, endPort, why))
  }
  if (port !== undefined) errors.push(...invalidWhen(`${at}.port`, port, portName(port)))
  return errors
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: Peer, at: string, known: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  if (podSelector) errors.push(...validateLabelSelector(podSelector, `${at}.podSelector`))
  if (namespaceSelector) errors.push(...validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`))
  if (ipBlock) errors.push(...validateBlock(ipBlock, `${at}.ipBlock`, known))
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(fieldError.required(at, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(fieldError.forbidden(at, 'may not specify both ipBlock and another peer'))
  }
  return errors
}

function validateBlock(
  { cidr, except = [] }: NonNullable<Peer['ipBlock']>,
  at: string,
  known: ReadonlySet<string>,
): FieldError[] {
  if (cidr === '') return [fieldError.required(`${at}.cidr`)]
  const errors = known.has(cidr) ? [] : legacyCidr(`${at}.cidr`, cidr)
  const range = parseCidr(cidr)
  if (!range) return errors
  for (const [i, hole] of except.entries()) {
    const field = `${at}.except[${i}]`
    if (!known.has(hole)) errors.push(...legacyCidr(field, hole))
    const inner = parseCidr(hole)
    if (inner && (!contains(range, inner.address) || range.prefix >= inner.prefix)) {
      errors.push(fieldError.invalid(field, hole, 'must be a strict subset of `cidr`'))
    }
  }
  return errors
}

const peersOf = ({ ingress = [], egress = [] }: Spec): Peer[] => [
  ...ingress.flatMap(({ from = [] }) => from),
  ...egress.flatMap(({ to = [] }) => to),
]

/** Upstream's pkg/apis/networking/validation ValidateNetworkPolicy; ranges that were there before may stay. */
function validatePolicy(spec: Spec, old?: Spec): FieldError[] {
  const known = new Set(old && peersOf(old).flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : [])))
  const errors = validateLabelSelector(spec.podSelector, 'spec.podSelector')
  for (const [i, { ports = [], from = [] }] of (spec.ingress ?? []).entries()) {
    for (const [j, port] of ports.entries()) errors.push(...validatePort(port, `spec.ingress[${i}].ports[${j}]`))
    for (const [j, peer] of from.entries()) errors.push(...validatePeer(peer, `spec.ingress[${i}].from[${j}]`, known))
  }
  for (const [i, { ports = [], to = [] }] of (spec.egress ?? []).entries()) {
    for (const [j, port] of ports.entries()) errors.push(...validatePort(port, `spec.egress[${i}].ports[${j}]`))
    for (const [j, peer] of to.entries()) errors.push(...validatePeer(peer, `spec.egress[${i}].to[${j}]`, known))
  }
  const { policyTypes = [] } = spec
  if (policyTypes.length > 2) {
    return [...errors, fieldError.invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes')]
  }
  for (const [i, type] of policyTypes.entries()) {
    errors.push(...supported(`spec.policyTypes[${i}]`, type, ['Ingress', 'Egress']))
  }
  return errors
}

function blockWarnings({ ingress = [], egress = [] }: Spec): string[] {
  const of = (peers: readonly Peer[] = [], at: string) =>
    peers.flatMap(({ ipBlock }, i) => [
      ...(ipBlock ? cidrWarnings(`${at}[${i}].ipBlock.cidr`, ipBlock.cidr) : []),
      ...(ipBlock?.except ?? []).flatMap((range, j) => cidrWarnings(`${at}[${i}].ipBlock.except[${j}]`, range)),
    ])
  return [
    ...ingress.flatMap(({ from }, i) => of(from, `spec.ingress[${i}].from`)),
    ...egress.flatMap(({ to }, i) => of(to, `spec.egress[${i}].to`)),
  ]
}

/** Which traffic pods may take part in. */
export const NetworkPolicy = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  description: 'Which traffic pods may take part in.',
  wire: 'metadata spec',
  fields: () => ({ spec: NetworkPolicySpec.prefault({}).describe('Which pods, and which traffic.') }),
  columns: [
    { name: 'Pod-Selector', description: 'The pods it is about.', value: ({ spec }) => describeSelector(spec.podSelector) },
    age,
  ],
  generationOf: ({ spec }) => spec,
  default({ spec }) {
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  validate: ({ spec }, old) => validatePolicy(spec, old?.spec),
  warnings: ({ spec }) => blockWarnings(spec),
})
export type NetworkPolicy = ObjectOf<typeof NetworkPolicy>
