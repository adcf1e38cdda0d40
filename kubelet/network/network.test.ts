import { expect, test } from 'vitest'
import { samplePod } from '../samples.ts'
import { parseResolvConf, podDns } from './dns.ts'
import { podHostname } from './hostname.ts'
import { hostsFile } from './hosts-file.ts'

test('the hosts file of a pod', () => {
  const { spec } = samplePod({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] })
  const text = hostsFile({
    spec,
    podIps: ['10.244.0.2'],
    hostname: 'web',
    fqdn: 'web.sub.default.svc.cluster.local',
    nodeFile: '',
  })
  expect(text).toBe(
    [
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      '10.244.0.2\tweb.sub.default.svc.cluster.local\tweb',
      '',
      '# Entries added by HostAliases.',
      '1.2.3.4\ta\tb',
      '',
    ].join('\n'),
  )
})

test("a pod in the node's network gets the node's file", () => {
  const { spec } = samplePod({ hostNetwork: true })
  const text = hostsFile({ spec, podIps: [], hostname: 'web', nodeFile: '127.0.0.1 localhost\n' })
  expect(text).toBe('# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n')
})

test.each([
  ['its own name', {}, { short: 'web', kernel: 'web' }],
  ['spec.hostname', { hostname: 'h' }, { short: 'h', kernel: 'h' }],
  ['a long one is cut', { hostname: `${'x'.repeat(62)}--y` }, { short: 'x'.repeat(62), kernel: 'x'.repeat(62) }],
  [
    'an override, without a domain',
    { hostnameOverride: 'x.example', hostname: 'h', subdomain: 's' },
    { short: 'x.example', kernel: 'x.example' },
  ],
  ['below a subdomain', { subdomain: 's' }, { short: 'web', fqdn: 'web.s.default.svc.cluster.local', kernel: 'web' }],
  [
    'as FQDN',
    { subdomain: 's', setHostnameAsFQDN: true },
    { short: 'web', fqdn: 'web.s.default.svc.cluster.local', kernel: 'web.s.default.svc.cluster.local' },
  ],
])('host name: %s', (_title, spec, expected) => expect(podHostname(samplePod(spec), 'cluster.local')).toEqual(expected))

test('an FQDN that the kernel would not take is refused', () => {
  const pod = samplePod({ subdomain: 's'.repeat(50), setHostnameAsFQDN: true })
  expect(() => podHostname(pod, 'cluster.local')).toThrow(/is too long \(64 characters is the max, 80 characters requested\)$/)
})

const nodeResolvConf =
  'nameserver 8.8.8.8\nsearch old.example\nsearch example.org. . second.example\noptions timeout:1\nnameserver 9.9.9.9\n'
const cluster = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', nodeResolvConf }
const ofNode = { servers: ['8.8.8.8', '9.9.9.9'], searches: ['example.org', 'second.example'], options: ['timeout:1'] }
const domains = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local']

test('a resolv.conf: the last search line wins, trailing dots go', () => {
  expect(parseResolvConf(nodeResolvConf)).toEqual({
    servers: ['8.8.8.8', '9.9.9.9'],
    searches: ['example.org', 'second.example'],
    options: ['timeout:1'],
  })
})

test.each([
  [
    'ClusterFirst',
    {},
    cluster,
    { servers: ['10.96.0.10'], searches: [...domains, 'example.org', 'second.example'], options: ['ndots:5'] },
  ],
  ['ClusterFirst in the host network is Default', { hostNetwork: true }, cluster, ofNode],
  ['Default', { dnsPolicy: 'Default' }, cluster, ofNode],
  [
    'Default with additions',
    { dnsPolicy: 'Default', dnsConfig: { options: [{ name: 'timeout', value: '9' }] } },
    cluster,
    { ...ofNode, options: ['timeout:9'] },
  ],
  [
    'a resolver on the node itself is left to the runtime',
    { dnsPolicy: 'Default' },
    { ...cluster, nodeResolvConf: 'nameserver 127.0.0.53' },
    undefined,
  ],
  [
    'ClusterFirstWithHostNet',
    { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    cluster,
    { servers: ['10.96.0.10'], searches: [...domains, 'example.org', 'second.example'], options: ['ndots:5'] },
  ],
  [
    'None with a dnsConfig',
    {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
    },
    cluster,
    { servers: ['1.1.1.1'], searches: ['x'], options: ['ndots:2', 'edns0'] },
  ],
  [
    'dnsConfig adds, its options win',
    { dnsConfig: { nameservers: ['10.96.0.10', '1.1.1.1'], options: [{ name: 'ndots', value: '1' }] } },
    cluster,
    { servers: ['10.96.0.10', '1.1.1.1'], searches: [...domains, 'example.org', 'second.example'], options: ['ndots:1'] },
  ],
])('%s', (_title, spec, options, expected) => expect(podDns(samplePod(spec), options)).toEqual({ dns: expected, warnings: [] }))

test('without a cluster DNS, ClusterFirst is Default, and that is told', () => {
  const pod = samplePod({})
  expect(podDns(pod, { ...cluster, clusterDns: [] })).toEqual({
    dns: ofNode,
    warnings: [
      {
        reason: 'MissingClusterDNS',
        message: `pod: "web_default(${pod.metadata.uid})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`,
      },
    ],
  })
})

test.each([
  ['no more than 32', Array.from({ length: 40 }, (_, i) => `d${i}`), Array.from({ length: 32 }, (_, i) => `d${i}`)],
  ['none longer than a name', ['a', 'x'.repeat(254), 'b', 'y'.repeat(253)], ['a', 'b', 'y'.repeat(253)]],
  [
    'no line longer than 2048',
    Array.from({ length: 10 }, (_, i) => `${i}${'x'.repeat(249)}`),
    Array.from({ length: 8 }, (_, i) => `${i}${'x'.repeat(249)}`),
  ],
])('search domains: %s', (_title, searches, kept) => {
  const { dns, warnings } = podDns(samplePod({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1'], searches } }), cluster)
  expect(dns?.searches).toEqual(kept)
  const line = `the applied search line is: ${kept.join(' ')}`
  expect(warnings).toEqual([
    { reason: 'DNSConfigForming', message: `Search Line limits were exceeded, some search paths have been omitted, ${line}` },
  ])
})

test('more name servers than a resolver takes are left out, and that is told', () => {
  const pod = samplePod({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1', '2', '3', '4'] } })
  const { dns, warnings } = podDns(pod, cluster)
  expect(dns?.servers).toEqual(['1', '2', '3'])
  expect(warnings[0]?.message).toBe(
    'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1 2 3',
  )
})
