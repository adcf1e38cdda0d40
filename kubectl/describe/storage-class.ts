import type { StorageClass } from '../../api/storage/storage-class.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { onOneLine } from './parts.ts'

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const describeStorageClass: Describer<StorageClass> = (storageClass, around) => {
  const { metadata, provisioner, parameters, allowVolumeExpansion, mountOptions } = storageClass
  const page = newPage()
  const isDefault = defaultAnnotations.some(name => metadata.annotations?.[name] === 'true')
  page.line(0, `Name:\t${metadata.name}`)
  page.line(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}`)
  page.line(0, `Annotations:\t${onOneLine(metadata.annotations)}`)
  page.line(0, `Provisioner:\t${provisioner}`)
  page.line(0, `Parameters:\t${onOneLine(parameters)}`)
  page.line(
    0,
    `AllowVolumeExpansion:\t${allowVolumeExpansion === undefined ? '<unset>' : allowVolumeExpansion ? 'True' : 'False'}`,
  )
  page.line(0, `MountOptions:${mountOptions?.length ? '' : '\t<none>'}`)
  for (const option of mountOptions ?? []) page.line(1, option)
  if (storageClass.reclaimPolicy) page.line(0, `ReclaimPolicy:\t${storageClass.reclaimPolicy}`)
  if (storageClass.volumeBindingMode) page.line(0, `VolumeBindingMode:\t${storageClass.volumeBindingMode}`)
  if (storageClass.allowedTopologies)
    page.line(0, `AllowedTopologies:\t${storageClass.allowedTopologies.length === 0 ? '<none>' : ''}`)
  storageClass.allowedTopologies?.forEach(({ matchLabelExpressions = [] }, i) => {
    const [first = '<none>', ...rest] = matchLabelExpressions.map(({ key, values }) => `${key} in [${values.join(', ')}]`)
    page.line(1, `Term ${i}:\t${first}`)
    for (const text of rest) page.line(1, `\t${text}`)
  })
  events(page, around.events, around.now)
  return page.text()
}
