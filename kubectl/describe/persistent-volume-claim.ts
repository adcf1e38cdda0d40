import { shortModes } from '../../api/core/access-modes.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, goList, heading, labels, lines, longTime, statusText } from './parts.ts'

export const describeClaim: Describer<PersistentVolumeClaim> = async (claim, around) => {
  const { metadata, spec, status } = claim
  const page = newPage()
  const isBound = Boolean(spec.volumeName)
  heading(page, claim)
  page.line(0, `StorageClass:\t${spec.storageClassName ?? ''}`)
  page.line(0, `Status:\t${statusText(claim, status.phase, around.now)}`)
  page.line(0, `Volume:\t${spec.volumeName ?? ''}`)
  labels(page, claim)
  annotations(page, metadata.annotations)
  page.line(0, `Finalizers:\t${goList(metadata.finalizers)}`)
  page.line(0, `Capacity:\t${isBound ? (status.capacity?.storage ?? '0') : ''}`)
  page.line(0, `Access Modes:\t${isBound ? shortModes(status.accessModes) : ''}`)
  if (spec.volumeMode) page.line(0, `VolumeMode:\t${spec.volumeMode}`)
  if (spec.dataSource) {
    page.line(0, 'DataSource:')
    if (spec.dataSource.apiGroup !== undefined) page.line(1, `APIGroup:\t${spec.dataSource.apiGroup}`)
    page.line(1, `Kind:\t${spec.dataSource.kind}`)
    page.line(1, `Name:\t${spec.dataSource.name}`)
  }
  const pods = await around.list<Pod>('pods', metadata.namespace)
  lines(page, 'Used By', users(claim, pods))
  conditions(page, claim)
  events(page, around.events, around.now)
  return page.text()
}

/** The pods that mount a claim, and the one that it was made for. */
function users({ metadata }: PersistentVolumeClaim, pods: readonly Pod[]): string[] {
  const owners = new Set(metadata.ownerReferences?.filter(({ kind }) => kind === 'Pod').map(({ uid }) => uid))
  return pods
    .filter(
      pod =>
        owners.has(pod.metadata.uid) ||
        pod.spec.volumes?.some(volume => volume.persistentVolumeClaim?.claimName === metadata.name),
    )
    .map(pod => pod.metadata.name)
    .sort()
}

function conditions(page: Page, { status }: PersistentVolumeClaim): void {
  if (!status.conditions?.length) return
  page.line(0, 'Conditions:')
  page.line(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage')
  page.line(1, '----\t------\t-----------------\t------------------\t------\t-------')
  for (const { type, status: is, lastProbeTime, lastTransitionTime, reason = '', message = '' } of status.conditions) {
    page.line(
      1,
      [`${type} `, `${is} `, `${longTime(lastProbeTime)} `, `${longTime(lastTransitionTime)} `, `${reason} `, message].join('\t'),
    )
  }
}
