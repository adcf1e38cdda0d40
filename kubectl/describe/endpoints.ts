import type { Endpoints } from '../../api/core/endpoints.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, heading, labels } from './parts.ts'

export const describeEndpoints: Describer<Endpoints> = (endpoints, around) => {
  const page = newPage()
  heading(page, endpoints)
  labels(page, endpoints)
  annotations(page, endpoints.metadata.annotations)
  page.line(0, 'Subsets:')
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    page.line(1, `Addresses:\t${addresses.map(({ ip }) => ip).join(',') || '<none>'}`)
    page.line(1, `NotReadyAddresses:\t${notReadyAddresses.map(({ ip }) => ip).join(',') || '<none>'}`)
    if (ports.length > 0) {
      page.line(1, 'Ports:')
      page.line(2, 'Name\tPort\tProtocol')
      page.line(2, '----\t----\t--------')
      for (const { name, port, protocol } of ports) page.line(2, `${name || '<unset>'}\t${port}\t${protocol}`)
    }
    page.line(0, '')
  }
  events(page, around.events, around.now)
  return page.text()
}

export const describeEndpointSlice: Describer<EndpointSlice> = (slice, around) => {
  const { metadata, addressType, ports, endpoints } = slice
  const page = newPage()
  heading(page, slice)
  labels(page, slice)
  annotations(page, metadata.annotations)
  page.line(0, `AddressType:\t${addressType}`)
  page.line(0, ports?.length ? 'Ports:' : 'Ports: <unset>')
  if (ports?.length) {
    page.line(1, 'Name\tPort\tProtocol')
    page.line(1, '----\t----\t--------')
  }
  for (const { name, port, protocol } of ports ?? []) page.line(1, `${name || '<unset>'}\t${port ?? '<unset>'}\t${protocol}`)
  page.line(0, endpoints?.length ? 'Endpoints:' : 'Endpoints: <none>')
  for (const { addresses, conditions, hostname, targetRef, nodeName, zone } of endpoints ?? []) {
    page.line(1, `- Addresses:\t${addresses.join(', ') || '<none>'}`)
    page.line(2, 'Conditions:')
    page.line(3, `Ready:\t${conditions?.ready ?? '<unset>'}`)
    page.line(2, `Hostname:\t${hostname ?? '<unset>'}`)
    if (targetRef) page.line(2, `TargetRef:\t${targetRef.kind}/${targetRef.name}`)
    page.line(2, `NodeName:\t${nodeName ?? '<unset>'}`)
    page.line(2, `Zone:\t${zone ?? '<unset>'}`)
  }
  events(page, around.events, around.now)
  return page.text()
}
