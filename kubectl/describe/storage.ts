import type { CSINode } from '../../api/storage/csi-node.ts'
import type { VolumeAttributesClass } from '../../api/storage/volume-attributes-class.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, goList, labels, longTime, onOneLine } from './parts.ts'

export const describeCsiNode: Describer<CSINode> = (node, around) => {
  const { metadata, spec } = node
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, node)
  annotations(page, metadata.annotations)
  page.line(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`)
  page.line(0, 'Spec:')
  // An empty list of drivers reaches kubectl as one, an absent one does not; the server always has it.
  page.line(1, 'Drivers:')
  for (const { name, nodeID, allocatable, topologyKeys } of spec.drivers) {
    page.line(2, `${name}:`)
    page.line(3, `Node ID:\t${nodeID}`)
    if (allocatable?.count !== undefined) {
      page.line(3, 'Allocatables:')
      page.line(4, `Count:\t${allocatable.count}`)
    }
    if (topologyKeys) page.line(3, `Topology Keys:\t${goList(topologyKeys)}`)
  }
  events(page, around.events, around.now)
  return page.text()
}

export const describeVolumeAttributesClass: Describer<VolumeAttributesClass> = (attributes, around) => {
  const { metadata, driverName, parameters } = attributes
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  page.line(0, `Annotations:\t${onOneLine(metadata.annotations)}`)
  page.line(0, `DriverName:\t${driverName}`)
  page.line(0, `Parameters:\t${onOneLine(parameters)}`)
  events(page, around.events, around.now)
  return page.text()
}
