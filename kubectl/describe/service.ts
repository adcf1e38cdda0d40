import type { Service } from '../../api/core/service.ts'
import type { Around, Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, heading, labels, onOneLine } from './parts.ts'

export const describeService: Describer<Service> = async (service, around) => {
  const { metadata, spec, status } = service
  const slices = await slicesOf(service, around)
  const page = newPage()
  const line = (title: string, text: unknown) => page.line(0, `${title}:\t${text}`)
  heading(page, service)
  labels(page, service)
  annotations(page, metadata.annotations)
  line('Selector', onOneLine(spec.selector))
  line('Type', spec.type)
  if (spec.ipFamilyPolicy) line('IP Family Policy', spec.ipFamilyPolicy)
  line('IP Families', spec.ipFamilies?.join(',') || '<none>')
  line('IP', spec.clusterIP ?? '')
  line('IPs', spec.clusterIPs?.join(',') || '<none>')
  if (spec.externalIPs?.length) line('External IPs', spec.externalIPs.join(','))
  if (spec.loadBalancerIP) line('Desired LoadBalancer IP', spec.loadBalancerIP)
  if (spec.externalName) line('External Name', spec.externalName)
  const ingress = status.loadBalancer?.ingress ?? []
  const ingressTexts = ingress.map(({ ip, ipMode, hostname = '' }) => (ip ? `${ip}${ipMode ? ` (${ipMode})` : ''}` : hostname))
  if (ingress.length > 0) line('LoadBalancer Ingress', ingressTexts.join(', '))
  for (const { name, port, protocol, targetPort, nodePort } of spec.ports ?? []) {
    line('Port', `${name || '<unset>'}\t${port}/${protocol}`)
    line('TargetPort', `${targetPort ?? port}/${protocol}`)
    if (nodePort) line('NodePort', `${name || '<unset>'}\t${nodePort}/${protocol}`)
    line('Endpoints', endpointsText(slices, name ?? ''))
  }
  line('Session Affinity', spec.sessionAffinity)
  if (spec.externalTrafficPolicy) line('External Traffic Policy', spec.externalTrafficPolicy)
  if (spec.internalTrafficPolicy) line('Internal Traffic Policy', spec.internalTrafficPolicy)
  if (spec.healthCheckNodePort) line('HealthCheck NodePort', spec.healthCheckNodePort)
  if (spec.loadBalancerSourceRanges?.length) line('LoadBalancer Source Ranges', spec.loadBalancerSourceRanges.join(','))
  events(page, around.events, around.now)
  return page.text()
}

/** As much of a discovery.k8s.io/v1 EndpointSlice as is told. */
export interface EndpointSlice {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[]
  readonly endpoints?: readonly { readonly addresses: readonly string[]; readonly conditions?: { readonly ready?: boolean } }[]
}

/** None where the server has no such resource. */
async function slicesOf({ metadata }: Service, around: Around): Promise<readonly EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${metadata.name}`
  try {
    return await around.list<EndpointSlice>('endpointslices.discovery.k8s.io', metadata.namespace, { labelSelector })
  } catch {
    return []
  }
}

const mostShown = 3

/** The addresses behind a port, the first three and how many more. Empty when none is ready. */
export function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  if (slices.length === 0) return '<none>'
  const addresses = slices.flatMap(({ ports = [], endpoints = [] }) => {
    const ready = endpoints
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses.slice(0, 1))
    if (ports.length === 0) return ready
    const wanted = ports.filter(({ name = '' }) => name === portName)
    return wanted.flatMap(({ port }) => ready.map(address => `${address.includes(':') ? `[${address}]` : address}:${port}`))
  })
  const shown = addresses.slice(0, mostShown).join(',')
  return addresses.length > mostShown ? `${shown} + ${addresses.length - mostShown} more...` : shown
}
