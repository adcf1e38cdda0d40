import type { Service } from '../../api/core/service.ts'
import type { Ingress, IngressBackend } from '../../api/networking/ingress.ts'
import type { IngressClass } from '../../api/networking/ingress-class.ts'
import type { IPAddress } from '../../api/networking/ip-address.ts'
import type { ServiceCIDR } from '../../api/networking/service-cidr.ts'
import type { Around, Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, labels, longTime } from './parts.ts'
import { type EndpointSlice, endpointsText } from './service.ts'

export const describeIngress: Describer<Ingress> = async (ingress, around) => {
  const { metadata, spec, status } = ingress
  const backendOf = (backend: IngressBackend) => backendText(backend, metadata.namespace, around)
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, ingress)
  page.line(0, `Namespace:\t${metadata.namespace}`)
  const addresses = (status.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || [])
  page.line(0, `Address:\t${[...new Set(addresses)].sort().join(',')}`)
  page.line(0, `Ingress Class:\t${spec.ingressClassName ?? '<none>'}`)
  const usual = spec.defaultBackend ? await backendOf(spec.defaultBackend) : '<default>'
  page.line(0, `Default backend:\t${usual}`)
  if (spec.tls?.length) page.line(0, 'TLS:')
  for (const { secretName, hosts = [] } of spec.tls ?? []) {
    page.line(1, `${secretName ? `${secretName} terminates` : 'SNI routes'} ${hosts.join(',')}`)
  }
  page.line(0, 'Rules:')
  page.line(0, '  Host\tPath\tBackends')
  page.line(1, '----\t----\t--------')
  const rules = (spec.rules ?? []).filter(({ http }) => http)
  for (const { host, http } of rules) {
    page.line(1, `${host || '*'}\t`)
    for (const { path = '', backend } of http?.paths ?? []) page.line(2, `\t${path} \t${await backendOf(backend)}`)
  }
  if (rules.length === 0) page.line(1, `*\t*\t${usual}`)
  annotations(page, metadata.annotations)
  events(page, around.events, around.now)
  return page.text()
}

/** `web:80 (10.0.0.1:8080)`: a service and what is behind it, or another resource. */
async function backendText({ service, resource }: IngressBackend, namespace: string, around: Around): Promise<string> {
  if (resource) return `APIGroup: ${resource.apiGroup ?? '<none>'}, Kind: ${resource.kind}, Name: ${resource.name}`
  if (!service) return ''
  const { name, port } = service
  const text = `${name}:${port?.number || (port?.name ?? '')}`
  try {
    const labelSelector = `kubernetes.io/service-name=${name}`
    const slices = await around.list<EndpointSlice>('endpointslices.discovery.k8s.io', namespace, { labelSelector })
    const { spec } = await around.get<Service>('services', namespace, name)
    const found = spec.ports?.find(each => (port?.number ? each.port === port.number : each.name === port?.name))
    return `${text} (${endpointsText(slices, found?.name ?? '')})`
  } catch (error) {
    return `${text} (<error: ${(error as Error).message}>)`
  }
}

export const describeIngressClass: Describer<IngressClass> = (ingressClass, around) => {
  const { metadata, spec } = ingressClass
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, ingressClass)
  annotations(page, metadata.annotations)
  page.line(0, `Controller:\t${spec.controller ?? ''}`)
  if (spec.parameters) {
    page.line(0, 'Parameters:')
    if (spec.parameters.apiGroup !== undefined) page.line(1, `APIGroup:\t${spec.parameters.apiGroup}`)
    page.line(1, `Kind:\t${spec.parameters.kind}`)
    page.line(1, `Name:\t${spec.parameters.name}`)
  }
  events(page, around.events, around.now)
  return page.text()
}

export const describeServiceCidr: Describer<ServiceCIDR> = (range, around) => {
  const { metadata, spec, status } = range
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, range)
  annotations(page, metadata.annotations)
  page.line(0, `CIDRs:\t${(spec.cidrs ?? []).join(', ')}`)
  if (status.conditions?.length) {
    page.line(0, 'Status:')
    page.line(0, 'Conditions:')
    page.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage')
    page.line(1, '----\t------\t------------------\t------\t-------')
    for (const { type, status: is, lastTransitionTime, reason, message } of status.conditions) {
      page.line(1, [type, is, longTime(lastTransitionTime), reason, message].join('\t'))
    }
  }
  events(page, around.events, around.now)
  return page.text()
}

export const describeIpAddress: Describer<IPAddress> = (address, around) => {
  const { metadata, spec } = address
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, address)
  annotations(page, metadata.annotations)
  if (spec.parentRef) {
    const { group = '', resource, namespace = '', name } = spec.parentRef
    page.line(0, 'Parent Reference:')
    page.line(1, `Group:\t${group}`)
    page.line(1, `Resource:\t${resource}`)
    page.line(1, `Namespace:\t${namespace}`)
    page.line(1, `Name:\t${name}`)
  }
  events(page, around.events, around.now)
  return page.text()
}
