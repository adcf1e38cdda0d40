import { shortModes } from '../../api/core/access-modes.ts'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, goList, labels, statusText } from './parts.ts'
import { persistentSource } from './volumes.ts'

export const describeVolume: Describer<PersistentVolume> = (volume, around) => {
  const { metadata, spec, status } = volume
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, volume)
  annotations(page, metadata.annotations)
  page.line(0, `Finalizers:\t${goList(metadata.finalizers)}`)
  page.line(0, `StorageClass:\t${spec.storageClassName ?? ''}`)
  page.line(0, `Status:\t${statusText(volume, status.phase, around.now)}`)
  page.line(0, `Claim:\t${spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : ''}`)
  page.line(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy}`)
  page.line(0, `Access Modes:\t${shortModes(spec.accessModes)}`)
  if (spec.volumeMode) page.line(0, `VolumeMode:\t${spec.volumeMode}`)
  page.line(0, `Capacity:\t${spec.capacity?.storage ?? '0'}`)
  affinity(page, volume)
  page.line(0, `Message:\t${status.message ?? ''}`)
  page.line(0, 'Source:')
  persistentSource(page, volume)
  events(page, around.events, around.now)
  return page.text()
}

function affinity(page: Page, { spec }: PersistentVolume): void {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  if (!terms) return page.line(0, 'Node Affinity:\t<none>')
  page.line(0, 'Node Affinity:\t')
  page.line(1, `Required Terms:\t${terms.length === 0 ? '<none>' : ''}`)
  terms.forEach(({ matchExpressions = [] }, i) => {
    const texts = matchExpressions.map(({ key, operator, values = [] }) => {
      return `${key} ${operator.toLowerCase()}${values.length > 0 ? ` [${values.join(', ')}]` : ''}`
    })
    const [first = '<none>', ...rest] = texts
    page.line(2, `Term ${i}:\t${first}`)
    for (const text of rest) page.line(2, `\t${text}`)
  })
}
