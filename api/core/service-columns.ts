import { age, column, describeLabels, orNone, wide } from '../columns.ts'
import type { Column } from '../kind.ts'
import type { ServiceObject } from './service-spec.ts'

/** How `get services` sees services (pkg/printers/internalversion/printers.go printService). */
export const serviceColumns: Column<ServiceObject>[] = [
  column('Type', 'How it is reached.', ({ spec }) => spec.type),
  column('Cluster-IP', 'Its address.', ({ spec }) => orNone(spec.clusterIPs?.[0] ?? spec.clusterIP)),
  column('External-IP', 'Where it is reached from outside.', externalAddresses),
  column('Port(s)', 'Ports it listens on.', portsOf),
  age,
  wide('Selector', 'Labels of the pods that serve it.', ({ spec }) => describeLabels(spec.selector)),
]

function externalAddresses({ spec, status }: ServiceObject): string {
  const { externalIPs = [], externalName = '' } = spec
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(externalIPs.join(','))
    case 'LoadBalancer': {
      const ingress = status.loadBalancer.ingress ?? []
      const addresses = new Set(ingress.map(({ ip, hostname }) => ip || hostname || '').filter(address => address !== ''))
      return [...[...addresses].sort(), ...externalIPs].join(',') || '<pending>'
    }
    case 'ExternalName':
      return externalName
    default:
      return '<unknown>'
  }
}

function portsOf({ spec: { ports = [] } }: ServiceObject): string {
  const text = ({ port, nodePort, protocol }: (typeof ports)[number]) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
  return orNone(ports.map(text).join(','))
}
