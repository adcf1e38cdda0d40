import type { NetworkPolicy } from '../../api/networking/network-policy.ts'
import { describeSelector } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, goTime, heading, labels } from './parts.ts'

type Spec = NetworkPolicy['spec']
type Ports = NonNullable<Spec['ingress']>[number]['ports']
type Peers = NonNullable<Spec['ingress']>[number]['from']

export const describeNetworkPolicy: Describer<NetworkPolicy> = policy => {
  const { metadata, spec } = policy
  const page = newPage()
  heading(page, policy)
  page.line(0, `Created on:\t${goTime(metadata.creationTimestamp)}`)
  labels(page, policy)
  annotations(page, metadata.annotations)
  page.line(0, 'Spec:')
  const everyPod = '<none> (Allowing the specific traffic to all pods in this namespace)'
  const { podSelector, policyTypes = [] } = spec
  const isEmpty = !podSelector || Object.values(podSelector).every(part => Object.keys(part ?? {}).length === 0)
  page.line(1, `PodSelector:     ${isEmpty ? everyPod : describeSelector(podSelector)}`)
  traffic(page, 'ingress', {
    isMeant: policyTypes.includes('Ingress'),
    way: 'From',
    open: 'From: <any> (traffic not restricted by source)',
    rules: spec.ingress?.map(({ ports, from }) => ({ ports, peers: from })),
  })
  traffic(page, 'egress', {
    isMeant: policyTypes.includes('Egress'),
    way: 'To',
    open: 'To: <any> (traffic not restricted by destination)',
    rules: spec.egress?.map(({ ports, to }) => ({ ports, peers: to })),
  })
  page.line(1, `Policy Types: ${policyTypes.join(', ') || '<none>'}`)
  return page.text()
}

interface Traffic {
  readonly isMeant: boolean
  readonly way: string
  /** What is said where anybody is meant. */
  readonly open: string
  readonly rules: readonly { readonly ports?: Ports; readonly peers?: Peers }[] | undefined
}

function traffic(page: Page, name: string, { isMeant, way, open, rules = [] }: Traffic): void {
  if (!isMeant) return page.line(1, `Not affecting ${name} traffic`)
  page.line(1, `Allowing ${name} traffic:`)
  if (rules.length === 0) return page.line(2, `<none> (Selected pods are isolated for ${name} connectivity)`)
  rules.forEach(({ ports = [], peers = [] }, i) => {
    if (ports.length === 0) page.line(2, 'To Port: <any> (traffic allowed to all ports)')
    for (const { port, endPort, protocol = 'TCP' } of ports) {
      const shown = port ?? '<nil>'
      page.line(2, endPort === undefined ? `To Port: ${shown}/${protocol}` : `To Port Range: ${shown}-${endPort}/${protocol}`)
    }
    if (peers.length === 0) page.line(2, open)
    for (const { namespaceSelector, podSelector, ipBlock } of peers) {
      page.line(2, `${way}:`)
      if (namespaceSelector) page.line(3, `NamespaceSelector: ${describeSelector(namespaceSelector)}`)
      if (podSelector) page.line(3, `PodSelector: ${describeSelector(podSelector)}`)
      if (!ipBlock || namespaceSelector || podSelector) continue
      page.line(3, 'IPBlock:')
      page.line(4, `CIDR: ${ipBlock.cidr}`)
      page.line(4, `Except: ${(ipBlock.except ?? []).join(', ')}`)
    }
    if (i < rules.length - 1) page.line(2, '----------')
  })
}
