import type { Namespace } from '../../api/core/namespace.ts'
import type { Describer } from './around.ts'
import { page as newPage } from './page.ts'
import { annotations, labels, longTime } from './parts.ts'

export const describeNamespace: Describer<Namespace> = namespace => {
  const { metadata, status } = namespace
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  labels(page, namespace)
  annotations(page, metadata.annotations)
  page.line(0, `Status:\t${status.phase}`)
  if (status.conditions?.length) {
    page.line(0, 'Conditions:')
    page.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage')
    page.line(1, '----\t------\t------------------\t------\t-------')
    for (const { type, status: is, lastTransitionTime, reason = '', message = '' } of status.conditions) {
      page.line(1, [type, is, longTime(lastTransitionTime), reason, message].join('\t'))
    }
  }
  return page.text()
}
